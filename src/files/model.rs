//! Model files: `.npz` archives that NumPy opens with `np.load(path, allow_pickle=False)`.
//!
//! ```text
//! W           float32, rows × templates. Rows: the bins of the left channel from 0 Hz up, then those of the right.
//! owners      int64, one per template: the index of its component
//! components  str, the component names
//! steady      int64: indices of the components that were learned as steady
//! calibration float32, rows × components: gains of each component's estimate; absent where all are 1
//! covariances float32, components × bins × 3: per bin the left channel's share of the power, and real and imaginary part of
//!             left times conjugate right; absent in mono
//! energy_shares float32, one per template: its share of its component's energy in the capture of that component alone;
//!             zeros for a component without such a capture; absent where none has one
//! sample_rate, window, hop, channels, seed, iterations, extend_pitch, version: one number each; divergence: "kl", "euclidean", "is"
//! ```

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use npyz::{AutoSerialize, DType, Deserialize, NpyFile, WriterBuilder};
use thiserror::Error;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::whole::write_whole;
use crate::dsp::{
    Complex32, Covariance, Divergence, Format, LayoutError, MAX_TEMPLATES, StftLayout, Templates, TemplatesError,
};
use crate::model::{LearnInfo, Model, ModelError};

/// The version that is written, and the newest that is read.
const VERSION: i64 = 2;
/// The largest array that a model can hold, in values.
const MAX_VALUES: u64 = (2 * (StftLayout::MAX_WINDOW_LEN / 2 + 1) * MAX_TEMPLATES) as u64;

/// Why a model file cannot be read or written.
#[derive(Debug, Error)]
pub enum ModelFileError {
    /// There is no such file.
    #[error("{}: no such file", .0.display())]
    Missing(PathBuf),
    /// It is not a model of this program.
    #[error("{}: not a model: {why}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: Refusal,
    },
    /// It could not be written.
    #[error("{}: cannot be written: {error}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// What is wrong with the contents of a model file.
