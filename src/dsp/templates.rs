//! Templates: the matrix W, and the component that owns each template. Checked once, at construction, then read-only.
//! Made on the learning side, read by the audio thread.

use thiserror::Error;

use super::bands::Bands;
use super::dictionary::Dictionary;
use super::format::Format;
use super::spatial::Covariance;
use super::stft::StftLayout;
use super::{MAX_CHANNELS, MAX_COMPONENTS, MAX_PLAYED_TEMPLATES, simd};

/// Why templates are refused.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum TemplatesError {
    /// Unsupported format.
    #[error(
        "templates for {0}: the sample rate must be 1 to 1536 kHz, the window a power of two from 256 to 16384, the channels 1 or 2"
    )]
    Format(Format),
    /// Too few or too many components.
    #[error("{0} components: there must be 1 to {MAX_COMPONENTS}")]
    Components(usize),
    /// Too few or too many templates.
    #[error("{0} templates: there must be 1 to {MAX_PLAYED_TEMPLATES}, for all components and their copies together")]
    Templates(usize),
    /// The size of the matrix differs from rows × owners.
    #[error("the template matrix has {found} values: {expected} were expected")]
    Size {
        /// Values in the matrix.
        found: usize,
        /// Rows × templates.
        expected: usize,
    },
    /// A template belongs to a component that does not exist.
    #[error("a template belongs to component {owner}: there are {components}, counted from 0")]
    Owner {
        /// The component that the template is assigned to.
        owner: usize,
        /// How many there are.
        components: usize,
    },
    /// The number of calibration gains or covariances is not one per component and bin, or one of them is invalid.
    #[error("{what}: {why}")]
    Component {
        /// Calibration or covariances.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A value is negative or not finite.
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
    /// Per component, its templates.
    owned: Vec<Vec<u32>>,
    full: Dictionary,
    bands: Bands,
    banded: Dictionary,
    /// Gains of the component estimates: `rows` per component, in component order. Empty if all are 1.
    calibration: Vec<f32>,
    /// Spatial covariances: one per component and bin, in component order. Empty if not known, or mono.
    covariances: Vec<Covariance>,
}

/// A copy of a learned template at another pitch.
#[derive(Clone, Debug)]
pub struct TransposedCopy {
    /// The component that owns it.
    pub owner: usize,
    /// `format.rows()` finite values ≥ 0.
    pub values: Vec<f32>,
    /// What divides its update factors, ≥ 1: see [`Dictionary::penalties`].
    pub penalty: f32,
}

impl Templates {
    /// Default number of ERB bands in which activations are estimated.
    pub const BANDS: usize = 200;

    /// Checks the templates and scales each to sum to one. `matrix` holds one template after the other, each of
    /// `format.rows()` values ≥ 0; `owners` holds the component index of each template. A component without templates
    /// stays silent.
    ///
    /// # Errors
    /// See [`TemplatesError`].
    pub fn new(
        format: Format,
        components: Vec<String>,
        owners: Vec<usize>,
        matrix: Vec<f32>,
    ) -> Result<Self, TemplatesError> {
        // Bands can be computed only for a valid format.
        check_format(format)?;
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
        let full = Dictionary::new(format.rows(), &matrix);
        let banded = full.banded(&bands, format.channels);
        let (calibration, covariances) = (Vec::new(), Vec::new());
        let mut owned = vec![Vec::new(); components.len()];
        owners.iter().enumerate().for_each(|(template, &owner)| owned[owner].push(template as u32));
        Ok(Self { format, components, owners, owned, full, bands, banded, calibration, covariances })
    }

    /// Sets the gains of the component estimates: `rows` finite gains ≥ 0 per component, in component order, or none at
    /// all.
    ///
    /// # Errors
    /// The number of gains is wrong, or a gain is negative or not finite.
    pub fn with_calibration(self, calibration: Vec<f32>) -> Result<Self, TemplatesError> {
        let refused = |why| Err(TemplatesError::Component { what: "calibration", why });
        let expected = self.components.len() * self.format.rows();
        if !calibration.is_empty() && calibration.len() != expected {
            return refused(format!("{} gains, and {expected} were expected", calibration.len()));
        }
        match calibration.iter().find(|gain| !(gain.is_finite() && **gain >= 0.0)) {
            Some(gain) => refused(format!("a gain is {gain}; it must be finite and at least 0")),
            None => Ok(Self { calibration, ..self }),
        }
    }

