//! One frame through the whole algorithm. Read this first. Lives on the audio thread.
//!
//! ```text
//! X ─ |X| ─ bands ─ H (W fixed, multiplicative updates) ─ masks (c_j W_j h_j)^p / Σ ─ Σ gain_j · component_j
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

/// Takes spectra apart, one frame at a time.
pub struct Separator {
    solver: ActivationSolver,
    masks: SoftMasks,
    spatial: SpatialFilter,
    mixer: Mixer,
    /// Whether the last masks have one value for all channels of a bin.
    is_joint: bool,
    /// |X|, channel after channel.
    magnitudes: Vec<f32>,
    /// |X| summed over the activation bands.
    banded: Vec<f32>,
    /// One per template.
    activations: [f32; MAX_PLAYED_TEMPLATES],
    /// Per component, its activations summed.
    levels: [f32; MAX_COMPONENTS],
    /// Per component, what the mixer gave the last frame.
    gains: [f32; MAX_COMPONENTS],
}

impl Separator {
    /// Memory for every template set that fits `layout`, mono or stereo.
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

    /// Separates one frame: `spectrum` has the templates' rows (channel after channel, one shared H). What it gives, ask
    /// [`Separated`].
    pub fn separate_frame<'a>(
        &'a mut self,
        spectrum: &'a [Complex32],
        templates: &'a Templates,
        settings: &Settings,
    ) -> Separated<'a> {
        let magnitudes = &mut self.magnitudes[..spectrum.len()];
        simd::wide(|| {
            for (magnitude, x) in magnitudes.iter_mut().zip(spectrum) {
                *magnitude = (x.re * x.re + x.im * x.im).sqrt();
            }
        });
        let banded = &mut self.banded[..templates.banded().rows()];
        templates.bands().sum_rows(magnitudes, banded);

        let activations = &mut self.activations[..templates.owners().len()];
        self.solver.solve(banded, templates.banded(), settings.divergence, settings.updates, activations);

        let is_spatial = settings.spatial && !templates.covariances().is_empty();
        self.is_joint = is_spatial;
        if is_spatial {
            self.masks.update_joint(templates, activations, settings.mask_exponent);
            let (shares, stride) = self.masks.all();
            self.spatial.update(spectrum, templates.covariances(), shares, stride);
        } else {
            self.masks.update(templates, activations, settings.mask_exponent);
        }

        let levels = &mut self.levels[..templates.components().len()];
        levels.fill(0.0);
        for (&owner, &activation) in templates.owners().iter().zip(activations.iter()) {
            levels[owner] += activation;
        }
        let gains = &mut self.gains[..levels.len()];
        gains.copy_from_slice(self.mixer.advance(levels, settings));
        Separated { spectrum, templates, masks: &self.masks, spatial: is_spatial.then_some(&self.spatial), gains }
    }

    /// A frame of digital silence: no component sounds, and the mixer's gains move on.
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

    /// The masks of the last frame, component after component: a value per row of the spectrum, or per bin of all channels
    /// together where components were taken apart by place too.
    pub fn shares<'a>(&'a self, templates: &'a Templates) -> impl Iterator<Item = &'a [f32]> {
        let format = templates.format();
        let len = if self.is_joint { format.bins() } else { format.rows() };
        (0..templates.components().len()).map(move |component| self.masks.component(component, len))
    }

    /// Forgets what earlier frames left: gain smoothing, gates and levels.
    pub fn reset(&mut self) {
        self.mixer.reset();
        self.levels.fill(0.0);
    }
}

/// What one frame came apart into. Every output is the frame's rows, channel after channel.
pub struct Separated<'a> {
    spectrum: &'a [Complex32],
    templates: &'a Templates,
    masks: &'a SoftMasks,
    /// Where components are taken apart by place too.
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

    /// Whether there is such a component.
    pub fn has(&self, component: usize) -> bool {
        component < self.gains.len()
    }

    /// Writes one component, before its gain; zeros for one that there is not.
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
                    out.iter_mut().zip(x).zip(mask).for_each(|((out, x), &share)| *out += x * (gain * share));
                });
            }
        }
    }
}