#[derive(Debug, Error)]
pub enum Refusal {
    /// Not a zip file, or an incomplete one.
    #[error("it is not an .npz file, or it is incomplete ({0})")]
    Archive(String),
    /// An array is missing.
    #[error("its array “{0}” is missing; write the file with `unweave learn`")]
    Absent(&'static str),
    /// An array does not hold what it should.
    #[error("its array “{name}” is {found}; it must be {expected}")]
    Array {
        /// The array.
        name: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A file of a newer version.
    #[error("it has version {0}, and this program reads versions 1 to {VERSION}; use a newer unweave")]
    Version(i64),
    /// Invalid window or hop.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Invalid templates.
    #[error(transparent)]
    Templates(#[from] TemplatesError),
    /// Invalid model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Writes a model. If writing fails, an existing file stays as it was.
///
/// # Errors
/// The file cannot be written.
pub fn save(model: &Model, path: &Path) -> Result<(), ModelFileError> {
    write_whole(path, |file| write_arrays(model, file))
        .map_err(|error| ModelFileError::Unwritable { path: path.into(), error })
}

/// Reads a model; its templates are those that were saved, to the bit.
///
/// # Errors
/// See [`ModelFileError`].
pub fn load(path: &Path) -> Result<Model, ModelFileError> {
    let refused = |why| ModelFileError::Refused { path: path.into(), why };
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ModelFileError::Missing(path.into()),
        _ => refused(Refusal::Archive(error.to_string())),
    })?;
    let archive =
        ZipArchive::new(BufReader::new(file)).map_err(|error| refused(Refusal::Archive(error.to_string())))?;
    Arrays { archive }.model().map_err(refused)
}

fn write_arrays(model: &Model, file: &mut BufWriter<File>) -> io::Result<()> {
    let (templates, learned) = (model.templates(), model.info());
    let (format, len) = (templates.format(), templates.owners().len() as u64);
    let mut zip = ZipWriter::new(file);
    let columns: Vec<Vec<f32>> = templates.full().templates().collect();
    let w = (0..format.rows()).flat_map(|row| columns.iter().map(move |column| column[row]));
    write_array(&mut zip, "W", &[format.rows() as u64, len], w)?;
    write_array(&mut zip, "owners", &[len], templates.owners().iter().map(|&owner| owner as i64))?;
    let names: Vec<&str> = templates.components().iter().map(String::as_str).collect();
    write_strings(&mut zip, "components", &[names.len() as u64], &names)?;
    write_array(&mut zip, "steady", &[learned.steady.len() as u64], learned.steady.iter().map(|&index| index as i64))?;
    let gains: Vec<&[f32]> = templates.calibrations().chunks_exact(format.rows()).collect();
    if !gains.is_empty() {
        let rows = (0..format.rows()).flat_map(|row| gains.iter().map(move |gains| gains[row]));
        write_array(&mut zip, "calibration", &[format.rows() as u64, gains.len() as u64], rows)?;
    }
    let covariances = templates.covariances();
    if !covariances.is_empty() {
        let shape = [(covariances.len() / format.bins()) as u64, format.bins() as u64, 3];
        let values = covariances.iter().flat_map(|c| [c.left, c.cross.re, c.cross.im]);
        write_array(&mut zip, "covariances", &shape, values)?;
    }
    let shares = model.energy_shares();
    if !shares.is_empty() {
        write_array(&mut zip, "energy_shares", &[len], shares.iter().copied())?;
    }
    write_array(&mut zip, "sample_rate", &[], [f64::from(format.sample_rate)])?;
    let numbers = [
        ("window", learned.layout.window_len()),
        ("hop", learned.layout.hop_len()),
        ("channels", format.channels),
        ("iterations", learned.iterations),
        ("extend_pitch", usize::from(learned.extend_pitch)),
    ];
    for (name, number) in numbers {
        write_array(&mut zip, name, &[], [number as i64])?;
    }
    write_array(&mut zip, "seed", &[], [learned.seed])?;
    write_array(&mut zip, "version", &[], [VERSION])?;
    write_strings(&mut zip, "divergence", &[], &[learned.divergence.name()])?;
    zip.finish()?;
    Ok(())
}

fn write_array<T: AutoSerialize + Copy, W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    name: &str,
    shape: &[u64],
    values: impl IntoIterator<Item = T>,
) -> io::Result<()> {
    zip.start_file(format!("{name}.npy"), SimpleFileOptions::default())?;
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(zip).begin_nd()?;
    writer.extend(values)?;
    writer.finish()
}

fn write_strings<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    name: &str,
    shape: &[u64],
    values: &[&str],
) -> io::Result<()> {
    // NumPy's strings are all as long as the longest, in code points of four bytes.
    let longest = values.iter().map(|value| value.chars().count()).max().unwrap_or(0).max(1);
    let dtype = format!("<U{longest}").parse().map_err(io::Error::other)?;
    zip.start_file(format!("{name}.npy"), SimpleFileOptions::default())?;
    let options = npyz::WriteOptions::<str>::new().dtype(DType::new_scalar(dtype));
    let mut writer = options.shape(shape).writer(zip).begin_nd()?;
    values.iter().try_for_each(|value| writer.push(value))?;
    writer.finish()
}

/// The arrays of an opened file.
struct Arrays {
    archive: ZipArchive<BufReader<File>>,
}

