//! Kullback-Leibler: the multiplicative updates of Lee and Seung (2001) in tiles, over-relaxed as long as the loss falls.

use ndarray::Array2;

use super::descent::Descent;
use super::factors::{Factors, Multiplied};
use super::safeguard::Safeguard;
use super::tiles::{BLOCK, Multiply, Step};
use crate::dsp::simd::dispatch;
use crate::learn::progress::{Cancelled, Poll};

/// The first updates are plain: from a flat or random start, over-relaxed steps diverge.
const PLAIN_STARTS: usize = 2;

/// The updates of one V.
pub struct KullbackLeibler {
    factors: Factors,
    done: usize,
    step: Step,
    safeguard: Safeguard,
}

impl KullbackLeibler {
    /// Starts from the W and H of `factors`.
    pub fn new(factors: Factors) -> Self {
        Self { factors, done: 0, step: Step::Relaxed, safeguard: Safeguard::default() }
    }
}

impl Descent for KullbackLeibler {
    fn iterate(&mut self, poll: Poll<'_>) -> Result<(), Cancelled> {
        let step = if self.done < PLAIN_STARTS { Step::Plain } else { self.step };
        let factors = &mut self.factors;
        let denominators = rounded(&factors.w_sums()).repeat(BLOCK);
        factors.each_block(poll, |block| {
            let mut numerators = vec![0.0; denominators.len()];
            block.quotient_products(&mut numerators);
            dispatch(Multiply { factor: block.h, numerators: &numerators, denominators: &denominators, step });
        })?;
        let (denominators, fixed_len) = (rounded(&factors.h_sums()), factors.levels.len());
        factors.each_strip(Multiplied::Quotient, poll, |w, numerators| {
            let len = w.len() / denominators.len();
            let templates =
                w.chunks_exact_mut(len).zip(numerators.chunks_exact(len)).zip(&denominators).skip(fixed_len);
            for ((factor, numerators), &denominators) in templates {
                dispatch(Multiply { factor, numerators, denominators: &vec![denominators; len], step });
            }
        })?;
        self.done += 1;
        Ok(())
    }

    /// If the loss rose since the last check, restores the W and H of that check and continues with plain updates.
    fn check(&mut self, poll: Poll<'_>) -> Result<f64, Cancelled> {
        let loss = self.factors.sum(poll, |block| block.divergence())?;
        if self.step == Step::Plain {
            return Ok(loss);
        }
        let checked = self.safeguard.check(loss, &mut self.factors);
        if checked.is_none() {
            self.step = Step::Plain;
        }
        Ok(checked.unwrap_or(self.safeguard.loss()))
    }

    fn matrices(&self) -> (Array2<f32>, Array2<f32>) {
        self.factors.matrices()
    }
}

fn rounded(sums: &[f64]) -> Vec<f32> {
    sums.iter().map(|&sum| sum as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Threads;

    #[test]
    fn a_risen_loss_restores_the_last_check_and_switches_to_plain_updates() {
        let v = Array2::from_shape_fn((20, 33), |(frame, row)| ((frame * 7 + row * row) % 11) as f32);
        let w = Array2::from_shape_fn((3, 33), |(k, row)| 1.0 + ((k + 1) * row % 5) as f32);
        let h = Array2::from_elem((20, 3), 1.0);
        let mut descent = KullbackLeibler::new(Factors::new(v.view(), (&w, &h), vec![], Threads::default()));
        let go_on: Poll<'_> = &mut || Ok(());
        (0..5).for_each(|_| descent.iterate(go_on).unwrap());
        let (loss, kept) = (descent.check(go_on).unwrap(), descent.matrices());
        // As if an over-relaxed step had diverged.
        descent.factors.h.iter_mut().for_each(|h| *h *= 3.0);
        assert_eq!(descent.check(go_on), Ok(loss));
        assert_eq!((descent.matrices(), descent.step), (kept, Step::Plain));
        descent.iterate(go_on).unwrap();
        assert!(descent.check(go_on).unwrap() < loss);
    }
}
