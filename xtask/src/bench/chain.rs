//! What the whole chain takes of a core, playing and in silence; and how evenly it takes it.

use anyhow::Result;
use unweave::dsp::Mode;

use super::blocks::BlockTimes;
use super::music::{Music, player};
use super::report::{Bounds, Report, Row, Table};
use crate::scenes::{Player, RATE, chord, tones};

const MODES: [Mode; 3] = [Mode::Normal, Mode::Tight, Mode::Live];
const BLOCK_LENS: [usize; 3] = [32, 64, 128];
/// Hops of music to a measurement of the whole chain.
const HOPS: usize = 400;

/// The share of a core: 4 components × 16 templates, stereo.
pub(crate) fn measure(runs: usize, music: &Music, report: &mut Report) -> Result<()> {
    let model = music.guided()?;
    let mut table = Table::new(
        "Whole chain by mode, stereo 48 kHz, 4 components × 16 templates",
        "mode",
        &[
            "hop lasts, µs",
            "music, median µs",
            "% of a core",
            "99 %, µs",
            "tones, median µs",
            "% of a core",
            "silence, median µs",
            "% of music",
        ],
    );
    let mut silent = 0.0f64;
    for mode in MODES {
        let hop_len = mode.layout(RATE).hop_len();
        let hop_s = hop_len as f64 / f64::from(RATE);
        let seconds = (HOPS * hop_len) as f64 / f64::from(RATE);
        // Louder music than the first bar, of drums alone, is in the second half.
        let late = |audio: [Vec<f32>; 2]| audio.map(|channel| channel[6 * RATE as usize..].to_vec());
        let mut playing = player(&model, mode, late(music.stereo(6.0 + seconds)))?;
        let music_times = BlockTimes::of(&mut playing, hop_len, runs);
        let median = music_times.quantile(0.5);

        let layout = mode.layout(RATE);
        let notes = chord(HOPS * hop_len);
        let mut worst = Player::new(layout, tones(layout, 4, 16), [notes.clone(), notes]);
        let tonal = BlockTimes::of(&mut worst, hop_len, runs).quantile(0.5);

        // Silence after music: what rang is over when a window has passed.
        let sound_hops = HOPS / 4;
        let mut fading = late(music.stereo(6.0 + seconds));
        fading.iter_mut().for_each(|channel| channel[sound_hops * hop_len..].fill(0.0));
        let tail = layout.window_len() / hop_len + 1;
        let times = BlockTimes::of(&mut player(&model, mode, fading)?, hop_len, runs).after(sound_hops + tail);
        let silence = times.quantile(0.5);

        let share = 100.0 * median / hop_s;
        let numbers = [
            hop_s * 1e6,
            median * 1e6,
            share,
            music_times.quantile(0.99) * 1e6,
            tonal * 1e6,
            100.0 * tonal / hop_s,
            silence * 1e6,
            100.0 * silence / median,
        ];
        table.row(mode.name(), &numbers);
        silent = silent.max(100.0 * silence / median);
        if mode == Mode::Normal {
            report.heading("Whole chain, stereo 48 kHz, 4 components × 16 templates, defaults, one component muted");
            report.add(Row::bounded("share of one core, music", share, "%", Bounds::at_most(1.0, 0.5)));
            report.add(Row::bounded(
                "share of one core, all templates tonal",
                100.0 * tonal / hop_s,
                "%",
                Bounds::at_most(1.0, 0.5),
            ));
        }
    }
    report.add(Row::bounded("silence, of what music costs, the worst mode", silent, "%", Bounds::at_most(5.0, 5.0)));
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
