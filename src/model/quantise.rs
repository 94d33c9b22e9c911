//! Templates, gains and covariances as bytes, and back. Products in float64 only, so that every machine decodes the same bits.

use crate::dsp::{Complex32, Covariance, Templates};

/// Decibels between neighbouring codes: an error of at most 0.19 dB, 37 dB below the value itself.
const STEP_DB: f64 = 0.375;

/// A model as bytes, one after another as in [`Templates`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    /// Template after template: code 255 is a template's loudest value, each code below it 0.375 dB softer, 0 silence.
    pub templates: Vec<u8>,
    /// Component after component: a gain of 2^((code − 128) / 127). Empty: all are 1.
    pub calibration: Vec<u8>,
    /// Component after component, six for each bin, three 16-bit numbers, the low byte first: the left channel's share of
    /// the power, and real and imaginary part of the coherence. Empty: not known.
    pub places: Vec<u8>,
    /// Template after template: a share of (code / 255)² of its component's energy, see [`super::Model::energy_shares`].
    /// Empty: not known.
    pub energy_shares: Vec<u8>,
}

pub(super) fn codes(templates: &Templates) -> Codes {
    Codes {
        templates: templates.full().templates().flat_map(|template| encode(&template)).collect(),
        calibration: templates.calibrations().iter().map(|&gain| encode_gain(gain)).collect(),
        places: templates.covariances().iter().flat_map(|&covariance| encode_covariance(covariance)).collect(),
        energy_shares: Vec::new(),
    }
}

fn encode(template: &[f32]) -> Vec<u8> {
    let loudest = f64::from(template.iter().copied().fold(0.0, f32::max));
    let code = |value: f32| {
        let below_db = -20.0 * (f64::from(value) / loudest).log10();
        // A value of zero is infinitely far below, and saturates to code 0.
        (255.0 - (below_db / STEP_DB).round()).max(0.0) as u8
    };
    template.iter().map(|&value| code(value)).collect()
}

pub(super) fn decode(codes: &[u8]) -> Vec<f32> {
    let step = 0.957_745_235_117_241_2; // 10^(−0.375/20)
    let mut values = [0.0; 256];
    values.iter_mut().skip(1).rev().fold(1.0, |value: f64, slot| {
        *slot = value as f32;
        value * step
    });
    codes.iter().map(|&code| values[usize::from(code)]).collect()
}

/// The code of gain 1.
const UNITY_CODE: u8 = 128;

fn encode_gain(gain: f32) -> u8 {
    (f64::from(gain).log2() * 127.0 + f64::from(UNITY_CODE)).round().clamp(1.0, 255.0) as u8
}

pub(super) fn decode_gains(codes: &[u8]) -> Vec<f32> {
    let step = 1.005_472_773_022_213; // 2^(1/127)
    let mut gains = [1.0; 256];
    for code in 129..256 {
        gains[code] = gains[code - 1] * step;
    }
    for code in (0..128).rev() {
        gains[code] = gains[code + 1] / step;
    }
    codes.iter().map(|&code| gains[usize::from(code)] as f32).collect()
}

/// Steps of the square root of an energy share: fine where shares are small.
const ROOT_SHARE_STEPS: f32 = 255.0;

pub(super) fn encode_shares(shares: &[f32]) -> Vec<u8> {
    shares.iter().map(|share| (share.clamp(0.0, 1.0).sqrt() * ROOT_SHARE_STEPS).round() as u8).collect()
}

pub(super) fn decode_shares(codes: &[u8]) -> Vec<f32> {
    codes.iter().map(|&code| (f32::from(code) / ROOT_SHARE_STEPS).powi(2)).collect()
}

/// Steps of a power share from 0 to 1: panned components differ in how little of the other channel they contain.
const SHARE_STEPS: f32 = 65_535.0;
/// Steps of a coherence from 0 to 1: the spatial filter needs fine steps close to 1.
const COHERENCE_STEPS: f32 = 32_767.0;

fn encode_covariance(covariance: Covariance) -> [u8; 6] {
    let left = (covariance.left.clamp(0.0, 1.0) * SHARE_STEPS).round() as u16;
    let largest = largest_cross(left);
    // Towards zero, so that no coherence is above one; a little up, so that what was decoded comes back.
    let part = |value: f32| {
        let steps = if largest > 0.0 { (value / largest).clamp(-1.0, 1.0) * COHERENCE_STEPS } else { 0.0 };
        ((steps.abs() + 0.02).floor().min(COHERENCE_STEPS).copysign(steps) as i16).to_le_bytes()
    };
    let ([a, b], [c, d], [e, f]) = (left.to_le_bytes(), part(covariance.cross.re), part(covariance.cross.im));
    [a, b, c, d, e, f]
}

pub(super) fn decode_covariance(&[a, b, c, d, e, f]: &[u8; 6]) -> Covariance {
    let left = u16::from_le_bytes([a, b]);
    let largest = largest_cross(left);
    let part = |bytes: [u8; 2]| f32::from(i16::from_le_bytes(bytes)) / COHERENCE_STEPS * largest;
    Covariance::new(f32::from(left) / SHARE_STEPS, Complex32::new(part([c, d]), part([e, f])))
}

fn largest_cross(left: u16) -> f32 {
    let left = f32::from(left) / SHARE_STEPS;
    (left * (1.0 - left)).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_code_is_one_step_of_the_stated_size() {
        assert!((decode(&[254])[0] - 10f64.powf(-STEP_DB / 20.0) as f32).abs() < 1e-7);
        assert_eq!((decode(&[0])[0], decode(&[255])[0]), (0.0, 1.0));
    }

    #[test]
    fn every_code_of_an_energy_share_comes_back() {
        let codes: Vec<u8> = (0..=255).collect();
        let shares = decode_shares(&codes);
        assert_eq!((shares[0], shares[255]), (0.0, 1.0));
        assert_eq!(encode_shares(&shares), codes);
        assert_eq!(encode_shares(&[f32::NAN, -1.0, 2.0]), [0, 0, 255]);
    }

    #[test]
    fn every_code_of_a_gain_and_of_a_covariance_comes_back() {
        for code in 1..=255 {
            assert_eq!(encode_gain(decode_gains(&[code])[0]), code);
        }
        for left in (0..=65_535u16).step_by(257).chain([1, 2, 3, 65_533, 65_534]) {
            for (re, im) in
                [(0i16, 0i16), (32_767, 0), (-32_767, 0), (16_384, -16_384), (-23_000, 23_000), (1, -1), (9, 31)]
            {
                let ([a, b], [c, d], [e, f]) = (left.to_le_bytes(), re.to_le_bytes(), im.to_le_bytes());
                let place = decode_covariance(&[a, b, c, d, e, f]);
                assert!(place.is_valid(), "{place:?}");
                let is_one_sided = left == 0 || left == 65_535;
                let expected = if is_one_sided { [a, b, 0, 0, 0, 0] } else { [a, b, c, d, e, f] };
                assert_eq!(encode_covariance(place), expected, "{left} {re} {im}");
            }
        }
    }

    #[test]
    fn a_quantised_covariance_is_close_to_the_learned_one() {
        for n in 0..1000 {
            let left = n as f32 / 999.0;
            let exact = Covariance::new(left, Complex32::from_polar((left * (1.0 - left)).sqrt(), 0.3));
            let found = decode_covariance(&encode_covariance(exact));
            // Half a step of the share, and two steps of the coherence.
            assert!(
                (found.left - left).abs() < 8e-6 && (found.cross - exact.cross).norm() < 8e-5,
                "{exact:?} {found:?}"
            );
        }
    }
}
