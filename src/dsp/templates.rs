//! Templates: W, and which component owns which template. Checked once, at construction; then only read.
//! Made on the learning side, read by the audio thread.

use thiserror::Error;

use super::bands::Bands;
use super::stft::StftLayout;
use super::{MAX_CHANNELS, MAX_COMPONENTS, MAX_TEMPLATES, kernels};

/// The spectra that templates describe: their sample rate, window and channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Format {
    /// Samples per second.
    pub sample_rate: f32,
    /// Window in samples.
    pub window_len: usize,
    /// Channels whose bins stand over each other in one template: 1 or 2.
    pub channels: usize,
}

impl Format {
    /// The format of spectra made with `layout`.
    pub fn new(sample_rate: f32, layout: StftLayout, channels: usize) -> Self {
        Self { sample_rate, window_len: layout.window_len(), channels }
    }

    /// Bins of one channel.
    pub fn bins(self) -> usize {
        self.window_len / 2 + 1
    }

    /// Values of one template: channels × bins, the left channel's bins first.
    pub fn rows(self) -> usize {
        self.channels * self.bins()
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let channels = if self.channels == 1 { "mono" } else { "stereo" };
        write!(f, "{} Hz, window {}, {channels}", self.sample_rate, self.window_len)
    }
}

/// A matrix of templates and what the activation solver needs of it.
#[derive(Clone, Debug)]
pub struct Dictionary {
    rows: usize,
    /// Template after template, each `rows` values that sum to one.
    matrix: Vec<f32>,
    /// 1/‖w‖₂ of each template.
    inverse_norms: Vec<f32>,
}

impl Dictionary {
    /// Takes template after template, each `rows` finite values ≥ 0 of which some are > 0, and scales each to sum to one.
    fn new(rows: usize, mut matrix: Vec<f32>) -> Self {
        for template in matrix.chunks_exact_mut(rows) {
            let sum: f64 = template.iter().map(|&x| f64::from(x)).sum();
            template.iter_mut().for_each(|x| *x = (f64::from(*x) / sum) as f32);
        }
        let inverse_norms = matrix.chunks_exact(rows).map(|w| 1.0 / kernels::dot(w, w).sqrt()).collect();
        Self { rows, matrix, inverse_norms }
    }

    /// Values of one template.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of templates.
    pub fn len(&self) -> usize {
        self.inverse_norms.len()
    }

    /// Whether there are no templates.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each template: `rows` values ≥ 0 that sum to one.
    pub fn templates(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.matrix.chunks_exact(self.rows)
    }

    /// 1/‖w‖₂ of each template.
    pub fn inverse_norms(&self) -> &[f32] {
        &self.inverse_norms
    }
}

/// Why templates are refused.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum TemplatesError {
    /// The format is none that this program works in.
    #[error(
        "templates for {0}: the sample rate must be above zero, the window a power of two from 256 to 8192, the channels 1 or 2"
    )]
    Format(Format),
    /// Too few or too many components.
    #[error("{0} components: there must be 1 to {MAX_COMPONENTS}")]
    Components(usize),
    /// Too few or too many templates.
    #[error("{0} templates: there must be 1 to {MAX_TEMPLATES}, for all components together")]
    Templates(usize),
    /// The matrix has another size than its rows and owners say.
    #[error("the template matrix has {found} values: {expected} were expected")]
    Size {
        /// Values in the matrix.
        found: usize,
        /// Rows × templates.
        expected: usize,
    },
    /// A template that no component, or a component that no template belongs to.
    #[error("template owners do not fit: every template needs a component, and component {0} has no template")]
    Owners(usize),
    /// A value that no magnitude can have.
    #[error("template {template} holds {value}: every value must be finite and at least 0")]
    Value {
        /// Template, from 0.
        template: usize,
        /// The value.
        value: f32,
    },
    /// A template of zeros.
    #[error("template {0} is silent: every value is 0")]
    Silent(usize),
}

