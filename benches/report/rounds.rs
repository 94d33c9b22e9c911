//! Contenders, measured in turns: whatever else the machine does meets all of them alike.

use anyhow::Result;

/// Something whose time is taken once a round.
pub(crate) struct Contender<'a> {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Runs once. The seconds of one call.
    pub(crate) run: Box<dyn FnMut() -> Result<f64> + 'a>,
}

impl<'a> Contender<'a> {
    pub(crate) fn new(name: &'static str, run: impl FnMut() -> Result<f64> + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// What a contender took.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Seconds of one call, round by round.
    pub(crate) seconds: Vec<f64>,
}

impl Times {
    pub(crate) fn median(&self) -> f64 {
        quantile(&self.seconds, 0.5)
    }
}

/// A ratio of medians, and the quartiles of the ratios of each round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    pub(crate) of_medians: f64,
    pub(crate) quartiles: [f64; 2],
}

/// How many times longer `longer` took than `shorter`.
pub(crate) fn ratio(longer: &Times, shorter: &Times) -> Ratio {
    let ratios: Vec<f64> =
        longer.seconds.iter().zip(&shorter.seconds).map(|(longer, shorter)| longer / shorter).collect();
    Ratio {
        of_medians: longer.median() / shorter.median(),
        quartiles: [quantile(&ratios, 0.25), quantile(&ratios, 0.75)],
    }
}

/// Each contender once a round, one after another. A first round warms caches and is not counted.
pub(crate) fn in_turns(rounds: usize, contenders: &mut [Contender<'_>]) -> Result<Vec<Times>> {
    let mut times: Vec<Times> =
        contenders.iter().map(|contender| Times { name: contender.name, seconds: Vec::new() }).collect();
    for round in 0..=rounds {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            let seconds = (contender.run)()?;
            if round > 0 {
                times.seconds.push(seconds);
            }
        }
    }
    Ok(times)
}

/// The value below which a share of the values lies; NaN of none.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((share * last as f64).round() as usize).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!([0.0, 0.5, 0.75, 1.0].map(|share| quantile(&values, share)), [1.0, 3.0, 4.0, 5.0]);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