    /// Sets the spatial covariances: one per component and bin, in component order, or none at all. Stereo only.
    ///
    /// # Errors
    /// The number of covariances is wrong, or one of them is invalid.
    pub fn with_covariances(self, covariances: Vec<Covariance>) -> Result<Self, TemplatesError> {
        let refused = |why| Err(TemplatesError::Component { what: "covariances", why });
        let expected = if self.format.channels == 2 { self.components.len() * self.format.bins() } else { 0 };
        if !covariances.is_empty() && covariances.len() != expected {
            return refused(format!("{} of them, and {expected} were expected", covariances.len()));
        }
        match covariances.iter().find(|covariance| !covariance.is_valid()) {
            Some(covariance) => refused(format!("{covariance:?} is no covariance of trace 1")),
            None => Ok(Self { covariances, ..self }),
        }
    }

    /// Appends transposed copies of templates. Leaves out silent copies, and copies beyond [`MAX_PLAYED_TEMPLATES`].
    pub fn with_copies(&self, copies: Vec<TransposedCopy>) -> Self {
        let (mut owners, mut matrix) = (self.owners.clone(), self.full.templates().flatten().collect::<Vec<f32>>());
        let mut penalties = self.full.penalties().to_vec();
        for TransposedCopy { owner, values, penalty } in copies {
            let is_good = values.len() == self.full.rows() && simd::sum(&values) >= f32::MIN_POSITIVE;
            if is_good && owner < self.components.len() && owners.len() < MAX_PLAYED_TEMPLATES {
                owners.push(owner);
                matrix.extend(values);
                penalties.push(penalty);
            }
        }
        let extended = Self::with_bands(self.format, self.components.clone(), owners, matrix, self.bands.clone());
        let (calibration, covariances) = (self.calibration.clone(), self.covariances.clone());
        let Ok(extended) = extended else { return self.clone() };
        Self { calibration, covariances, ..extended }.with_penalties(penalties)
    }

    /// Sets the penalty of each template.
    fn with_penalties(self, penalties: Vec<f32>) -> Self {
        let banded = self.banded.with_penalties(penalties.clone());
        Self { full: self.full.with_penalties(penalties), banded, ..self }
    }

    /// Estimates activations in about `count` ERB bands. Fewer bands need less CPU time; more bands distinguish
    /// neighbouring notes.
    pub fn in_bands(self, count: usize) -> Self {
        let bands = Bands::erb(count, self.format.bins(), self.format.sample_rate);
        let banded = self.full.banded(&bands, self.format.channels);
        Self { bands, banded, ..self }
    }

    /// Computes the Gram matrix, which makes Euclidean updates cheap.
    pub fn with_gram(self) -> Self {
        Self { banded: self.banded.with_gram(), ..self }
    }

    /// The format of the spectra that these templates describe.
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

