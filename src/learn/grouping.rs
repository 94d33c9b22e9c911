//! Blind learning gives many templates and nobody's word on what belongs together: this groups them by what they sound
//! like, where, and when.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use crate::dsp::Format;
use crate::link::GroupBy;

/// Mel bands of the template spectra whose cosine transform describes a timbre.
const MEL_BANDS: usize = 40;
/// Cepstral coefficients compared: 1 to 13. The 0th is the level.
const COEFFICIENTS: usize = 13;
/// Frames by which one activation may trail another and still sound together with it.
const LAG_FRAMES: usize = 4;
/// Exponent of the size in the merging cost: small templates find company first.
const SIZE_EXPONENT: f64 = 0.25;

/// What a template's spectrum is compared by.
struct Timbre {
    mfcc: Vec<f64>,
    /// log2 of the centroid in hertz.
    centroid_octaves: f64,
    /// Square roots of the magnitudes, of length one.
    root: Array1<f64>,
    /// atan2(‖right‖, ‖left‖); the same for all in mono.
    pan: f64,
}

/// The owner of each template (rows of `w`, each of `format.rows()`; columns of `h`, frames × templates), so that
/// `groups` components come out, numbered by how much sounds of them, loudest first.
pub fn group_templates(
    format: Format,
    w: ArrayView2<f32>,
    h: ArrayView2<f32>,
    groups: usize,
    _by: GroupBy,
) -> Vec<usize> {
    let energies = h.map(|&x| f64::from(x)).sum_axis(Axis(0));
    let total = energies.sum().max(f64::MIN_POSITIVE);
    // No template weighs nothing: it must still count in averages.
    let weights: Vec<f64> = energies.iter().map(|energy| (energy / total).max(1e-9)).collect();
    let owners = merge(&likenesses(format, w, h), weights.clone(), groups);
    loudest_first(&owners, &weights)
}

/// The cluster of each template after the cheapest pairs have merged until `groups` are left. The cost of merging a and b
/// is (1 − s) · (a b / (a + b))^¼: s the average likeness of their templates, weighted; a and b their weights.
fn merge(likeness: &Array2<f64>, mut weights: Vec<f64>, groups: usize) -> Vec<usize> {
    let mut owners: Vec<usize> = (0..weights.len()).collect();
    let mut clusters = owners.clone();
    // Σ wᵢ wⱼ sᵢⱼ over the pairs between two clusters: these add up when clusters merge, averages do not.
    let mut sums = Array2::from_shape_fn(likeness.dim(), |(i, j)| weights[i] * weights[j] * likeness[[i, j]]);
    while clusters.len() > groups.max(1) {
        let cost = |a: usize, b: usize| {
            let product = weights[a] * weights[b];
            (1.0 - sums[[a, b]] / product) * (product / (weights[a] + weights[b])).powf(SIZE_EXPONENT)
        };
        let pairs = clusters.iter().enumerate().flat_map(|(n, &a)| clusters[n + 1..].iter().map(move |&b| (a, b)));
        let cheapest = pairs.map(|(a, b)| (cost(a, b), a, b)).min_by(|x, y| x.0.total_cmp(&y.0));
        let Some((_, kept, absorbed)) = cheapest else { break };
        let added = sums.index_axis(Axis(0), absorbed).to_owned();
        sums.row_mut(kept).zip_mut_with(&added, |sum, x| *sum += x);
        sums.column_mut(kept).zip_mut_with(&added, |sum, x| *sum += x);
        weights[kept] += weights[absorbed];
        owners.iter_mut().filter(|owner| **owner == absorbed).for_each(|owner| *owner = kept);
        clusters.retain(|&cluster| cluster != absorbed);
    }
    owners
}

fn loudest_first(owners: &[usize], weights: &[f64]) -> Vec<usize> {
    let mut clusters = owners.to_vec();
    clusters.sort_unstable();
    clusters.dedup();
    let weight_of = |cluster: usize| -> f64 {
        owners.iter().zip(weights).filter(|(owner, _)| **owner == cluster).map(|(_, weight)| weight).sum()
    };
    clusters.sort_by(|&a, &b| weight_of(b).total_cmp(&weight_of(a)));
    owners.iter().filter_map(|owner| clusters.iter().position(|cluster| cluster == owner)).collect()
}

/// How alike each pair of templates is, 0 to 1: ¼ (mfcc² + √centroid + spectrum² + activation²) · pan², where mfcc,
/// centroid and pan are exponentials of a distance, spectrum is the cosine of the roots of the magnitudes, and activation
/// is [`correlations`] of the roots of the activations. Alone, each errs on some kind of music: timbre parts a drum's
/// attack from its ring, activations part the notes of one instrument.
fn likenesses(format: Format, w: ArrayView2<f32>, h: ArrayView2<f32>) -> Array2<f64> {
    let filters = mel_filters(format);
    let timbres: Vec<Timbre> = w.rows().into_iter().map(|template| timbre(format, template, &filters)).collect();
    let mfcc = nearness(&timbres);
    let activation = correlations(h.map(|&x| f64::from(x).sqrt()));
    Array2::from_shape_fn((timbres.len(), timbres.len()), |(i, j)| {
        let (a, b) = (&timbres[i], &timbres[j]);
        let centroid = (-(a.centroid_octaves - b.centroid_octaves).powi(2) / 2.0).exp();
        let spectrum = a.root.dot(&b.root);
        let pan = (-(a.pan - b.pan).powi(2) / (2.0 * 0.1 * 0.1)).exp();
        let sum = mfcc[[i, j]].powi(2) + centroid.sqrt() + spectrum.powi(2) + activation[[i, j]].powi(2);
        sum / 4.0 * pan.powi(2)
    })
}

