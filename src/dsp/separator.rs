//! One frame through the whole algorithm. Read this first. Lives on the audio thread.
//!
//! ```text
//! X ─ |X| ─ bands ─ h (W fixed, multiplicative updates) ─ masks (c_j W_j h_j)^p / Σ ─ Σ gain_j · component_j
//!                                                           component_j = mask_j · X, or in stereo the spatial filter
//! ```

use realfft::num_complex::Complex32;

use super::activations::ActivationSolver;
use super::masks::SoftMasks;
use super::mixer::{Mixer, Settings};
use super::spatial::SpatialFilter;
use super::stft::StftLayout;
use super::templates::Templates;
use super::{MAX_CHANNELS, MAX_COMPONENTS, MAX_PLAYED_TEMPLATES, simd};

/// Separates spectra into components, one frame at a time.
pub struct Separator {
    solver: ActivationSolver,
    masks: SoftMasks,
    spatial: SpatialFilter,
    mixer: Mixer,
    /// Whether the last masks have one value per bin for both channels, for the spatial filter.
    is_joint: bool,
    /// |X|, channel after channel.
    magnitudes: Vec<f32>,
    /// |X| summed over the activation bands.
    banded: Vec<f32>,
    /// One per template.
    activations: [f32; MAX_PLAYED_TEMPLATES],
    /// Per component, its activations summed.
    levels: [f32; MAX_COMPONENTS],
    /// Per component, its gain in the last frame.
    gains: [f32; MAX_COMPONENTS],
}

impl Separator {
    /// Memory for any templates that fit `layout`, mono or stereo.
    pub fn new(layout: StftLayout, sample_rate: f32) -> Self {
        let max_rows = MAX_CHANNELS * layout.bins();
        Self {
            solver: ActivationSolver::new(max_rows),
            masks: SoftMasks::new(max_rows, MAX_COMPONENTS),
            spatial: SpatialFilter::new(layout.bins()),
            mixer: Mixer::new(layout, sample_rate),
            is_joint: false,
            magnitudes: vec![0.0; max_rows],
            banded: vec![0.0; max_rows],
            activations: [0.0; MAX_PLAYED_TEMPLATES],
            levels: [0.0; MAX_COMPONENTS],
            gains: [1.0; MAX_COMPONENTS],
        }
    }

    /// Separates one frame. `spectrum` has the templates' rows: channel after channel, with one H for all channels.
    pub fn separate_frame<'a>(
        &'a mut self,
        spectrum: &'a [Complex32],
        templates: &'a Templates,
        settings: &Settings,
    ) -> Separated<'a> {
        let magnitudes = &mut self.magnitudes[..spectrum.len()];
        write_magnitudes(spectrum, magnitudes);
        let banded = &mut self.banded[..templates.banded().rows()];
        templates.bands().sum_rows(magnitudes, banded);

        let activations = &mut self.activations[..templates.owners().len()];
        self.solver.solve(banded, templates.banded(), settings.divergence, settings.updates, activations);

        self.is_joint = settings.spatial_filter && !templates.covariances().is_empty();
        if self.is_joint {
            self.masks.update_joint(templates, activations, settings.mask_exponent);
            let (masks, stride) = self.masks.all();
            self.spatial.update(spectrum, templates.covariances(), masks, stride);
        } else {
            self.masks.update(templates, activations, settings.mask_exponent);
        }

        let levels = &mut self.levels[..templates.components().len()];
        sum_by_owner(templates.owners(), activations, levels);
        let gains = &mut self.gains[..levels.len()];
        gains.copy_from_slice(self.mixer.advance(levels, settings));
        let spatial = self.is_joint.then_some(&self.spatial);
        Separated { spectrum, templates, masks: &self.masks, spatial, gains }
    }

    /// A frame of digital silence: all activations are zero, and the mixer's gains advance.
    pub fn separate_silence(&mut self, templates: &Templates, settings: &Settings) {
        self.activations.fill(0.0);
        self.levels.fill(0.0);
        let levels = &self.levels[..templates.components().len()];
        self.gains[..levels.len()].copy_from_slice(self.mixer.advance(levels, settings));
    }

    /// One activation per template of the last frame.
    pub fn activations(&self) -> &[f32] {
        &self.activations
    }

    /// A component's activation in the last frame, in dB as [`Mixer::activation_db`] counts.
    pub fn activation_db(&self, component: usize) -> f32 {
        self.mixer.activation_db(self.levels[component])
    }

    /// The masks of the last frame, component after component: one value per row of the spectrum, or one per bin for both
    /// channels where the spatial filter was used.
    pub fn masks<'a>(&'a self, templates: &'a Templates) -> impl Iterator<Item = &'a [f32]> {
        let format = templates.format();
        let len = if self.is_joint { format.bins() } else { format.rows() };
        (0..templates.components().len()).map(move |component| self.masks.component(component, len))
    }

    /// Clears all memory of earlier frames: gain smoothing, gates and levels.
    pub fn reset(&mut self) {
        self.mixer.reset();
        self.levels.fill(0.0);
    }
}

/// One separated frame. Every output has the frame's rows, channel after channel.
pub struct Separated<'a> {
    spectrum: &'a [Complex32],
    templates: &'a Templates,
    masks: &'a SoftMasks,
    /// The spatial filter, if it is used.
    spatial: Option<&'a SpatialFilter>,
    gains: &'a [f32],
}

impl Separated<'_> {
    /// Whether the mix is silent: every component is.
    pub fn is_mix_silent(&self) -> bool {
        self.gains.iter().all(|&gain| gain == 0.0)
    }

    /// Writes Σ gain · component. Components add up to X, so it is X + Σ (gain − 1) · component: exactly X where every
    /// gain is one.
    pub fn mix(&self, out: &mut [Complex32]) {
        if self.is_mix_silent() {
            out.fill(Complex32::default());
            return;
        }
        out.copy_from_slice(self.spectrum);
        for (component, &gain) in self.gains.iter().enumerate().filter(|(_, gain)| **gain != 1.0) {
            self.add(component, gain - 1.0, out);
        }
    }

    /// Whether the model has this component.
    pub fn has(&self, component: usize) -> bool {
        component < self.gains.len()
    }

    /// Writes one component before its gain; zeros if the model does not have it.
    pub fn component(&self, component: usize, out: &mut [Complex32]) {
        out.fill(Complex32::default());
        if self.has(component) {
            self.add(component, 1.0, out);
        }
    }

    fn add(&self, component: usize, gain: f32, out: &mut [Complex32]) {
        let bins = self.templates.format().bins();
        match self.spatial {
            Some(filter) => {
                let covariances = &self.templates.covariances()[component * bins..][..bins];
                filter.add_component(gain, covariances, self.masks.component(component, bins), out);
            }
            None => {
                let (mask, x) = (self.masks.component(component, self.spectrum.len()), self.spectrum);
                simd::wide(|| {
                    out.iter_mut().zip(x).zip(mask).for_each(|((out, x), &mask)| *out += x * (gain * mask));
                });
            }
        }
    }
}

fn write_magnitudes(spectrum: &[Complex32], magnitudes: &mut [f32]) {
    simd::wide(|| {
        for (magnitude, x) in magnitudes.iter_mut().zip(spectrum) {
            *magnitude = (x.re * x.re + x.im * x.im).sqrt();
        }
    });
}

/// Per component, the sum of its templates' activations.
fn sum_by_owner(owners: &[usize], activations: &[f32], levels: &mut [f32]) {
    levels.fill(0.0);
    for (&owner, &activation) in owners.iter().zip(activations) {
        levels[owner] += activation;
    }
}