/// W and its components, ready for the audio thread.
#[derive(Clone, Debug)]
pub struct Templates {
    format: Format,
    /// Component names, in mixing order.
    components: Vec<String>,
    /// Per template, the component that owns it.
    owners: Vec<usize>,
    full: Dictionary,
    bands: Bands,
    banded: Dictionary,
}

impl Templates {
    /// ERB bands in which activations are estimated unless another number is asked for.
    pub const BANDS: usize = 100;

    /// Checks and takes `matrix`: template after template, each `format.rows()` values ≥ 0; `owners` has the component
    /// index of each template. Templates are scaled to sum to one.
    ///
    /// # Errors
    /// See [`TemplatesError`].
    pub fn new(
        format: Format,
        components: Vec<String>,
        owners: Vec<usize>,
        matrix: Vec<f32>,
    ) -> Result<Self, TemplatesError> {
        let bands = Bands::erb(Self::BANDS, format.bins(), format.sample_rate);
        Self::with_bands(format, components, owners, matrix, bands)
    }

    /// Like [`Templates::new`], with activations estimated in `bands`.
    ///
    /// # Errors
    /// See [`TemplatesError`].
    pub fn with_bands(
        format: Format,
        components: Vec<String>,
        owners: Vec<usize>,
        matrix: Vec<f32>,
        bands: Bands,
    ) -> Result<Self, TemplatesError> {
        check(format, components.len(), &owners, &matrix)?;
        let full = Dictionary::new(format.rows(), matrix);
        let mut banded = vec![0.0; full.len() * format.channels * bands.len()];
        for (template, banded) in full.templates().zip(banded.chunks_exact_mut(format.channels * bands.len())) {
            bands.sum_rows(template, banded);
        }
        let banded = Dictionary::new(format.channels * bands.len(), banded);
        Ok(Self { format, components, owners, full, bands, banded })
    }

    /// The spectra these templates describe.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Component names, in mixing order.
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// Per template, the component that owns it.
    pub fn owners(&self) -> &[usize] {
        &self.owners
    }

    /// The templates at full resolution.
    pub fn full(&self) -> &Dictionary {
        &self.full
    }

    /// The bands in which activations are estimated.
    pub fn bands(&self) -> &Bands {
        &self.bands
    }

    /// The templates summed over the bands.
    pub fn banded(&self) -> &Dictionary {
        &self.banded
    }

    /// The same templates for spectra of another format.
    ///
    /// Across sample rates and windows, each template's sum is spread over the new bins by where they lie in hertz; what
    /// lies beyond the new highest bin is lost, unless that is all there is: then it moves to the highest bin. A mono template gives both channels the same half; a stereo one is summed to mono.
    ///
    /// # Errors
    /// A format that this program does not work in.
    pub fn fitted(&self, format: Format) -> Result<Self, TemplatesError> {
        check_format(format)?;
        let mut matrix = Vec::with_capacity(format.rows() * self.full.len());
        for template in self.full.templates() {
            let channels: Vec<&[f32]> = template.chunks_exact(self.format.bins()).collect();
            match (self.format.channels, format.channels) {
                (2, 1) => {
                    let mono: Vec<f32> = channels[0].iter().zip(channels[1]).map(|(l, r)| l + r).collect();
                    matrix.extend(respaced(&mono, self.format, format));
                }
                (1, 2) => (0..2).for_each(|_| matrix.extend(respaced(channels[0], self.format, format))),
                _ => channels.iter().for_each(|channel| matrix.extend(respaced(channel, self.format, format))),
            }
        }
        for template in matrix.chunks_exact_mut(format.rows()) {
            if template.iter().all(|&value| value < f32::MIN_POSITIVE) {
                template.iter_mut().skip(format.bins() - 1).step_by(format.bins()).for_each(|highest| *highest = 1.0);
            }
        }
        let is_full = self.bands == Bands::full(self.format.bins());
        let erb = || Bands::erb(Self::BANDS, format.bins(), format.sample_rate);
        let bands = if is_full { Bands::full(format.bins()) } else { erb() };
        Self::with_bands(format, self.components.clone(), self.owners.clone(), matrix, bands)
    }
}