fn timbre(format: Format, template: ArrayView1<f32>, filters: &[Array1<f64>]) -> Timbre {
    let template = template.mapv(f64::from);
    let channels: Vec<_> = template.axis_chunks_iter(Axis(0), format.bins()).collect();
    let mono = channels.iter().fold(Array1::<f64>::zeros(format.bins()), |sum, channel| sum + channel);
    let sum = mono.sum().max(f64::MIN_POSITIVE);
    let bin_hz = f64::from(format.sample_rate) / format.window_len as f64;
    let centroid = mono.iter().enumerate().map(|(bin, x)| bin as f64 * bin_hz * x).sum::<f64>() / sum;
    let norm = |channel: &ArrayView1<f64>| channel.dot(channel).sqrt();
    Timbre {
        mfcc: mfcc(&mono, filters),
        centroid_octaves: centroid.max(20.0).log2(),
        root: mono.mapv(|x| (x / sum).sqrt()),
        pan: if channels.len() == 2 { norm(&channels[1]).atan2(norm(&channels[0])) } else { 0.0 },
    }
}

fn mfcc(mono: &Array1<f64>, filters: &[Array1<f64>]) -> Vec<f64> {
    let energies: Vec<f64> = filters.iter().map(|filter| filter.dot(mono)).collect();
    let loudest = energies.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let logs: Vec<f64> = energies.iter().map(|energy| (energy / loudest).max((-9.0f64).exp()).ln()).collect();
    let cosine = |coefficient: usize, band: usize| {
        (std::f64::consts::PI * coefficient as f64 * (band as f64 + 0.5) / MEL_BANDS as f64).cos()
    };
    let scale = (2.0 / MEL_BANDS as f64).sqrt();
    (1..=COEFFICIENTS)
        .map(|c| scale * logs.iter().enumerate().map(|(band, log)| log * cosine(c, band)).sum::<f64>())
        .collect()
}

/// Triangles, equally wide on the mel scale 2595 log10(1 + f/700), from 30 Hz to half the sample rate.
fn mel_filters(format: Format) -> Vec<Array1<f64>> {
    let nyquist = f64::from(format.sample_rate) / 2.0;
    let mel = |hz: f64| 2595.0 * (1.0 + hz / 700.0).log10();
    let hz = |mel: f64| 700.0 * (10f64.powf(mel / 2595.0) - 1.0);
    let (low, high) = (mel(30.0), mel(nyquist));
    let edge = |n: usize| hz(low + (high - low) * n as f64 / (MEL_BANDS + 1) as f64);
    let bin_hz = f64::from(format.sample_rate) / format.window_len as f64;
    (0..MEL_BANDS)
        .map(|band| {
            let (left, centre, right) = (edge(band), edge(band + 1), edge(band + 2));
            // A band narrower than a bin takes its nearest bin.
            let nearest = (centre / bin_hz).round() as usize;
            let weight = |bin: usize| {
                let f = bin as f64 * bin_hz;
                ((f - left) / (centre - left)).min((right - f) / (right - centre)).max(0.0)
            };
            (0..format.bins()).map(|bin| if bin == nearest { weight(bin).max(0.5) } else { weight(bin) }).collect()
        })
        .collect()
}

/// exp(−d² / median d²) of each pair's cepstral coefficients.
fn nearness(timbres: &[Timbre]) -> Array2<f64> {
    let squared = Array2::from_shape_fn((timbres.len(), timbres.len()), |(i, j)| {
        timbres[i].mfcc.iter().zip(&timbres[j].mfcc).map(|(x, y)| (x - y).powi(2)).sum::<f64>()
    });
    let mut pairs: Vec<f64> = squared.indexed_iter().filter(|((i, j), _)| j < i).map(|(_, &d)| d).collect();
    pairs.sort_by(f64::total_cmp);
    let median = pairs.get(pairs.len() / 2).copied().unwrap_or(1.0).max(f64::MIN_POSITIVE);
    squared.mapv(|d| (-d / median).exp())
}

