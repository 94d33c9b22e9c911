//! What an open editor shows of the sound: a column of the picture every few hops, the input level and the CPU load. Lives
//! on the audio thread, and does nothing while no editor is open.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use crate::dsp::{Block, Column, Engine, Hop, HopObserver, Settings, Unobserved};
use crate::link::{AudioLink, ColumnSender};

/// Short hops share a column: none stands for less than this.
const SHORTEST_COLUMN_S: f32 = 0.01;
/// Time constant of the CPU load's average.
const LOAD_S: f32 = 0.5;

/// Range of the input meter: ±120 dB.
const SOFTEST: f32 = 1e-6;
const LOUDEST: f32 = 1e6;

/// The column that is in progress, and the load.
pub struct EditorFeed {
    sample_rate: f32,
    column: Column,
    load: f32,
}

impl EditorFeed {
    /// For an engine of this sample rate.
    pub fn new(sample_rate: f32) -> Self {
        Self { sample_rate, column: Column::default(), load: 0.0 }
    }

    /// [`Engine::process_observed`] with the templates of the link. Sends columns and writes meters while an editor is open.
    pub fn process(&mut self, engine: &mut Engine, link: &mut AudioLink, block: Block<'_, '_>, settings: &Settings) {
        if !link.is_editor_open() {
            return engine.process_observed(block, link.templates(), settings, &mut Unobserved);
        }
        // Reads a register, or a page that the system shares for it: no system call.
        let started = Instant::now();
        let (templates, meters, columns) = link.for_editor();
        let block_len = block.audio.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let samples = block.audio.iter().flat_map(|channel| channel.iter());
        let loudest = samples.fold(0.0f32, |loudest, x| loudest.max(x.abs()));
        meters.input_db.store(20.0 * loudest.clamp(SOFTEST, LOUDEST).log10(), Relaxed);
        let mut observer = ColumnObserver { sample_rate: self.sample_rate, column: &mut self.column, columns };
        engine.process_observed(block, templates, settings, &mut observer);
        let block_s = block_len as f32 / self.sample_rate;
        if block_s > 0.0 {
            let load = started.elapsed().as_secs_f32() / block_s;
            self.load += (load - self.load) * (block_s / LOAD_S).min(1.0);
            meters.load.store(self.load, Relaxed);
        }
    }
}

/// Sends a column as soon as enough hops have passed.
struct ColumnObserver<'a> {
    sample_rate: f32,
    column: &'a mut Column,
    columns: &'a mut ColumnSender,
}

impl HopObserver for ColumnObserver<'_> {
    fn observe(&mut self, hop: &mut Hop<'_>) {
        self.column.seconds += hop.hop_len() as f32 / self.sample_rate;
        if self.column.seconds >= SHORTEST_COLUMN_S {
            hop.draw(self.column);
            self.columns.send(self.column);
            self.column.seconds = 0.0;
        }
    }
}
