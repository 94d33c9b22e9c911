//! Blind learning gives many templates and nobody's word on what belongs together: this groups them by timbre.

use crate::dsp::Format;

/// Mel bands of the template spectra whose cosine transform describes a timbre.
const MEL_BANDS: usize = 40;
/// Cepstral coefficients compared: 1 to 13. The 0th is the level.
const COEFFICIENTS: usize = 13;
/// Exponent of the size in the merging cost: small templates find company first.
const SIZE_EXPONENT: f64 = 0.25;

/// What a template is compared by.
struct Timbre {
    mfcc: Vec<f64>,
    /// log2 of the centroid in hertz.
    centroid_octaves: f64,
    /// atan2(‖right‖, ‖left‖); the same for all in mono.
    pan: f64,
}

/// The owner of each of `templates` (slices of `format.rows()`), so that `groups` components come out, numbered by how much
/// sounds of them (`energies`: the summed activations of each template), loudest first.
///
/// Templates merge by average linkage, weighted by energy. Their similarity is ½ (mfcc² + √centroid) · pan², each the
/// exponential of a distance; the cost of a merge is (1 − similarity) · (a b / (a + b))^¼, so that light templates join first.
pub fn group_by_timbre(format: Format, templates: &[&[f32]], energies: &[f64], groups: usize) -> Vec<usize> {
    let similarity = similarities(format, templates);
    let total: f64 = energies.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    // No template weighs nothing: it must still count in averages.
    let weights: Vec<f64> = energies.iter().map(|energy| (energy / total).max(1e-9)).collect();
    let mut clusters: Vec<Vec<usize>> = (0..templates.len()).map(|template| vec![template]).collect();
    let weight_of = |cluster: &[usize]| cluster.iter().map(|&template| weights[template]).sum::<f64>();
    let linkage = |a: &[usize], b: &[usize]| {
        let pairs = a.iter().flat_map(|&i| b.iter().map(move |&j| (i, j)));
        let sum: f64 = pairs.map(|(i, j)| weights[i] * weights[j] * similarity[i][j]).sum();
        sum / (weight_of(a) * weight_of(b))
    };
    while clusters.len() > groups.max(1) {
        let mut best = (f64::INFINITY, 0, 1);
        for first in 0..clusters.len() {
            for second in first + 1..clusters.len() {
                let (a, b) = (&clusters[first], &clusters[second]);
                let (wa, wb) = (weight_of(a), weight_of(b));
                let cost = (1.0 - linkage(a, b)) * (wa * wb / (wa + wb)).powf(SIZE_EXPONENT);
                if cost < best.0 {
                    best = (cost, first, second);
                }
            }
        }
        let absorbed = clusters.swap_remove(best.2);
        clusters[best.1].extend(absorbed);
    }
    clusters.sort_by(|a, b| weight_of(b).total_cmp(&weight_of(a)).then(a.cmp(b)));
    let mut owners = vec![0; templates.len()];
    for (component, cluster) in clusters.iter().enumerate() {
        cluster.iter().for_each(|&template| owners[template] = component);
    }
    owners
}

fn similarities(format: Format, templates: &[&[f32]]) -> Vec<Vec<f64>> {
    let filters = mel_filters(format);
    let timbres: Vec<Timbre> = templates.iter().map(|template| timbre(format, template, &filters)).collect();
    let squared = |a: &Timbre, b: &Timbre| a.mfcc.iter().zip(&b.mfcc).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
    let mut all: Vec<f64> =
        timbres.iter().enumerate().flat_map(|(i, a)| timbres[..i].iter().map(move |b| squared(a, b))).collect();
    all.sort_by(f64::total_cmp);
    let median = all.get(all.len() / 2).copied().unwrap_or(1.0).max(f64::MIN_POSITIVE);
    let pair = |a: &Timbre, b: &Timbre| {
        let mfcc = (-squared(a, b) / median).exp();
        let centroid = (-(a.centroid_octaves - b.centroid_octaves).powi(2) / 2.0).exp();
        let pan = (-(a.pan - b.pan).powi(2) / (2.0 * 0.1 * 0.1)).exp();
        (mfcc * mfcc + centroid.sqrt()) / 2.0 * pan * pan
    };
    timbres.iter().map(|a| timbres.iter().map(|b| pair(a, b)).collect()).collect()
}

fn timbre(format: Format, template: &[f32], filters: &[Vec<f64>]) -> Timbre {
    let channels: Vec<&[f32]> = template.chunks_exact(format.bins()).collect();
    let mono: Vec<f64> =
        (0..format.bins()).map(|bin| channels.iter().map(|channel| f64::from(channel[bin])).sum()).collect();
    let energies: Vec<f64> =
        filters.iter().map(|filter| filter.iter().zip(&mono).map(|(f, x)| f * x).sum::<f64>()).collect();
    let loudest = energies.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let logs: Vec<f64> = energies.iter().map(|energy| (energy / loudest).max((-9.0f64).exp()).ln()).collect();
    let cosine = |coefficient: usize, band: usize| {
        (std::f64::consts::PI * coefficient as f64 * (band as f64 + 0.5) / MEL_BANDS as f64).cos()
    };
    let scale = (2.0 / MEL_BANDS as f64).sqrt();
    let mfcc = (1..=COEFFICIENTS)
        .map(|c| scale * logs.iter().enumerate().map(|(band, log)| log * cosine(c, band)).sum::<f64>())
        .collect();
    let bin_hz = f64::from(format.sample_rate) / format.window_len as f64;
    let sum: f64 = mono.iter().sum();
    let centroid = mono.iter().enumerate().map(|(bin, x)| bin as f64 * bin_hz * x).sum::<f64>() / sum;
    let norm = |channel: &[f32]| channel.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let pan = if channels.len() == 2 { norm(channels[1]).atan2(norm(channels[0])) } else { 0.0 };
    Timbre { mfcc, centroid_octaves: centroid.max(20.0).log2(), pan }
}

/// Triangles, equally wide on the mel scale 2595 log10(1 + f/700), from 30 Hz to half the sample rate.
fn mel_filters(format: Format) -> Vec<Vec<f64>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_and_high_and_left_and_right_templates_come_apart() {
        let format = Format { sample_rate: 44_100.0, window_len: 2048, channels: 2 };
        let template = |centre: f32, right: f32| -> Vec<f32> {
            let bin = |n: usize| (-((n as f32 + 1.0) / centre).ln().powi(2) * 4.0).exp();
            let left = (0..1025).map(|n| bin(n) * (1.0 - right));
            left.chain((0..1025).map(|n| bin(n) * right)).collect()
        };
        let all = [
            template(10.0, 0.5),
            template(300.0, 0.5),
            template(12.0, 0.5),
            template(280.0, 0.5),
            template(11.0, 0.5),
            template(300.0, 0.9),
        ];
        let slices: Vec<&[f32]> = all.iter().map(Vec::as_slice).collect();
        let owners = group_by_timbre(format, &slices, &[3.0, 1.0, 3.0, 1.0, 3.0, 0.5], 3);
        assert_eq!(owners, [0, 1, 0, 1, 0, 2]);
    }
}
