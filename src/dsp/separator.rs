//! One frame through the whole algorithm. Read this first. Lives on the audio thread.
//!
//! ```text
//! X ─ |X| ─ bands ─ H (W fixed, multiplicative updates) ─ masks (W_j h_j)^p / Σ ─ gain per component ─ Σ gain · mask · X
//! ```

use realfft::num_complex::Complex32;

use super::activations::ActivationSolver;
use super::masks::SoftMasks;
use super::mixer::{Mixer, Settings};
use super::stft::StftLayout;
use super::templates::Templates;
use super::{MAX_CHANNELS, MAX_COMPONENTS, MAX_TEMPLATES};

/// Takes spectra apart, one frame at a time.
pub struct Separator {
    solver: ActivationSolver,
    masks: SoftMasks,
    mixer: Mixer,
    /// |X|, channel after channel.
    magnitudes: Vec<f32>,
    /// |X| summed over the activation bands.
    banded: Vec<f32>,
    /// One per template.
    activations: [f32; MAX_TEMPLATES],
    /// Per component, its activations summed.
    levels: [f32; MAX_COMPONENTS],
    /// Per bin and channel, what the mixed components leave of the input.
    remix: Vec<f32>,
}

impl Separator {
    /// Memory for every template set that fits `layout`, mono or stereo.
    pub fn new(layout: StftLayout, sample_rate: f32) -> Self {
        let max_rows = MAX_CHANNELS * layout.bins();
        Self {
            solver: ActivationSolver::new(max_rows),
            masks: SoftMasks::new(max_rows, MAX_COMPONENTS),
            mixer: Mixer::new(layout, sample_rate),
            magnitudes: vec![0.0; max_rows],
            banded: vec![0.0; max_rows],
            activations: [0.0; MAX_TEMPLATES],
            levels: [0.0; MAX_COMPONENTS],
            remix: vec![0.0; max_rows],
        }
    }

    /// Separates one frame. `spectrum` has the templates' rows (channel after channel, one shared H); afterwards
    /// [`Separator::remix`] and [`Separator::component_mask`] hold the frame's masks.
    pub fn separate_frame(&mut self, spectrum: &[Complex32], templates: &Templates, settings: &Settings) {
        let magnitudes = &mut self.magnitudes[..spectrum.len()];
        for (magnitude, x) in magnitudes.iter_mut().zip(spectrum) {
            *magnitude = (x.re * x.re + x.im * x.im).sqrt();
        }
        let banded = &mut self.banded[..templates.banded().rows()];
        templates.bands().sum_rows(magnitudes, banded);

        let activations = &mut self.activations[..templates.owners().len()];
        self.solver.solve(banded, templates.banded(), settings.divergence, settings.updates, activations);
        self.masks.update(templates, activations, settings.mask_exponent);

        let levels = &mut self.levels[..templates.components().len()];
        levels.fill(0.0);
        for (&owner, &activation) in templates.owners().iter().zip(activations.iter()) {
            levels[owner] += activation;
        }
        let gains = self.mixer.advance(levels, settings);

        // Masks sum to one, so Σ gain · mask = 1 + Σ (gain − 1) · mask: exactly one where every gain is.
        let remix = &mut self.remix[..spectrum.len()];
        remix.fill(1.0);
        for (component, &gain) in gains.iter().enumerate().filter(|(_, gain)| **gain != 1.0) {
            let mask = self.masks.component(component, spectrum.len());
            super::kernels::add_scaled(remix, gain - 1.0, mask);
        }
        if gains.iter().all(|&gain| gain == 0.0) {
            remix.fill(0.0);
        }
    }

    /// Per bin and channel, the factor from the input to the mixed components of the last frame.
    pub fn remix(&self) -> &[f32] {
        &self.remix
    }

    /// Per bin and channel, one component's share of the last frame.
    pub fn component_mask(&self, component: usize, rows: usize) -> &[f32] {
        self.masks.component(component, rows)
    }

    /// One activation per template of the last frame.
    pub fn activations(&self) -> &[f32] {
        &self.activations
    }

    /// A component's activation in the last frame, in dB as [`Mixer::activation_db`] counts.
    pub fn activation_db(&self, component: usize) -> f32 {
        self.mixer.activation_db(self.levels[component])
    }

    /// Forgets what earlier frames left: gain smoothing, gates and levels.
    pub fn reset(&mut self) {
        self.mixer.reset();
        self.levels.fill(0.0);
    }
}
