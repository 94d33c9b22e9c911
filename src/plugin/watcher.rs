//! What an open editor looks through: the sound goes through the engine hop by hop, and each hop leaves a column. Lives on
//! the audio thread. (Any split into blocks sounds the same, so watching changes no sound.)

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use crate::dsp::{Column, Engine, Settings, Templates};
use crate::link::{AudioLink, ColumnSender};

/// Short hops share a column: none stands for less than this.
const SHORTEST_COLUMN_S: f32 = 0.01;
/// The load that is shown is a mean over about this time.
const LOAD_S: f32 = 0.5;

/// What the input meter shows at least, and at most: ±120 dB.
const SOFTEST: f32 = 1e-6;
const LOUDEST: f32 = 1e6;

/// The column that is being made.
pub struct Watcher {
    sample_rate: f32,
    column: Column,
    load: f32,
}

impl Watcher {
    /// For an engine of this sample rate.
    pub fn new(sample_rate: f32) -> Self {
        Self { sample_rate, column: Column::default(), load: 0.0 }
    }

    /// [`Engine::process`] with the templates of the link; and columns and meters for an editor, if one is open.
    pub fn process(
        &mut self,
        engine: &mut Engine,
        link: &mut AudioLink,
        audio: &mut [&mut [f32]],
        settings: &Settings,
    ) {
        match link.is_watched() {
            true => self.process_watched(engine, link, audio, settings),
            false => engine.process(audio, link.templates(), settings),
        }
    }

    fn process_watched(
        &mut self,
        engine: &mut Engine,
        link: &mut AudioLink,
        audio: &mut [&mut [f32]],
        settings: &Settings,
    ) {
        // Reads a register or the page that the system shares for it: no call into the system.
        let started = Instant::now();
        let (templates, meters, columns) = link.watched();
        let block_len = audio.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let loudest = audio.iter().flat_map(|channel| channel.iter()).fold(0.0f32, |loudest, x| loudest.max(x.abs()));
        meters.input_db.store(20.0 * loudest.clamp(SOFTEST, LOUDEST).log10(), Relaxed);
        engine.watch();
        let mut done = 0;
        while done < block_len {
            let (to_hop, left) = (engine.samples_to_hop(), block_len - done);
            let count = to_hop.min(left);
            process_part(engine, audio, done..done + count, templates, settings);
            done += count;
            if count == to_hop {
                self.look(engine, templates, columns);
            }
        }
        engine.unwatch();
        let block_s = block_len as f32 / self.sample_rate;
        if block_s > 0.0 {
            let load = started.elapsed().as_secs_f32() / block_s;
            self.load += (load - self.load) * (block_s / LOAD_S).min(1.0);
            meters.load.store(self.load, Relaxed);
        }
    }

    fn look(&mut self, engine: &Engine, templates: Option<&Templates>, columns: &mut ColumnSender) {
        self.column.seconds += engine.hop_len() as f32 / self.sample_rate;
        if self.column.seconds >= SHORTEST_COLUMN_S {
            engine.look(templates, &mut self.column);
            columns.show(&self.column);
            self.column.seconds = 0.0;
        }
    }
}

/// Processes a part of a block of one or two channels.
fn process_part(
    engine: &mut Engine,
    audio: &mut [&mut [f32]],
    part: Range<usize>,
    templates: Option<&Templates>,
    settings: &Settings,
) {
    match audio {
        [mono] => engine.process(&mut [&mut mono[part]], templates, settings),
        [left, right] => engine.process(&mut [&mut left[part.clone()], &mut right[part]], templates, settings),
        // Hosts are offered mono and stereo only.
        _ => {}
    }
}
