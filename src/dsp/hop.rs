//! One hop as an observer sees it: its time, the activations, and the spectrum where it is asked for. Lives on the audio
//! thread. The columns of the editor's picture are made here; notes and controllers from activations can be made likewise.

use super::column::{Column, Rows};
use super::separator::Separator;
use super::stft::{Stft, StftLayout};
use super::templates::Templates;
use super::{Complex32, MAX_CHANNELS};

/// Is called by [`Engine::process_observed`](super::Engine::process_observed) once for each hop, on the audio thread: it must neither allocate, lock nor wait.
pub trait HopObserver {
    /// A hop is complete.
    fn observe(&mut self, hop: &mut Hop<'_>);
}

/// Observes nothing, at no cost.
pub struct Unobserved;

impl HopObserver for Unobserved {
    fn observe(&mut self, _hop: &mut Hop<'_>) {}
}

/// A hop that has just been processed.
pub struct Hop<'a> {
    pub(super) separator: &'a Separator,
    pub(super) rows: &'a Rows,
    pub(super) stft: &'a mut Stft,
    /// The window of each channel, to be analysed on demand; empty for channels that there are not.
    pub(super) windows: [&'a [f32]; MAX_CHANNELS],
    pub(super) spectrum: &'a mut [Complex32],
    pub(super) layout: StftLayout,
    /// The templates that it was separated with, if any.
    pub(super) templates: Option<&'a Templates>,
    pub(super) analysis: Analysis,
    pub(super) offset: usize,
}

/// What the engine knows about a hop.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Analysis {
    /// The whole window is digital silence.
    Silent,
    /// Its spectrum has not been computed, or was overwritten.
    Pending,
    /// Its spectrum is known.
    Analysed,
    /// Its spectrum and its masks are known.
    Separated,
}

impl Hop<'_> {
    /// Index in the host's block of the sample that completed the hop: the time of events that follow from it.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Samples from one hop to the next.
    pub fn hop_len(&self) -> usize {
        self.layout.hop_len()
    }

    /// A component's activation H, summed over its templates, in dB (see [`super::mixer::Mixer::activation_db`]).
    pub fn activation_db(&self, component: usize) -> f32 {
        self.separator.activation_db(component)
    }

    /// Draws the spectrum and each component's share of it. The spectrum is computed first where separation did not need it.
    pub fn draw(&mut self, column: &mut Column) {
        if self.analysis == Analysis::Pending {
            let windows = self.windows.iter().filter(|window| !window.is_empty());
            let spectra = self.spectrum.chunks_exact_mut(self.layout.bins());
            windows.zip(spectra).for_each(|(window, out)| self.stft.analyze(window, out));
            self.analysis = Analysis::Analysed;
        }
        column.components = 0;
        let (spectrum, rows, separator) = (&*self.spectrum, self.rows, self.separator);
        match (self.analysis, self.templates) {
            (Analysis::Silent, _) => column.levels.fill(0),
            (Analysis::Separated, Some(templates)) => rows.draw(spectrum, separator.masks(templates), column),
            _ => rows.draw(spectrum, std::iter::empty(), column),
        }
        for (component, activation_db) in column.activations_db.iter_mut().enumerate() {
            *activation_db = separator.activation_db(component);
        }
    }
}
