//! V and where its factorization starts: in memory for ours, as files for the others.

use std::fs::File;
use std::io::BufWriter;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, Result};
use ndarray::{Array, Array2, Dimension};
use npyz::WriterBuilder;
use unweave::dsp::{StftLayout, Window};
use unweave::learn::{Capture, Factorization, FactorizeOptions, Start, factorize};

use crate::music::Music;

/// Seconds that are learned from.
pub(crate) const SECONDS: f64 = 10.0;

/// The spectra of ten seconds, and a folder for what the others read.
pub(crate) struct Arrays<'a> {
    folder: &'a Path,
    /// Frames × bins.
    pub(crate) v: Array2<f32>,
    pub(crate) sample_rate: f32,
}

impl<'a> Arrays<'a> {
    /// Writes V.
    pub(crate) fn of(music: &Music, folder: &'a Path) -> Result<Self> {
        let (samples, sample_rate) = music.mono(SECONDS);
        let capture = Capture::new(sample_rate, vec![samples])?;
        let v = capture.spectrogram(StftLayout::default(), Window::SqrtHann)?.magnitudes;
        let arrays = Self { folder, v, sample_rate };
        arrays.write("V", &arrays.v)?;
        Ok(arrays)
    }

    /// Writes the W and H that a factorization with these options starts from.
    pub(crate) fn write_start(&self, options: &FactorizeOptions) -> Result<()> {
        let start = self.factorize(&FactorizeOptions { iterations: 0, ..options.clone() })?;
        self.write("W", &start.w)?;
        self.write("H", &start.h)
    }

    /// Templates × bins, learned from V.
    pub(crate) fn learned(&self, templates: usize) -> Result<Array2<f32>> {
        let options = FactorizeOptions { templates, start: Start::KMeans, ..FactorizeOptions::default() };
        Ok(self.factorize(&options)?.w)
    }

    /// Our factorization of V.
    pub(crate) fn factorize(&self, options: &FactorizeOptions) -> Result<Factorization> {
        Ok(factorize(self.v.view(), options, &mut |_| ControlFlow::Continue(()))?)
    }

    /// Writes an array in NumPy's format.
    pub(crate) fn write<D: Dimension>(&self, name: &str, array: &Array<f32, D>) -> Result<()> {
        let path = self.folder.join(format!("{name}.npy"));
        let file = File::create(&path).with_context(|| format!("could not write {}", path.display()))?;
        let shape: Vec<u64> = array.shape().iter().map(|&len| len as u64).collect();
        let mut writer =
            npyz::WriteOptions::new().default_dtype().shape(&shape).writer(BufWriter::new(file)).begin_nd()?;
        writer.extend(array.iter().copied())?;
        Ok(writer.finish()?)
    }
}
