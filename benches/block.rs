//! Cost of host blocks of 64 samples. Run with `cargo bench --package benches --bench block`.

use divan::Bencher;
use divan::counter::ItemsCount;
use scenes::LoopedEngine;
use unweave::dsp::Mode;

const BLOCK_LEN: usize = 64;

fn main() {
    divan::main();
}

/// As many blocks as a hop has, so that each sample of the figure holds one frame's work: stereo, 16 components of 8 tonal
/// templates, one muted. How it spreads over the blocks is measured by `cargo xtask bench`.
#[divan::bench(args = ["normal", "tight", "live"])]
fn of_64_samples(bencher: Bencher, mode: &str) {
    let layout = Mode::named(mode).unwrap().layout(scenes::RATE);
    let blocks = (layout.hop_len() / BLOCK_LEN).max(1);
    let chord = scenes::chord(100 * layout.window_len());
    let mut player = LoopedEngine::new(layout, scenes::tones(layout, 16, 8), [chord.clone(), chord]);
    bencher.counter(ItemsCount::new(blocks)).bench_local(|| {
        for _ in 0..blocks {
            player.play(BLOCK_LEN);
        }
    });
}