/// The largest correlation of each pair of columns when one trails the other by up to [`LAG_FRAMES`]; 0 where all are
/// negative.
fn correlations(mut columns: Array2<f64>) -> Array2<f64> {
    for mut column in columns.columns_mut() {
        column -= column.mean().unwrap_or(0.0);
        column /= column.dot(&column).sqrt().max(1e-12);
    }
    let frames = columns.nrows();
    let mut largest = Array2::zeros((columns.ncols(), columns.ncols()));
    for lag in 0..=LAG_FRAMES.min(frames) {
        let product = columns.slice(s![lag.., ..]).t().dot(&columns.slice(s![..frames - lag, ..]));
        largest.zip_mut_with(&product, |best: &mut f64, &x| *best = best.max(x));
        largest.zip_mut_with(&product.t(), |best, &x| *best = best.max(x));
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: Format = Format { sample_rate: 44_100.0, window_len: 2048, channels: 2 };

    /// A bump around bin `centre`, in the right channel by the part `right`.
    fn template(centre: f32, right: f32) -> Vec<f32> {
        let bin = |n: usize| (-((n as f32 + 1.0) / centre).ln().powi(2) * 4.0).exp();
        let left = (0..1025).map(|n| bin(n) * (1.0 - right));
        left.chain((0..1025).map(|n| bin(n) * right)).collect()
    }

    fn matrix(templates: &[Vec<f32>]) -> Array2<f32> {
        Array2::from_shape_fn((templates.len(), FORMAT.rows()), |(template, row)| templates[template][row])
    }

    #[test]
    fn low_and_high_and_left_and_right_templates_come_apart() {
        let bumps = [(10.0, 0.5), (300.0, 0.5), (12.0, 0.5), (280.0, 0.5), (11.0, 0.5), (300.0, 0.9)];
        let w = matrix(&bumps.map(|(centre, right)| template(centre, right)));
        // Low, high and right take turns; the low ones sound longest, the right one least.
        let turns = [(0, 30), (30, 50), (0, 30), (30, 50), (0, 30), (50, 60)];
        let h = Array2::from_shape_fn((600, 6), |(frame, template)| {
            let (from, to) = turns[template];
            if (from..to).contains(&(frame % 60)) { 0.9f32.powi((frame % 60 - from) as i32) + 0.1 } else { 0.0 }
        });
        assert_eq!(group_templates(FORMAT, w.view(), h.view(), 3, GroupBy::Auto), [0, 1, 0, 1, 0, 2]);
    }

    #[test]
    fn a_merged_cluster_is_as_alike_as_its_templates_on_average_and_the_heavy_ones_count_more() {
        // 0 and 1 merge first; then 2 is like them by 0.6 and 0.2, averaged, and 3 is like 2 by 0.5.
        let likeness = ndarray::arr2(&[
            [1.0, 0.9, 0.6, 0.0], //
            [0.9, 1.0, 0.2, 0.0],
            [0.6, 0.2, 1.0, 0.5],
            [0.0, 0.0, 0.5, 1.0],
        ]);
        assert_eq!(merge(&likeness, vec![1.0; 4], 2), [0, 0, 2, 2]);
        // A heavy 3 is dear to merge with, and 0 outweighs 1: the average is 0.598.
        assert_eq!(merge(&likeness, vec![1.0, 0.005, 1.0, 9.0], 2), [0, 0, 0, 3]);
    }

    #[test]
    fn activations_a_few_frames_apart_are_alike_and_those_that_take_turns_are_not() {
        let struck = |frame: usize, at: usize| 0.8f64.powi(((frame + 40 - at) % 40) as i32);
        let h = Array2::from_shape_fn((400, 3), |(frame, template)| struck(frame, [0, 3, 20][template]));
        let correlations = correlations(h);
        assert!(correlations[[0, 1]] > 0.95, "{correlations}");
        assert!(correlations[[0, 2]] < 0.1, "{correlations}");
    }

    #[test]
    fn likenesses_lie_within_0_and_1_even_of_templates_that_are_empty_or_never_sound() {
        let w = Array2::from_shape_fn((4, FORMAT.rows()), |(template, row)| (template * row % 7) as f32);
        let h = Array2::from_shape_fn((3, 4), |(frame, template)| ((frame * (3 - template)) % 5) as f32);
        let likenesses = likenesses(FORMAT, w.view(), h.view());
        // 1e-9: the length of a unit vector after a thousand roundings of 1e-16.
        assert!(likenesses.iter().all(|x| (0.0..=1.0 + 1e-9).contains(x)), "{likenesses}");
    }

    #[test]
    fn as_many_components_come_out_as_were_asked_for_and_the_loudest_is_the_first() {
        let w = matrix(&[10.0, 20.0, 40.0, 80.0, 160.0].map(|centre| template(centre, 0.5)));
        let h = Array2::from_shape_fn((50, 5), |(frame, template)| ((frame * (template + 2)) % 7 * template) as f32);
        for groups in 1..=5 {
            let owners = group_templates(FORMAT, w.view(), h.view(), groups, GroupBy::Auto);
            let loudness = |group: usize| -> f32 {
                h.columns().into_iter().zip(&owners).filter(|(_, owner)| **owner == group).map(|(h, _)| h.sum()).sum()
            };
            assert!((1..groups).all(|group| loudness(group) <= loudness(group - 1)), "{owners:?}");
            assert!((0..groups).all(|group| owners.contains(&group)), "{owners:?}");
        }
    }
}
