//! Extend pitch: transposed copies of tonal templates, which also separate notes that were not captured. Copies are
//! computed from the templates: they are neither learned nor saved.

use std::convert::Infallible;

use crate::dsp::{Format, Templates};

/// Semitones by which copies are transposed. One step up and down gains half as much; three steps gain no more.
const STEPS: [i32; 4] = [-2, -1, 1, 2];
/// A template is tonal if this many of its strongest bins …
const STRONGEST_BINS: usize = 12;
/// … hold more than this share of its sum.
const TONAL_SHARE: f32 = 0.3;
/// A copy is left out if its root spectrum has a cosine above this with that of another component's template: it then
/// matches that component's sound.
const LOOK_ALIKE: f32 = 0.85;

/// Adds copies of the tonal templates, up to two semitones up and down, except for the components in `steady`: hum does
/// not change its pitch. Copies that match a captured note of another component are left out.
pub fn extend(templates: &Templates, steady: &[usize]) -> Templates {
    let Ok(extended) = extend_while(templates, steady, &mut || Ok::<(), Infallible>(()));
    extended
}

/// Like [`extend`], but stops as soon as `poll` fails. `poll` is called once for each template that is copied, and at
/// the end.
///
/// # Errors
/// The error that `poll` returned.
pub fn extend_while<E>(
    templates: &Templates,
    steady: &[usize],
    poll: &mut dyn FnMut() -> Result<(), E>,
) -> Result<Templates, E> {
    let format = templates.format();
    let roots: Vec<Vec<f32>> = templates.full().templates().map(|template| root(&template)).collect();
    let mut copies = Vec::new();
    for (template, &owner) in templates.full().templates().zip(templates.owners()) {
        if steady.contains(&owner) || !is_tonal(&template, format) {
            continue;
        }
        poll()?;
        for step in STEPS {
            let copy = transposed(&template, format, step);
            let shape = root(&copy);
            let is_taken =
                |(other, &other_owner): (&Vec<f32>, &usize)| other_owner != owner && dot(&shape, other) > LOOK_ALIKE;
            if !roots.iter().zip(templates.owners()).any(is_taken) {
                copies.push((owner, copy));
            }
        }
    }
    poll()?;
    Ok(templates.with_copies(copies))
}

fn is_tonal(template: &[f32], format: Format) -> bool {
    let mut mono = vec![0.0f32; format.bins()];
    for channel in template.chunks_exact(format.bins()) {
        mono.iter_mut().zip(channel).for_each(|(sum, x)| *sum += x);
    }
    let sum: f32 = mono.iter().sum();
    mono.sort_by(|a, b| b.total_cmp(a));
    mono[..STRONGEST_BINS].iter().sum::<f32>() > TONAL_SHARE * sum
}

/// Stretches each channel along the frequency axis. The dictionary scales the sum.
fn transposed(template: &[f32], format: Format, semitones: i32) -> Vec<f32> {
    let ratio = (f64::from(semitones) / 12.0).exp2();
    template.chunks_exact(format.bins()).flat_map(|channel| stretched(channel, ratio)).collect()
}

fn stretched(bins: &[f32], ratio: f64) -> impl Iterator<Item = f32> {
    let last = bins.len() - 1;
    (0..bins.len()).map(move |bin| {
        let position = bin as f64 / ratio;
        let whole = position as usize;
        // The template has no values above its highest bin.
        if whole > last {
            return 0.0;
        }
        let above = if whole < last { bins[whole + 1] } else { 0.0 };
        bins[whole] + (above - bins[whole]) * (position - whole as f64) as f32
    })
}

/// The square roots of the values, scaled to unit length.
fn root(template: &[f32]) -> Vec<f32> {
    let sum: f32 = template.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    template.iter().map(|x| (x / sum).sqrt()).collect()
}

fn dot(x: &[f32], y: &[f32]) -> f32 {
    crate::dsp::simd::dot(x, y)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: Format = Format { sample_rate: 44_100.0, window_len: 2048, channels: 1 };

    /// Partials at multiples of bin `first`, each three bins wide.
    fn tone(first: f32) -> Vec<f32> {
        let partial = |bin: usize, n: f32| (1.5 - (bin as f32 - first * n).abs()).max(0.0) / n;
        (0..1025).map(|bin| (1..=6).map(|n| partial(bin, n as f32)).sum()).collect()
    }

    fn templates(owned: &[(usize, Vec<f32>)]) -> Templates {
        let owners: Vec<usize> = owned.iter().map(|(owner, _)| *owner).collect();
        let names = (0..=*owners.iter().max().unwrap()).map(|n| n.to_string()).collect();
        let matrix = owned.iter().flat_map(|(_, template)| template.clone()).collect();
        Templates::new(FORMAT, names, owners, matrix).unwrap()
    }

    #[test]
    fn tones_get_four_copies_a_semitone_apart_and_noise_and_steady_components_none() {
        let extended = extend(&templates(&[(0, tone(40.0)), (1, vec![1.0; 1025]), (2, tone(90.0))]), &[2]);
        assert_eq!(extended.owners(), [0, 1, 2, 0, 0, 0, 0]);
        for (copy, semitones) in extended.full().templates().skip(3).zip([-2, -1, 1, 2]) {
            let peak = copy.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
            let expected = 40.0 * 2f32.powf(semitones as f32 / 12.0);
            assert!((peak as f32 - expected).abs() <= 1.0, "{semitones}: bin {peak}, expected {expected}");
        }
    }

    #[test]
    fn a_note_that_another_component_holds_stays_its_own() {
        let semitone = 2f32.powf(1.0 / 12.0);
        let extended = extend(&templates(&[(0, tone(40.0)), (1, tone(40.0 * semitone))]), &[]);
        // Each lacks the copy that matches the other: −1 of the second is the first, and +1 of the first is the second.
        assert_eq!(extended.owners(), [0, 1, 0, 0, 0, 1, 1, 1]);
    }
}