impl Arrays {
    fn model(&mut self) -> Result<Model, Refusal> {
        // Of all that an .npz of another program lacks, the templates matter most: the error should name them.
        self.expect("W")?;
        let version = self.number("version")?;
        if !(1..=VERSION).contains(&version) {
            return Err(Refusal::Version(version));
        }
        let layout = StftLayout::new(self.count("window")?, self.count("hop")?)?;
        let matrix = self.columns("W", "float32, rows × templates")?;
        let owners = self.values::<i64>("owners", "int64, one per template")?.1;
        let owners = owners.into_iter().map(|owner| usize::try_from(owner).unwrap_or(usize::MAX)).collect();
        let components = self.values::<String>("components", "str, one per component")?.1;
        let sample_rate: f64 = self.one("sample_rate", "one float64")?;
        let format = Format::new(sample_rate as f32, layout, self.count("channels")?);
        // Version 1 did not have these arrays.
        let calibration =
            self.optional("calibration", |arrays, name| arrays.columns(name, "float32, rows × components"))?;
        let covariances = self.optional("covariances", |arrays, name| {
            Ok(arrays.values::<f32>(name, "float32, components × bins × 3")?.1)
        })?;
        let steady = self.optional("steady", |arrays, name| Ok(arrays.values::<i64>(name, "int64")?.1))?;
        let shares = self
            .optional("energy_shares", |arrays, name| Ok(arrays.values::<f32>(name, "float32, one per template")?.1))?;
        let learned = LearnInfo {
            divergence: self.divergence()?,
            seed: self.one("seed", "one uint64")?,
            iterations: self.count("iterations")?,
            layout,
            extend_pitch: version > 1 && self.count("extend_pitch")? > 0,
            steady: steady.into_iter().filter_map(|index| usize::try_from(index).ok()).collect(),
        };
        let covariance = |&[left, re, im]: &[f32; 3]| Covariance::new(left, Complex32::new(re, im));
        let templates = Templates::new(format, components, owners, matrix)?
            .with_calibration(calibration)?
            .with_covariances(covariances.as_chunks().0.iter().map(covariance).collect())?;
        Ok(Model::new(&templates, learned)?.with_energy_shares(&shares)?)
    }

    /// The columns of a matrix, one after another.
    fn columns(&mut self, name: &'static str, expected: &'static str) -> Result<Vec<f32>, Refusal> {
        let (shape, values) = self.values::<f32>(name, expected)?;
        let &[rows, len] = shape.as_slice() else {
            return Err(array(name, format!("of {} dimensions", shape.len()), expected));
        };
        let (rows, len) = (rows as usize, len as usize);
        Ok((0..len).flat_map(|column| values.iter().skip(column).step_by(len).take(rows)).copied().collect())
    }

    /// An array that may be missing.
    fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self, &'static str) -> Result<Vec<T>, Refusal>,
    ) -> Result<Vec<T>, Refusal> {
        if self.expect(name).is_ok() { read(self, name) } else { Ok(Vec::new()) }
    }

    fn divergence(&mut self) -> Result<Divergence, Refusal> {
        const EXPECTED: &str = "“kl”, “euclidean” or “is”";
        let name: String = self.one("divergence", EXPECTED)?;
        Divergence::named(&name).ok_or_else(|| array("divergence", format!("“{name}”"), EXPECTED))
    }

    fn count(&mut self, name: &'static str) -> Result<usize, Refusal> {
        let number = self.number(name)?;
        usize::try_from(number).map_err(|_| array(name, number.to_string(), "at least 0"))
    }

    fn number(&mut self, name: &'static str) -> Result<i64, Refusal> {
        self.one(name, "one int64")
    }

    fn one<T: Deserialize>(&mut self, name: &'static str, expected: &'static str) -> Result<T, Refusal> {
        let (_, values) = self.values(name, expected)?;
        let found = values.len();
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(array(name, format!("of {found} values"), expected)),
        }
    }

    /// Shape and values of an array, in C order.
    fn values<T: Deserialize>(
        &mut self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<(Vec<u64>, Vec<T>), Refusal> {
        self.expect(name)?;
        let cut_short = |error: &dyn std::fmt::Display| Refusal::Archive(format!("array “{name}”: {error}"));
        let file = self.archive.by_name(&format!("{name}.npy")).map_err(|error| cut_short(&error))?;
        let npy = NpyFile::new(file.take(MAX_VALUES * 4 + 65_536)).map_err(|error| cut_short(&error))?;
        let (shape, dtype) = (npy.shape().to_vec(), npy.dtype().descr());
        let values = shape.iter().try_fold(1_u64, |product, &len| product.checked_mul(len));
        if values.is_none_or(|values| values > MAX_VALUES) {
            return Err(array(name, format!("of shape {shape:?}"), expected));
        }
        if npy.order() == npyz::Order::Fortran && shape.len() > 1 {
            return Err(array(name, "in Fortran order".into(), "in C order (np.ascontiguousarray)"));
        }
        let reader = npy.data::<T>().map_err(|_| array(name, format!("of type {dtype}"), expected))?;
        let values = reader.collect::<io::Result<Vec<T>>>().map_err(|error| cut_short(&error))?;
        Ok((shape, values))
    }

    fn expect(&self, name: &'static str) -> Result<(), Refusal> {
        self.archive.index_for_name(&format!("{name}.npy")).map(|_| ()).ok_or(Refusal::Absent(name))
    }
}

