//! Undoes steps that raised the loss: over-relaxed and extrapolated steps are not guaranteed to descend.

use super::factors::Factors;

/// A relative rise up to this is float32 rounding.
const ROUNDING: f64 = 1e-6;

/// W and H at the last check.
#[derive(Default)]
pub struct Safeguard {
    checked: Option<Checked>,
}

struct Checked {
    loss: f64,
    w: Vec<f32>,
    h: Vec<f32>,
}

impl Safeguard {
    /// If the loss did not rise since the last check, stores W and H and returns the loss. Otherwise restores the stored W and H
    /// and returns `None`.
    pub fn check(&mut self, loss: f64, factors: &mut Factors) -> Option<f64> {
        if let Some(checked) = &self.checked
            && (loss.is_nan() || loss > checked.loss + ROUNDING * checked.loss.abs())
        {
            factors.w.copy_from_slice(&checked.w);
            factors.h.copy_from_slice(&checked.h);
            return None;
        }
        self.checked = Some(Checked { loss, w: factors.w.clone(), h: factors.h.clone() });
        Some(loss)
    }

    /// The loss of the stored W and H; NaN before the first check.
    pub fn loss(&self) -> f64 {
        self.checked.as_ref().map_or(f64::NAN, |checked| checked.loss)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::learn::Threads;

    #[test]
    fn a_risen_or_nan_loss_restores_the_stored_factors() {
        let (v, w, h) = (Array2::ones((5, 20)), Array2::ones((2, 20)), Array2::ones((5, 2)));
        let mut factors = Factors::new(v.view(), (&w, &h), vec![], Threads::default());
        let mut safeguard = Safeguard::default();
        assert!(safeguard.loss().is_nan());
        assert_eq!(safeguard.check(2.0, &mut factors), Some(2.0));
        for loss in [2.1, f64::NAN, f64::INFINITY] {
            let kept = (factors.w.clone(), factors.h.clone());
            (factors.w[3], factors.h[1]) = (7.0, 8.0);
            assert_eq!(safeguard.check(loss, &mut factors), None);
            assert_eq!((&factors.w, &factors.h, safeguard.loss()), (&kept.0, &kept.1, 2.0));
        }
        factors.w[3] = 7.0;
        assert_eq!(safeguard.check(1.0, &mut factors), Some(1.0));
        assert_eq!((factors.w[3], safeguard.loss()), (7.0, 1.0));
    }
}
