//! Models change while a chord sounds, in the engine, in every mode: no click. (Hosted: tests/all/workflow.rs.)

use crate::click;
use crate::click::{chord, click_db};
use unweave::dsp::{Engine, Format, Mode, Settings, Templates};

const RATE: f32 = 48_000.0;
/// Samples before the change, and in all.
const CHANGE: usize = 48_000;
const LEN: usize = 96_000;

/// A component for each note, in this order: soloing the first is something else for each order.
fn notes(mode: Mode, order: [usize; 3]) -> Templates {
    let format = Format::new(RATE, mode.layout(RATE), 1);
    let bin_hz = RATE / format.window_len as f32;
    let peak = |note: usize| {
        let centre = click::NOTES_HZ[note] as f32 / bin_hz;
        (0..format.bins()).map(move |bin| (-((bin as f32 - centre) / 1.5).powi(2)).exp() + 1e-6f32)
    };
    let names = (1..=3).map(|n| n.to_string()).collect();
    Templates::new(format, names, vec![0, 1, 2], order.into_iter().flat_map(peak).collect()).unwrap()
}

/// Two components that share no bin: one is everything that sounds, the other nothing of it. The hardest change there is.
fn halves(mode: Mode, order: [bool; 2]) -> Templates {
    let format = Format::new(RATE, mode.layout(RATE), 1);
    let bins = format.bins();
    let half = |is_low: bool| (0..bins).map(move |bin| if (bin * 2 < bins) == is_low { 1.0f32 } else { 0.0 });
    let names = vec!["1".into(), "2".into()];
    Templates::new(format, names, vec![0, 1], order.into_iter().flat_map(half).collect()).unwrap()
}

/// How much of a click there is where one model follows the other, in dB, see [`click_db`].
fn changed_db(mode: Mode, before: Option<&Templates>, after: Option<&Templates>) -> f32 {
    let mut settings = Settings::default();
    settings.solos[0] = true;
    let mut engine = Engine::new(mode.layout(RATE), RATE, 1, 0);
    let mut audio = chord(LEN);
    let (first, second) = audio.split_at_mut(CHANGE);
    first.chunks_mut(100).for_each(|block| engine.process(&mut [block], before, &settings));
    second.chunks_mut(100).for_each(|block| engine.process(&mut [block], after, &settings));
    click_db(&audio, CHANGE)
}

#[test]
fn a_model_follows_another_or_none_without_a_click_in_every_mode() {
    for mode in Mode::ALL {
        let (low, high) = (notes(mode, [0, 1, 2]), notes(mode, [2, 1, 0]));
        let (all, nothing) = (halves(mode, [true, false]), halves(mode, [false, true]));
        for (before, after) in [(&low, &high), (&all, &nothing), (&low, &nothing)] {
            for (before, after) in [
                (Some(before), Some(after)),
                (Some(after), Some(before)),
                (Some(before), None),
                (None, Some(before)),
                (Some(after), None),
                (None, Some(after)),
            ] {
                let click_db = changed_db(mode, before, after);
                assert!(click_db < 3.0, "{mode:?}: {click_db} dB");
            }
        }
    }
}

#[test]
fn a_jump_and_a_corner_are_measured_as_clicks() {
    let mut jump = chord(LEN);
    jump[CHANGE..].iter_mut().for_each(|sample| *sample *= 0.9);
    assert!(click_db(&jump, CHANGE) > 20.0, "{}", click_db(&jump, CHANGE));
    let mut corner = chord(LEN);
    corner[CHANGE..].iter_mut().zip(0..).for_each(|(sample, n)| *sample *= 1.0 - (n.min(960) as f32 / 960.0));
    assert!(click_db(&corner, CHANGE) > 3.0, "{}", click_db(&corner, CHANGE));
    assert!(click_db(&chord(LEN), CHANGE) <= 0.0);
}