fn array(name: &'static str, found: String, expected: &'static str) -> Refusal {
    Refusal::Array { name, found, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Model {
        let layout = StftLayout::new(256, 64).unwrap();
        let learned = LearnInfo {
            divergence: Divergence::ItakuraSaito,
            seed: u64::MAX,
            iterations: 3,
            layout,
            extend_pitch: true,
            steady: vec![1],
        };
        let matrix: Vec<f32> = (0..3 * 2 * 129).map(|n| ((n as f32 * 0.37).sin() + 1.0).powi(6)).collect();
        let names = vec!["Schlagzeug ü".into(), "b".into()];
        let templates = Templates::new(Format::new(44_100.0, layout, 2), names, vec![0, 1, 1], matrix).unwrap();
        let gains = (0..2 * 2 * 129).map(|n| (n as f32 * 0.21).sin().exp2()).collect();
        let place = |n: usize| Covariance::new((n as f32 * 0.05).sin().powi(2), Complex32::default());
        let templates =
            templates.with_calibration(gains).unwrap().with_covariances((0..2 * 129).map(place).collect()).unwrap();
        Model::new(&templates, learned).unwrap()
    }

    #[test]
    fn a_saved_model_comes_back_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npz");
        save(&model(), &path).unwrap();
        let loaded = load(&path).unwrap();
        let (saved, again) = (model(), loaded);
        assert_eq!(saved.codes(), again.codes());
        assert!(saved.templates().full().templates().eq(again.templates().full().templates()));
        assert_eq!(saved.templates().components(), again.templates().components());
        assert_eq!(saved.templates().owners(), again.templates().owners());
        assert_eq!(saved.templates().format(), again.templates().format());
        assert_eq!(saved.info(), again.info());
    }

    #[test]
    fn a_truncated_file_is_refused_by_name_wherever_it_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npz");
        save(&model(), &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for share in [0, 1, 10, 50, 90, 99] {
            std::fs::write(&path, &bytes[..bytes.len() * share / 100]).unwrap();
            let message = load(&path).unwrap_err().to_string();
            assert!(message.contains("m.npz: not a model"), "{message}");
        }
    }

    #[test]
    fn foreign_arrays_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npz");
        let refusal = |write: &dyn Fn(&mut ZipWriter<File>)| {
            let mut zip = ZipWriter::new(File::create(&path).unwrap());
            write(&mut zip);
            zip.finish().unwrap();
            load(&path).unwrap_err().to_string()
        };
        let message = refusal(&|zip| write_array(zip, "x", &[1], [1.0_f32]).unwrap());
        assert!(message.contains("array “W” is missing"), "{message}");
        let message = refusal(&|zip| {
            write_array(zip, "W", &[1, 1], [1.0_f64]).unwrap();
            write_array(zip, "version", &[], [3_i64]).unwrap();
        });
        assert!(message.contains("version 3"), "{message}");
        let message = refusal(&|zip| {
            write_array(zip, "W", &[1, 1], [1.0_f64]).unwrap();
            write_array(zip, "version", &[], [1_i64]).unwrap();
            write_array(zip, "window", &[], [256_i64]).unwrap();
            write_array(zip, "hop", &[], [64_i64]).unwrap();
        });
        assert!(message.contains("“W” is of type '<f8'"), "{message}");
    }
}
