//! Pictures of what is learned and heard: a spectrogram, W, H over time, shares over time, a loss curve. PNG files with
//! text in a shipped font, so that they look the same everywhere. Only at the rim.

pub mod demo;
pub mod griffin_lim;
pub mod owners;
pub mod palette;
mod plot;

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use thiserror::Error;

pub use plot::Mark;
use plot::*;

use crate::dsp::Templates;
use crate::files::whole::write_whole;
use crate::learn::Spectrogram;
use crate::pictures::palette::COLORS;

/// A component's colour.
fn color(component: usize) -> RGBColor {
    let [red, green, blue] = COLORS[component % COLORS.len()];
    RGBColor(red, green, blue)
}
/// Why there is no picture.
#[derive(Debug, Error)]
pub enum PictureError {
    /// The drawing failed.
    #[error("the picture cannot be drawn: {0}")]
    Drawing(String),
    /// It could not be written.
    #[error("{}: cannot be written: {error}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// Pixels.
#[derive(Clone, Debug)]
pub struct Picture {
    width: u32,
    height: u32,
    /// Row after row, three bytes a pixel.
    rgb: Vec<u8>,
}

impl Picture {
    /// Writes a PNG file, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), PictureError> {
        let write = |file: &mut BufWriter<File>| -> Result<(), io::Error> {
            let mut encoder = png::Encoder::new(file, self.width, self.height);
            encoder.set_color(png::ColorType::Rgb);
            encoder.set_depth(png::BitDepth::Eight);
            let mut writer = encoder.write_header()?;
            writer.write_image_data(&self.rgb)?;
            Ok(writer.finish()?)
        };
        write_whole(path, write).map_err(|error| PictureError::Unwritable { path: path.into(), error })
    }

