//! What a click is: more high frequencies, or steeper samples, than before and after.

use std::f64::consts::TAU;

/// The notes of the chord.
pub(crate) const NOTES_HZ: [f64; 3] = [220.0, 277.0, 660.0];
/// The fourth difference of what nobody hears beside the chord: −80 dB at 12 kHz, of which it is four times as large.
const UNHEARD: f32 = 4e-4;
/// Samples after a change within which everything has changed, the longest latency included.
const TRANSITION: usize = 16_000;

/// One of the notes, 48 kHz.
pub(crate) fn note(index: usize, len: usize) -> Vec<f32> {
    // In float64: in float32 the phase itself is rough.
    (0..len).map(|n| ((TAU * NOTES_HZ[index] * n as f64 / 48_000.0).sin() * 0.25) as f32).collect()
}

/// All of them.
pub(crate) fn chord(len: usize) -> Vec<f32> {
    let notes = [0, 1, 2].map(|index| note(index, len));
    (0..len).map(|n| notes.iter().map(|note| note[n]).sum()).collect()
}

/// By how many dB the loudest of what is high in frequency, or the steepest step, after `change` exceeds that of the two
/// steady states before and after it. 0 at most: not at all.
pub(crate) fn click_db(audio: &[f32], change: usize) -> f32 {
    let settled = change + TRANSITION;
    let (before, around, after) = (&audio[change - TRANSITION..change], &audio[change - 8..settled], &audio[settled..]);
    let excess_db = |measure: fn(&[f32]) -> f32| {
        let steady = measure(before).max(measure(after)).max(UNHEARD);
        20.0 * (measure(around) / steady).log10()
    };
    excess_db(roughness).max(excess_db(steepness))
}

/// The largest fourth difference: nothing of notes (660 Hz: −77 dB), all of what is near the highest frequency (+24 dB).
fn roughness(audio: &[f32]) -> f32 {
    peak(audio.windows(5).map(|w| w[0] - 4.0 * w[1] + 6.0 * w[2] - 4.0 * w[3] + w[4]))
}

fn steepness(audio: &[f32]) -> f32 {
    peak(audio.windows(2).map(|w| w[1] - w[0]))
}

fn peak(samples: impl Iterator<Item = f32>) -> f32 {
    samples.fold(0.0, |peak, sample| peak.max(sample.abs()))
}