fn check_format(format: Format) -> Result<(), TemplatesError> {
    let layout = StftLayout::new(format.window_len, format.window_len / 4);
    let rate_is_good = format.sample_rate.is_finite() && format.sample_rate > 0.0;
    if layout.is_err() || !rate_is_good || !(1..=MAX_CHANNELS).contains(&format.channels) {
        return Err(TemplatesError::Format(format));
    }
    Ok(())
}

fn check(format: Format, components: usize, owners: &[usize], matrix: &[f32]) -> Result<(), TemplatesError> {
    check_format(format)?;
    if !(1..=MAX_COMPONENTS).contains(&components) {
        return Err(TemplatesError::Components(components));
    }
    if !(1..=MAX_TEMPLATES).contains(&owners.len()) {
        return Err(TemplatesError::Templates(owners.len()));
    }
    let expected = format.rows() * owners.len();
    if matrix.len() != expected {
        return Err(TemplatesError::Size { found: matrix.len(), expected });
    }
    if let Some(&stranger) = owners.iter().find(|&&owner| owner >= components) {
        return Err(TemplatesError::Owners(stranger));
    }
    if let Some(empty) = (0..components).find(|component| !owners.contains(component)) {
        return Err(TemplatesError::Owners(empty));
    }
    for (template, values) in matrix.chunks_exact(format.rows()).enumerate() {
        if let Some(&value) = values.iter().find(|value| !(value.is_finite() && **value >= 0.0)) {
            return Err(TemplatesError::Value { template, value });
        }
        if values.iter().all(|&value| value < f32::MIN_POSITIVE) {
            return Err(TemplatesError::Silent(template));
        }
    }
    Ok(())
}