    fn draw(width: u32, height: u32, title: &str, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<Self, PictureError> {
        register();
        let mut rgb = vec![0; (width * height * 3) as usize];
        let area = BitMapBackend::with_buffer(&mut rgb, (width, height)).into_drawing_area();
        let drawn = area
            .fill(&BACKGROUND)
            .map_err(described)
            .and_then(|()| text(&area, title, (LEFT, 26), 20, TEXT, HPos::Left))
            .and_then(|()| draw(&area))
            .and_then(|()| area.present().map_err(described));
        drop(area);
        drawn.map_err(PictureError::Drawing)?;
        Ok(Self { width, height, rgb })
    }
}

/// |X| over time, in dB below the loudest bin; both channels as one.
///
/// # Errors
/// See [`PictureError::Drawing`].
pub fn spectrogram(title: &str, spectrogram: &Spectrogram) -> Result<Picture, PictureError> {
    let height = 560;
    let plot = Plot::filling(height);
    let (format, hop_len) = (spectrogram.format, spectrogram.layout.hop_len());
    let frames = spectrogram.magnitudes.nrows();
    let loudest = spectrogram.magnitudes.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let bin_hz = format.sample_rate / format.window_len as f32;
    let bins = format.bins();
    Picture::draw(WIDTH, height, title, |area| {
        for (x, frames) in columns(&plot, frames) {
            let row = |bin: usize| {
                let magnitude =
                    |frame| (0..format.channels).map(move |c| spectrogram.magnitudes[[frame, c * bins + bin]]);
                frames.clone().flat_map(magnitude).fold(0.0, f32::max)
            };
            plot.column(area, x, |hz| heat(above_floor(over(&hz, bin_hz, bins, &row) / loudest)))?;
        }
        scale(area, plot.right(), heat)?;
        frequency_axis(area, &plot)?;
        time_axis(area, &plot, (frames * hop_len) as f32 / format.sample_rate)
    })
}

/// W: a strip of spectrum for each template under its component's name and in its colour, in dB below its own loudest bin.
/// `names` has a name per component. As wide as the names need.
///
/// # Errors
/// See [`PictureError::Drawing`].
pub fn templates(names: &[String], templates: &Templates) -> Result<Picture, PictureError> {
    let height = 620;
    let format = templates.format();
    let (bins, bin_hz) = (format.bins(), format.sample_rate / format.window_len as f32);
    let groups = groups(&shown(names), templates.owners());
    let (plot, right) = (Plot::filling(height), groups.last().map_or(LEFT, |group| group.x + group.width));
    let width = (right + RIGHT).max(WIDTH as i32) as u32;
    Picture::draw(width, height, "W: the templates of each component, each in dB below its loudest bin", |area| {
        for (component, group) in groups.iter().enumerate() {
            let (colour, middle) = (color(component), group.x + group.width / 2);
            let owned = templates.full().templates().zip(templates.owners()).filter(|(_, owner)| **owner == component);
            for (index, (template, _)) in owned.enumerate() {
                let row = |bin: usize| template.iter().skip(bin).step_by(bins).sum::<f32>();
                let loudest = (0..bins).map(row).fold(f32::MIN_POSITIVE, f32::max);
                let x = group.x + index as i32 * group.strip;
                for x in x..x + group.strip - 1 {
                    plot.column(area, x, |hz| tint(colour, above_floor(over(&hz, bin_hz, bins, &row) / loudest)))?;
                }
            }
            text(area, &group.name, (middle, TOP - 14), NAME_SIZE, colour, HPos::Center)?;
            line(area, [(group.x, plot.bottom() + 6), (group.x + group.width - 2, plot.bottom() + 6)], colour)?;
            text(area, &group.count(), (middle, plot.bottom() + 20), 13, FAINT, HPos::Center)?;
        }
        scale(area, width as i32 - RIGHT, |value| mixed(PANEL, TEXT, value * value))?;
        frequency_axis(area, &plot)
    })
}

/// Where the templates of one component stand in the picture of W.
struct Group {
    name: String,
    templates: usize,
    x: i32,
    width: i32,
    /// Width of a template.
    strip: i32,
}

impl Group {
    fn count(&self) -> String {
        if self.templates == 1 { "1 template".into() } else { format!("{} templates", self.templates) }
    }
}

fn groups(names: &[String], owners: &[usize]) -> Vec<Group> {
    const GAP: i32 = 18;
    let space = WIDTH as i32 - LEFT - RIGHT - GAP * (names.len() as i32 - 1);
    let strip = (space / owners.len().max(1) as i32).clamp(3, 48);
    let mut x = LEFT;
    let group = |(component, name): (usize, &String)| {
        let templates = owners.iter().filter(|&&owner| owner == component).count();
        let mut group = Group { name: name.clone(), templates, x, width: 0, strip };
        group.width = (templates as i32 * strip).max(text_width(name, NAME_SIZE)).max(text_width(&group.count(), 13));
        // Few templates under a long name fill its width.
        group.strip = (group.width / templates.max(1) as i32).clamp(strip, strip.max(48));
        group.width = group.width.max(1);
        x += group.width + GAP;
        group
    };
    names.iter().enumerate().map(group).collect()
}

/// H over time: a lane for each component, its level in dB below the loudest of all. `levels` has a row per frame, with a
/// value per component; `seconds` is their length; `mark` is drawn across all lanes.
///
/// # Errors
/// See [`PictureError::Drawing`].
pub fn activations(
    names: &[String],
    levels: &[Vec<f32>],
    seconds: f32,
    mark: Option<Mark<'_>>,
) -> Result<Picture, PictureError> {
    const LANE: i32 = 104;
    let height = (TOP + BOTTOM + LANE * names.len() as i32 - 10) as u32;
    let names = shown(names);
    let name_width = names.iter().map(|name| text_width(name, NAME_SIZE)).fold(LEFT - 20, i32::max);
    let left = name_width + 20;
    let whole = Plot { left, width: WIDTH as i32 - RIGHT - left, ..Plot::filling(height) };
    let loudest = levels.iter().flatten().copied().fold(f32::MIN_POSITIVE, f32::max);
    Picture::draw(WIDTH, height, "H: how strongly each component sounds, dB below the loudest", |area| {
        for (component, name) in names.iter().enumerate() {
            let lane = Plot { top: TOP + component as i32 * LANE, height: LANE - 10, ..whole };
            let colour = color(component);
            lane.back(area)?;
            let mut trace = Vec::new();
            for (x, frames) in columns(&lane, levels.len()) {
                let level = frames.map(|frame| levels[frame][component]).fold(0.0, f32::max);
                let y = lane.bottom() - (above_floor(level / loudest) * lane.height as f32) as i32;
                line(area, [(x, y), (x, lane.bottom())], mixed(PANEL, colour, 0.35))?;
                trace.push((x, y));
            }
            area.draw(&PathElement::new(trace, colour.stroke_width(2))).map_err(described)?;
            let middle = (lane.left - 8, lane.top + lane.height / 2);
            text(area, name, middle, NAME_SIZE, colour, HPos::Right)?;
            text(area, "0 dB", (lane.left - 8, lane.top + 5), 12, FAINT, HPos::Right)?;
            text(area, &format!("−{RANGE_DB} dB"), (lane.left - 8, lane.bottom() - 5), 12, FAINT, HPos::Right)?;
        }
        mark.map_or(Ok(()), |mark| mark.draw(area, &whole, seconds))?;
        time_axis(area, &whole, seconds)
    })
}

/// Each component's share of what sounds, stacked over time. Arguments as for [`activations`].
///
/// # Errors
/// See [`PictureError::Drawing`].
pub fn shares(
    names: &[String],
    levels: &[Vec<f32>],
    seconds: f32,
    mark: Option<Mark<'_>>,
) -> Result<Picture, PictureError> {
    let names = shown(names);
    let places = legend(&names);
    let lower = places.last().map_or(0, |(_, down)| *down);
    let height = 380 + lower as u32;
    let plot = Plot { top: TOP + lower, height: height as i32 - TOP - lower - BOTTOM, ..Plot::filling(height) };
    let silence = levels.iter().map(|frame| frame.iter().sum()).fold(0.0, f32::max) * 1e-4;
    Picture::draw(WIDTH, height, "Each component's share of the sound", |area| {
        plot.back(area)?;
        for (x, frames) in columns(&plot, levels.len()) {
            let level = |component: usize| frames.clone().map(|frame| levels[frame][component]).sum::<f32>();
            let total: f32 = (0..names.len()).map(level).sum();
            let mut below = 0.0;
            for component in (0..names.len()).filter(|_| total > silence * frames.len() as f32) {
                let y = |share: f32| plot.bottom() - (share * plot.height as f32).round() as i32;
                let above = below + level(component) / total;
                line(area, [(x, y(above)), (x, y(below))], color(component))?;
                below = above;
            }
        }
        for (component, (name, (right, down))) in names.iter().zip(&places).enumerate() {
            let (place, colour) = ((plot.left + right, TOP - 14 + down), color(component));
            text(area, name, place, NAME_SIZE, colour, HPos::Left)?;
        }
        for (share, label) in [(0.0, "0"), (0.5, "50 %"), (1.0, "100 %")] {
            let y = plot.bottom() - (share * plot.height as f32) as i32;
            text(area, label, (plot.left - 8, y), 13, FAINT, HPos::Right)?;
        }
        mark.map_or(Ok(()), |mark| mark.draw(area, &plot, seconds))?;
        time_axis(area, &plot, seconds)
    })
}

/// The loss after each iteration, on a logarithmic scale: `losses` as in [`crate::learn::Factorization`].
///
/// # Errors
/// See [`PictureError::Drawing`].
pub fn losses(title: &str, losses: &[(usize, f64)]) -> Result<Picture, PictureError> {
    let height = 480;
    let plot = Plot { left: LEFT + 34, width: WIDTH as i32 - LEFT - RIGHT - 34, ..Plot::filling(height) };
    let values: Vec<f64> = losses.iter().map(|(_, loss)| loss.max(f64::MIN_POSITIVE).log10()).collect();
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    let (low, high) = (low - 0.05, high.max(low + 0.1) + 0.05);
    let y = |value: f64| plot.bottom() - ((value - low) / (high - low) * f64::from(plot.height)) as i32;
    let last = losses.last().map_or(1, |(done, _)| *done).max(1);
    let x = |done: usize| plot.left + (done as i64 * i64::from(plot.width) / last as i64) as i32;
    Picture::draw(WIDTH, height, title, |area| {
        plot.back(area)?;
        for value in round_values(low, high) {
            let height = y(value.log10());
            line(area, [(plot.left, height), (plot.right(), height)], GRID)?;
            text(area, &format!("{value:e}"), (plot.left - 8, height), 13, FAINT, HPos::Right)?;
        }
        for step in 0..=4 {
            let done = last * step as usize / 4;
            text(area, &done.to_string(), (x(done), plot.bottom() + 16), 13, FAINT, HPos::Center)?;
        }
        let trace: Vec<(i32, i32)> = losses.iter().zip(&values).map(|((done, _), &v)| (x(*done), y(v))).collect();
        area.draw(&PathElement::new(trace, color(0).stroke_width(2))).map_err(described)?;
        text(area, "updates", (plot.right(), plot.bottom() + 36), 13, FAINT, HPos::Right)
    })
}

/// 1, 2 and 5 times powers of ten, between two powers of ten; powers of ten alone where there are many.
fn round_values(low: f64, high: f64) -> Vec<f64> {
    let factors: &[u32] = if high - low > 3.0 { &[1] } else { &[1, 2, 5] };
    let (first, last) = (low.floor() as i32, high.ceil().min(low + 40.0) as i32);
    // Parsed, as ten to a power is not always the nearest number to its name.
    let value = |(exponent, factor): (i32, &u32)| format!("{factor}e{exponent}").parse().unwrap_or(f64::NAN);
    let values = (first..=last).flat_map(|exponent| factors.iter().map(move |factor| (exponent, factor))).map(value);
    values.filter(|value: &f64| (low..=high).contains(&value.log10())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_drawn_with_the_shipped_font() {
        let picture = Picture::draw(300, 60, "WH", |_| Ok(())).unwrap();
        let bright = picture.rgb.chunks_exact(3).filter(|pixel| pixel[0] > 0xa0).count();
        assert!((20..2000).contains(&bright), "{bright} bright pixels");
    }

    #[test]
    fn pictures_of_nothing_and_of_many_components_can_be_drawn() {
        let names: Vec<String> = (0..16).map(|n| format!("component {n}")).collect();
        activations(&names, &[], 0.0, None).unwrap();
        shares(&names, &vec![vec![0.0; 16]; 3], 0.1, None).unwrap();
        losses("none", &[]).unwrap();
        losses("all", &[(0, 1e9), (1, 1e-9), (2, 0.0)]).unwrap();
    }

    #[test]
    fn every_component_of_w_is_as_wide_as_its_name_and_its_templates() {
        let names: Vec<String> = (0..16).map(|n| format!("a rather long name {n}")).collect();
        let owners: Vec<usize> = (0..256).map(|n| (n / 16) % 16).collect();
        for owners in [&owners[..], &owners[..20], &[0, 1]] {
            let groups = groups(&shown(&names), owners);
            assert!(groups.iter().all(|group| group.width >= text_width(&group.name, NAME_SIZE)));
            assert!(groups.iter().all(|group| group.width >= group.templates as i32 * group.strip));
            assert!(groups.windows(2).all(|pair| pair[1].x > pair[0].x + pair[0].width));
        }
    }

    #[test]
    fn the_loss_axis_has_round_values_inside_its_ends() {
        assert_eq!(round_values(4.9, 6.1), [1e5, 2e5, 5e5, 1e6]);
        assert_eq!(round_values(-2.5, 1.5), [1e-2, 1e-1, 1.0, 10.0]);
    }
}
