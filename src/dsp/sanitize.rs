//! What a host may send by accident, made harmless before anything is computed or recorded from it. Any thread.

/// The loudest sample that is taken as it is: +48 dB of full scale. Hosts mix in float, and a signal may lie far above full
/// scale between two of their gains, so the limit leaves more room than any mixer's fader gives. What is louder is an accident,
/// and must neither come out of the plug-in at a level that destroys loudspeakers nor decide what is learned.
pub const MAX_SAMPLE: f32 = 256.0;
/// The softest sample that is not silence: −600 dB. What is computed from softer ones would be denormal numbers, a hundred
/// times slower than others.
const MIN_SAMPLE: f32 = 1e-30;

/// The sample, limited to ±[`MAX_SAMPLE`]; silence where it is not a number or denormal.
pub fn sanitized(sample: f32) -> f32 {
    if sample.is_finite() && sample.abs() >= MIN_SAMPLE { sample.clamp(-MAX_SAMPLE, MAX_SAMPLE) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_or_denormal_is_silence_and_what_is_too_loud_is_limited() {
        let accidents = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-31, -f32::MIN_POSITIVE / 2.0];
        assert!(accidents.into_iter().all(|sample| sanitized(sample) == 0.0));
        assert_eq!([1e-30, -0.5, 250.0, 1e5, -1e38].map(sanitized), [1e-30, -0.5, 250.0, 256.0, -256.0]);
    }
}
