//! What the whole chain takes of a core, playing and in silence; and how evenly it takes it.

use anyhow::Result;
use unweave::dsp::Mode;
use unweave::model::Model;

use crate::blocks::BlockTimes;
use crate::music::{Music, player};
use crate::report::{Bounds, Report, Row, Table};
use scenes::{LoopedEngine, RATE, chord, tones};

const MODES: [Mode; 3] = [Mode::Normal, Mode::Tight, Mode::Live];
const BLOCK_LENS: [usize; 3] = [32, 64, 128];
const CHAIN: Bounds = Bounds::at_most(1.0, 0.5);
/// Hops of music to a measurement of the whole chain.
const HOPS: usize = 400;

/// What a hop takes in one mode, in seconds.
struct Hop {
    lasts: f64,
    music: BlockTimes,
    /// The same while an editor is open.
    watched: BlockTimes,
    tones: BlockTimes,
    silence: BlockTimes,
}

impl Hop {
    fn measure(mode: Mode, runs: usize, model: &Model, music: &Music) -> Result<Self> {
        let layout = mode.layout(RATE);
        let hop_len = layout.hop_len();
        let audio = || later(music, HOPS * hop_len);
        let notes = chord(HOPS * hop_len);
        let mut tonal = LoopedEngine::new(layout, tones(layout, 4, 16), [notes.clone(), notes]);
        // Silence after music: what rang is over when a window has passed.
        let sounding = HOPS / 4;
        let silenced = audio().map(|mut channel| {
            channel[sounding * hop_len..].fill(0.0);
            channel
        });
        let silent_from = sounding + layout.window_len() / hop_len + 1;
        Ok(Self {
            lasts: hop_len as f64 / f64::from(RATE),
            music: BlockTimes::of(&mut player(model, mode, audio())?, hop_len, runs),
            watched: BlockTimes::of(&mut player(model, mode, audio())?.watched(), hop_len, runs),
            tones: BlockTimes::of(&mut tonal, hop_len, runs),
            silence: BlockTimes::of(&mut player(model, mode, silenced)?, hop_len, runs).after(silent_from),
        })
    }

    /// Medians, in percent of what a hop lasts: music, tones, silence.
    fn shares(&self) -> [f64; 3] {
        [&self.music, &self.tones, &self.silence].map(|times| 100.0 * times.quantile(0.5) / self.lasts)
    }
}

/// The clip after its first bars, of drums alone.
fn later(music: &Music, len: usize) -> [Vec<f32>; 2] {
    const FROM_S: f64 = 6.0;
    let audio = music.stereo(FROM_S + len as f64 / f64::from(RATE) + 1.0);
    audio.map(|channel| channel[(FROM_S * f64::from(RATE)) as usize..][..len].to_vec())
}

/// The share of a core: 4 components × 16 templates, stereo.
pub(crate) fn measure(runs: usize, music: &Music, report: &mut Report) -> Result<()> {
    let model = music.guided()?;
    let mut table = Table::new(
        "Whole chain by mode: medians of a hop, stereo 48 kHz, 4 components × 16 templates, one muted",
        "mode",
        &["lasts, µs", "music, µs", "99 %, µs", "% of a core", "tones, µs", "% of a core", "silence, µs", "% of music"],
    );
    report.heading("Whole chain, stereo 48 kHz, 4 components × 16 templates, defaults, one component muted");
    let (mut silent, mut watched) = (0.0f64, 0.0f64);
    for mode in MODES {
        let hop = Hop::measure(mode, runs, &model, music)?;
        let [music, tones, silence] = hop.shares();
        let micros = |percent: f64| percent / 100.0 * hop.lasts * 1e6;
        let silence_of_music = 100.0 * silence / music;
        let slowest = hop.music.quantile(0.99) * 1e6;
        table.row(
            mode.name(),
            &[micros(100.0), micros(music), slowest, music, micros(tones), tones, micros(silence), silence_of_music],
        );
        silent = silent.max(silence_of_music);
        // In the mean: not every hop has a column.
        watched = watched.max(100.0 * (hop.watched.mean() / hop.music.mean() - 1.0));
        if mode == Mode::Normal {
            report.add(Row::bounded("share of one core, music", music, "%", CHAIN));
            report.add(Row::bounded("share of one core, every template tonal", tones, "%", CHAIN));
        }
    }
    report.add(Row::bounded("silence, of what music costs, the worst mode", silent, "%", Bounds::at_most(5.0, 5.0)));
    report.add(Row::plain("an open editor, more than what music costs, the worst mode", watched, "%"));
    report.table(table);
    Ok(())
}

/// How evenly: 16 components × 8 templates, stereo, small blocks.
pub(crate) fn measure_load(runs: usize, music: &Music, report: &mut Report) -> Result<()> {
    let model = music.blind()?;
    let mut table = Table::new(
        "Load of small blocks, stereo 48 kHz, 16 components × 8 templates, one muted: of each block the least of all runs",
        "mode, samples a block",
        &["p50, µs", "p99.9, µs", "worst, µs", "p50, %", "p99.9, %", "worst, %", "worst with interruptions, %"],
    );
    report.heading("Even load: the worst 64-sample block, of its time on one core");
    for (mode, seconds) in MODES.into_iter().zip([20.0, 10.0, 5.0]) {
        for block_len in BLOCK_LENS {
            let times = BlockTimes::of(&mut player(&model, mode, music.stereo(seconds))?, block_len, runs);
            let all = [0.5, 0.999, 1.0].map(|share| times.quantile(share));
            let share = |seconds: f64| 100.0 * seconds * f64::from(RATE) / block_len as f64;
            let numbers: Vec<f64> = (all.iter().map(|seconds| seconds * 1e6))
                .chain(all.iter().map(|&seconds| share(seconds)))
                .chain([share(times.worst_raw)])
                .collect();
            table.row(&format!("{}, {block_len}", mode.name()), &numbers);
            if block_len == 64 {
                report.add(Row::bounded(mode.name(), share(all[2]), "%", Bounds::at_most(30.0, 30.0)));
            }
        }
    }
    report.table(table);
    Ok(())
}
