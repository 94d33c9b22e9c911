//! Pictures of what is learned and heard: a spectrogram, W, H over time, shares over time, a loss curve. PNG files with
//! text in a shipped font, so that they look the same everywhere. Only at the rim.

mod plot;

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Once;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use plotters::style::{FontStyle, register_font};
use thiserror::Error;

use plot::*;

use crate::dsp::Templates;
use crate::learn::Spectrogram;
use crate::whole_file::write_whole;

/// Component colours, in mixing order; they repeat.
pub const COLOURS: [RGBColor; 8] = [
    RGBColor(0xf2, 0x8c, 0x28),
    RGBColor(0x56, 0xbe, 0xff),
    RGBColor(0xbe, 0x78, 0xff),
    RGBColor(0x50, 0xdc, 0x96),
    RGBColor(0xe8, 0xd4, 0x4d),
    RGBColor(0xff, 0x6f, 0x91),
    RGBColor(0x7f, 0xa6, 0xff),
    RGBColor(0xa7, 0xb0, 0xbe),
];
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
        static FONT: Once = Once::new();
        FONT.call_once(|| {
            // A font that does not parse shows as the drawing error of the first text.
            let _ = register_font("sans", FontStyle::Normal, include_bytes!("../../assets/fonts/DejaVuSans.ttf"));
        });
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
        frequency_axis(area, &plot)?;
        time_axis(area, &plot, (frames * hop_len) as f32 / format.sample_rate)
    })
}

/// W: a strip of spectrum for each template, in its component's colour, in dB below its own loudest bin.
///
/// # Errors
/// See [`PictureError::Drawing`].
pub fn templates(templates: &Templates) -> Result<Picture, PictureError> {
    const GAP: i32 = 14;
    let height = 620;
    let (format, names) = (templates.format(), templates.components());
    let (bins, bin_hz) = (format.bins(), format.sample_rate / format.window_len as f32);
    let gaps = GAP * (names.len() as i32 - 1);
    let strip = ((WIDTH as i32 - LEFT - RIGHT - gaps) / templates.owners().len() as i32).clamp(3, 48);
    let plot = Plot::filling(height);
    Picture::draw(WIDTH, height, "W: the templates of each component, dB below each template's loudest bin", |area| {
        let mut x = plot.left;
        for (component, name) in names.iter().enumerate() {
            let colour = COLOURS[component % COLOURS.len()];
            let owned = templates.full().templates().zip(templates.owners()).filter(|(_, owner)| **owner == component);
            let start = x;
            for (template, _) in owned {
                let row = |bin: usize| template.iter().skip(bin).step_by(bins).sum::<f32>();
                let loudest = (0..bins).map(row).fold(f32::MIN_POSITIVE, f32::max);
                for x in x..x + strip - 1 {
                    plot.column(area, x, |hz| tint(colour, above_floor(over(&hz, bin_hz, bins, &row) / loudest)))?;
                }
                x += strip;
            }
            text(area, &fitting(name, x - start, 15), ((start + x) / 2, TOP - 14), 15, colour, HPos::Center)?;
            line(area, [(start, plot.bottom() + 6), (x - 2, plot.bottom() + 6)], colour)?;
            let count = format!("{}", (x - start) / strip);
            text(area, &count, ((start + x) / 2, plot.bottom() + 20), 13, FAINT, HPos::Center)?;
            x += GAP;
        }
        frequency_axis(area, &Plot { width: x - GAP - plot.left, ..plot })
    })
}

/// H over time: a lane for each component, its level in dB below the loudest of all. `levels` has a row per frame, with a
/// value per component; `seconds` is their length.
///
/// # Errors
/// See [`PictureError::Drawing`].
pub fn activations(names: &[String], levels: &[Vec<f32>], seconds: f32) -> Result<Picture, PictureError> {
    const LANE: i32 = 104;
    let height = (TOP + BOTTOM + LANE * names.len() as i32) as u32;
    let loudest = levels.iter().flatten().copied().fold(f32::MIN_POSITIVE, f32::max);
    Picture::draw(WIDTH, height, "H: how strongly each component sounds, dB below the loudest", |area| {
        for (component, name) in names.iter().enumerate() {
            let lane = Plot { top: TOP + component as i32 * LANE, height: LANE - 10, ..Plot::filling(height) };
            let colour = COLOURS[component % COLOURS.len()];
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
            text(area, &fitting(name, LEFT - 12, 15), middle, 15, colour, HPos::Right)?;
            text(area, "0", (lane.left - 8, lane.top + 4), 12, FAINT, HPos::Right)?;
            text(area, "−70 dB", (lane.left - 8, lane.bottom() - 5), 12, FAINT, HPos::Right)?;
        }
        time_axis(area, &Plot { height: height as i32 - TOP - BOTTOM - 10, ..Plot::filling(height) }, seconds)
    })
}

/// Each component's share of what sounds, stacked over time. Arguments as for [`activations`].
///
/// # Errors
/// See [`PictureError::Drawing`].
pub fn shares(names: &[String], levels: &[Vec<f32>], seconds: f32) -> Result<Picture, PictureError> {
    let height = 380;
    let plot = Plot::filling(height);
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
                line(area, [(x, y(above)), (x, y(below))], COLOURS[component % COLOURS.len()])?;
                below = above;
            }
        }
        let mut right = plot.right();
        for (component, name) in names.iter().enumerate().rev() {
            text(area, name, (right, TOP - 16), 15, COLOURS[component % COLOURS.len()], HPos::Right)?;
            right -= text_width(area, name, 15)? + 18;
        }
        for (share, label) in [(0.0, "0"), (0.5, "50 %"), (1.0, "100 %")] {
            let y = plot.bottom() - (share * plot.height as f32) as i32;
            text(area, label, (plot.left - 8, y), 13, FAINT, HPos::Right)?;
        }
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
        for step in 0..=4 {
            let value = low + (high - low) * f64::from(step) / 4.0;
            line(area, [(plot.left, y(value)), (plot.right(), y(value))], GRID)?;
            text(area, &format!("{:.3e}", 10f64.powf(value)), (plot.left - 8, y(value)), 13, FAINT, HPos::Right)?;
            let done = last * step as usize / 4;
            text(area, &done.to_string(), (x(done), plot.bottom() + 16), 13, FAINT, HPos::Center)?;
        }
        let trace: Vec<(i32, i32)> = losses.iter().zip(&values).map(|((done, _), &v)| (x(*done), y(v))).collect();
        area.draw(&PathElement::new(trace, COLOURS[0].stroke_width(2))).map_err(described)?;
        text(area, "updates", (plot.right(), plot.bottom() + 36), 13, FAINT, HPos::Right)
    })
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
        activations(&names, &[], 0.0).unwrap();
        shares(&names, &vec![vec![0.0; 16]; 3], 0.1).unwrap();
        losses("none", &[]).unwrap();
    }
}
