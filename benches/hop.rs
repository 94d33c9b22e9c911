//! Cost of a hop of the whole engine. Run with `cargo bench --package benches --bench hop`.

use divan::Bencher;
use scenes::LoopedEngine;
use unweave::dsp::Mode;

fn main() {
    divan::main();
}

/// Stereo, 4 components of 16 tonal templates with their transposed copies and places, one of them muted, while three
/// notes sound. By mode; a hop of `live` is an eighth of one of `normal`.
#[divan::bench(args = ["normal", "tight", "live"])]
fn stereo(bencher: Bencher, mode: &str) {
    let layout = Mode::named(mode).unwrap().layout(scenes::RATE);
    let chord = scenes::chord(100 * layout.window_len());
    let mut player = LoopedEngine::new(layout, scenes::tones(layout, 4, 16), [chord.clone(), chord]);
    bencher.bench_local(|| player.play(layout.hop_len())[0]);
}