/// One channel's bins, spread over the bins of another format: differences of the interpolated running sum.
fn respaced(bins: &[f32], from: Format, to: Format) -> Vec<f32> {
    if from.bins() == to.bins() && from.sample_rate == to.sample_rate {
        return bins.to_vec();
    }
    let running: Vec<f64> = std::iter::once(0.0)
        .chain(bins.iter().scan(0.0, |sum, &x| {
            *sum += f64::from(x);
            Some(*sum)
        }))
        .collect();
    let last = bins.len() as f64;
    // Bin b covers b − ½ to b + ½ in steps of sample_rate / window_len.
    let below = |edge: f64| {
        let position = edge.clamp(0.0, last);
        let whole = (position as usize).min(bins.len() - 1);
        running[whole] + (running[whole + 1] - running[whole]) * (position - whole as f64)
    };
    let bin_hz = |format: Format| f64::from(format.sample_rate) / format.window_len as f64;
    let scale = bin_hz(to) / bin_hz(from);
    (0..to.bins())
        .map(|bin| (below((bin as f64 + 0.5) * scale + 0.5) - below((bin as f64 - 0.5) * scale + 0.5)).max(0.0) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(sample_rate: f32, window_len: usize, channels: usize) -> Format {
        Format { sample_rate, window_len, channels }
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("c{n}")).collect()
    }

    fn peak_at(hz: f32, format: Format) -> Vec<f32> {
        let bin = (hz / format.sample_rate * format.window_len as f32).round() as usize;
        let mut template = vec![0.0; format.bins()];
        template[bin - 1..=bin + 1].copy_from_slice(&[0.25, 0.5, 0.25]);
        template
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let mono = format(48_000.0, 256, 1);
        let good = vec![1.0; mono.rows()];
        let new = |format, components, owners: &[usize], matrix: &[f32]| {
            Templates::new(format, names(components), owners.to_vec(), matrix.to_vec()).map(|_| ()).unwrap_err()
        };
        assert!(Templates::new(mono, names(1), vec![0], good.clone()).is_ok());
        assert!(matches!(new(format(0.0, 256, 1), 1, &[0], &good), TemplatesError::Format(_)));
        assert!(matches!(new(format(f32::NAN, 256, 1), 1, &[0], &good), TemplatesError::Format(_)));
        assert!(matches!(new(format(48e3, 250, 1), 1, &[0], &good), TemplatesError::Format(_)));
        assert!(matches!(new(format(48e3, 256, 3), 1, &[0], &good), TemplatesError::Format(_)));
        assert_eq!(new(mono, 0, &[0], &good), TemplatesError::Components(0));
        assert_eq!(new(mono, 17, &[0], &good), TemplatesError::Components(17));
        assert_eq!(new(mono, 1, &[], &good), TemplatesError::Templates(0));
        assert_eq!(new(mono, 1, &[0; 257], &good), TemplatesError::Templates(257));
        assert!(matches!(new(mono, 1, &[0], &good[1..]), TemplatesError::Size { .. }));
        assert_eq!(new(mono, 1, &[1], &good), TemplatesError::Owners(1));
        assert_eq!(new(mono, 2, &[0], &good), TemplatesError::Owners(1));
        let mut bad = good.clone();
        bad[3] = -1.0;
        assert_eq!(new(mono, 1, &[0], &bad), TemplatesError::Value { template: 0, value: -1.0 });
        bad[3] = f32::INFINITY;
        assert!(matches!(new(mono, 1, &[0], &bad), TemplatesError::Value { .. }));
        assert_eq!(new(mono, 1, &[0], &vec![0.0; mono.rows()]), TemplatesError::Silent(0));
    }

    #[test]
    fn templates_sum_to_one_at_both_resolutions() {
        let stereo = format(44_100.0, 1024, 2);
        let matrix: Vec<f32> = (0..3 * stereo.rows()).map(|n| (n % 17) as f32).collect();
        let templates = Templates::new(stereo, names(2), vec![0, 1, 1], matrix).unwrap();
        for dictionary in [templates.full(), templates.banded()] {
            assert_eq!(dictionary.len(), 3);
            for template in dictionary.templates() {
                assert!((template.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn a_spectral_peak_stays_at_its_frequency_and_keeps_its_sum_in_another_format() {
        let from = format(44_100.0, 2048, 1);
        let templates = Templates::new(from, names(1), vec![0], peak_at(1000.0, from)).unwrap();
        for to in
            [format(48_000.0, 2048, 1), format(96_000.0, 4096, 1), format(44_100.0, 512, 1), format(22_050.0, 1024, 1)]
        {
            let fitted = templates.fitted(to).unwrap();
            let template = fitted.full().templates().next().unwrap();
            let bin_hz = to.sample_rate / to.window_len as f32;
            let centre: f32 = template.iter().enumerate().map(|(bin, x)| bin as f32 * bin_hz * x).sum();
            // Half a bin of the coarser format.
            assert!((centre - 1000.0).abs() < 0.5 * bin_hz.max(21.6), "{to}: {centre} Hz");
            assert!((template.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn mono_and_stereo_templates_become_each_other() {
        let mono = format(44_100.0, 256, 1);
        let stereo = format(44_100.0, 256, 2);
        let templates = Templates::new(mono, names(1), vec![0], peak_at(5000.0, mono)).unwrap();
        let wide = templates.fitted(stereo).unwrap();
        let (left, right) = wide.full().templates().next().unwrap().split_at(mono.bins());
        assert_eq!(left, right);
        let back = wide.fitted(mono).unwrap();
        assert_eq!(back.full().templates().next(), templates.full().templates().next());
    }

    #[test]
    fn a_template_above_the_new_nyquist_moves_to_the_highest_bin() {
        let from = format(96_000.0, 1024, 1);
        let templates = Templates::new(from, names(1), vec![0], peak_at(40_000.0, from)).unwrap();
        let fitted = templates.fitted(format(22_050.0, 256, 1)).unwrap();
        let template = fitted.full().templates().next().unwrap();
        assert_eq!((template[128], template.iter().sum::<f32>()), (1.0, 1.0));
        assert!(templates.fitted(format(22_050.0, 255, 1)).is_err());
    }
}