    /// The indices of one component's templates.
    pub fn owned(&self, component: usize) -> &[u32] {
        &self.owned[component]
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

    /// The gains of all component estimates, in component order; empty if all are 1.
    pub fn calibrations(&self) -> &[f32] {
        &self.calibration
    }

    /// The `rows` gains of one component's estimate, or `None` if all are 1.
    pub fn calibration(&self, component: usize) -> Option<&[f32]> {
        self.calibration.chunks_exact(self.format.rows()).nth(component)
    }

    /// The spatial covariances of all components, one per bin, in component order; empty if they are not known.
    pub fn covariances(&self) -> &[Covariance] {
        &self.covariances
    }

    /// Converts these templates to another format.
    ///
    /// If the sample rate or the window differs, each template's sum is spread over the new bins by their frequencies
    /// in hertz. Content above the new highest bin is dropped; a template that lies entirely above it moves to the
    /// highest bin. From mono to stereo, both channels get the same half; from stereo to mono, the channels are summed.
    ///
    /// # Errors
    /// The format is not supported.
    pub fn fitted(&self, format: Format) -> Result<Self, TemplatesError> {
        check_format(format)?;
        let mut matrix = Vec::with_capacity(format.rows() * self.full.len());
        for template in self.full.templates() {
            let channels: Vec<&[f32]> = template.chunks_exact(self.format.bins()).collect();
            match (self.format.channels, format.channels) {
                (2, 1) => {
                    let mono: Vec<f32> = channels[0].iter().zip(channels[1]).map(|(l, r)| l + r).collect();
                    matrix.extend(self.format.spread(&mono, format));
                }
                (1, 2) => (0..2).for_each(|_| matrix.extend(self.format.spread(channels[0], format))),
                _ => channels.iter().for_each(|channel| matrix.extend(self.format.spread(channel, format))),
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
        let fitted = Self::with_bands(format, self.components.clone(), self.owners.clone(), matrix, bands)?;
        let fitted = fitted.with_penalties(self.full.penalties().to_vec());
        fitted.with_calibration(self.fitted_calibration(format))?.with_covariances(self.fitted_covariances(format))
    }

    fn fitted_calibration(&self, format: Format) -> Vec<f32> {
        let mut fitted = Vec::with_capacity(self.calibration.len());
        for component in self.calibration.chunks_exact(self.format.rows()) {
            let channels: Vec<Vec<f32>> = component
                .chunks_exact(self.format.bins())
                .map(|gains| self.format.interpolate(gains, format))
                .collect();
            match (channels.as_slice(), format.channels) {
                ([left, right], 1) => fitted.extend(left.iter().zip(right).map(|(l, r)| (l + r) / 2.0)),
                ([mono], 2) => fitted.extend([mono.as_slice(), mono].concat()),
                _ => fitted.extend(channels.concat()),
            }
        }
        fitted
    }

    fn fitted_covariances(&self, format: Format) -> Vec<Covariance> {
        let components = self.covariances.chunks_exact(self.format.bins()).filter(|_| format.channels == 2);
        components.flat_map(|covariances| Covariance::interpolate(covariances, self.format, format)).collect()
    }
}

fn check_format(format: Format) -> Result<(), TemplatesError> {
    let layout = StftLayout::new(format.window_len, format.window_len / 4);
    if layout.is_err()
        || !Format::SAMPLE_RATES.contains(&format.sample_rate)
        || !(1..=MAX_CHANNELS).contains(&format.channels)
    {
        return Err(TemplatesError::Format(format));
    }
    Ok(())
}

fn check(format: Format, components: usize, owners: &[usize], matrix: &[f32]) -> Result<(), TemplatesError> {
    check_format(format)?;
    if !(1..=MAX_COMPONENTS).contains(&components) {
        return Err(TemplatesError::Components(components));
    }
    if !(1..=MAX_PLAYED_TEMPLATES).contains(&owners.len()) {
        return Err(TemplatesError::Templates(owners.len()));
    }
    let expected = format.rows() * owners.len();
    if matrix.len() != expected {
        return Err(TemplatesError::Size { found: matrix.len(), expected });
    }
    if let Some(&owner) = owners.iter().find(|&&owner| owner >= components) {
        return Err(TemplatesError::Owner { owner, components });
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
        assert_eq!(new(mono, 1, &[0; 1281], &good), TemplatesError::Templates(1281));
        assert!(matches!(new(mono, 1, &[0], &good[1..]), TemplatesError::Size { .. }));
        assert_eq!(new(mono, 1, &[1], &good), TemplatesError::Owner { owner: 1, components: 1 });
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
        let template = wide.full().templates().next().unwrap();
        let (left, right) = template.split_at(mono.bins());
        assert_eq!(left, right);
        let back = wide.fitted(mono).unwrap();
        assert_eq!(back.full().templates().next(), templates.full().templates().next());
    }

    #[test]
    fn calibration_and_places_must_fit_and_survive_another_format() {
        let stereo = format(44_100.0, 512, 2);
        let plain = Templates::new(stereo, names(2), vec![0, 1], vec![1.0; 2 * stereo.rows()]).unwrap();
        let gains = [vec![0.5; stereo.rows()], vec![2.0; stereo.rows()]].concat();
        let left = Covariance::new(1.0, Default::default());
        let right = Covariance::new(0.0, Default::default());
        let places = [vec![left; 257], vec![right; 257]].concat();
        assert!(plain.clone().with_calibration(gains[1..].to_vec()).is_err());
        assert!(plain.clone().with_calibration(vec![f32::NAN; gains.len()]).is_err());
        assert!(plain.clone().with_covariances(places[1..].to_vec()).is_err());
        assert!(plain.clone().with_covariances(vec![Covariance::new(1.5, Default::default()); places.len()]).is_err());
        let templates = plain.with_calibration(gains).unwrap().with_covariances(places).unwrap();
        for to in [format(48_000.0, 2048, 2), format(96_000.0, 256, 2)] {
            let fitted = templates.fitted(to).unwrap();
            assert!(fitted.calibration(1).unwrap().iter().all(|&gain| gain == 2.0));
            assert_eq!(fitted.covariances(), [vec![left; to.bins()], vec![right; to.bins()]].concat());
        }
        let mono = templates.fitted(format(44_100.0, 512, 1)).unwrap();
        assert_eq!((mono.calibration(0).unwrap(), mono.covariances()), ([0.5; 257].as_slice(), [].as_slice()));
        assert_eq!(mono.fitted(stereo).unwrap().calibration(0), templates.calibration(0));
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
