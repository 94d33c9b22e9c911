//! Pictures of what is learned and heard: a spectrogram, W, H over time, shares over time, a loss curve. PNG files with
//! text in a shipped font, so that they look the same everywhere. Only at the rim.

use std::fs::File;
use std::io::{self, BufWriter};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Once;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};
use thiserror::Error;

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
const BACKGROUND: RGBColor = RGBColor(0x0e, 0x10, 0x14);
const PANEL: RGBColor = RGBColor(0x15, 0x18, 0x1e);
const GRID: RGBColor = RGBColor(0x2a, 0x2f, 0x38);
const TEXT: RGBColor = RGBColor(0xd6, 0xdb, 0xe3);
const FAINT: RGBColor = RGBColor(0x8a, 0x93, 0xa0);
/// From silence to the loudest bin.
const HEAT: [RGBColor; 5] = [
    BACKGROUND,
    RGBColor(0x3b, 0x1f, 0x6b),
    RGBColor(0xa8, 0x32, 0x6e),
    RGBColor(0xf2, 0x8c, 0x28),
    RGBColor(0xff, 0xf3, 0xc9),
];
/// What is drawn black lies this far below the loudest.
const RANGE_DB: f32 = 70.0;
/// The frequency axis, in hertz.
const LOWEST_HZ: f32 = 40.0;
const HIGHEST_HZ: f32 = 16_000.0;
/// Where it has lines and labels.
const TICKS_HZ: [(f32, &str); 9] = [
    (50.0, "50 Hz"),
    (100.0, "100"),
    (200.0, "200"),
    (500.0, "500"),
    (1000.0, "1 kHz"),
    (2000.0, "2"),
    (5000.0, "5"),
    (10_000.0, "10"),
    (16_000.0, "16"),
];
const WIDTH: u32 = 1280;
const LEFT: i32 = 76;
const RIGHT: i32 = 28;
const TOP: i32 = 64;
const BOTTOM: i32 = 52;

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

type Area<'a> = DrawingArea<BitMapBackend<'a>, plotters::coord::Shift>;

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
            let _ = register_font("sans", FontStyle::Normal, include_bytes!("../assets/fonts/DejaVuSans.ttf"));
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

type Drawn = Result<(), String>;

fn described(error: impl std::fmt::Display) -> String {
    error.to_string()
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
            text(area, name, (lane.left + 10, lane.top + 14), 15, colour, HPos::Left)?;
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

/// A rectangle of pixels that something is drawn in.
#[derive(Clone, Copy)]
struct Plot {
    left: i32,
    top: i32,
    width: i32,
    height: i32,
}

impl Plot {
    /// All of a picture within its margins.
    fn filling(height: u32) -> Self {
        Self { left: LEFT, top: TOP, width: WIDTH as i32 - LEFT - RIGHT, height: height as i32 - TOP - BOTTOM }
    }

    fn right(self) -> i32 {
        self.left + self.width
    }

    fn bottom(self) -> i32 {
        self.top + self.height
    }

    fn back(self, area: &Area<'_>) -> Drawn {
        let corners = [(self.left, self.top), (self.right(), self.bottom())];
        area.draw(&Rectangle::new(corners, PANEL.filled())).map_err(described)
    }

    /// Frequency at a height above the bottom, in pixels.
    fn hz(self, above: i32) -> f32 {
        LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ).powf(above as f32 / self.height as f32)
    }

    /// Draws one column of pixels, each coloured by the frequencies that it covers.
    fn column(self, area: &Area<'_>, x: i32, colour: impl Fn(Range<f32>) -> RGBColor) -> Drawn {
        (0..self.height).try_for_each(|above| {
            let colour = colour(self.hz(above)..self.hz(above + 1));
            area.draw_pixel((x, self.bottom() - 1 - above), &colour).map_err(described)
        })
    }
}

/// Each pixel column of a plot, and the frames it shows: at least one.
fn columns(plot: &Plot, frames: usize) -> impl Iterator<Item = (i32, Range<usize>)> {
    let (left, width) = (plot.left, plot.width as usize);
    (0..if frames == 0 { 0 } else { width }).map(move |x| {
        let start = x * frames / width;
        (left + x as i32, start..((x + 1) * frames / width).max(start + 1))
    })
}

/// The loudest bin in a range of hertz; between bins, where it covers none, the line through them.
fn over(hz: &Range<f32>, bin_hz: f32, bins: usize, value: &dyn Fn(usize) -> f32) -> f32 {
    let (low, high) = (hz.start / bin_hz, hz.end / bin_hz);
    let (first, last) = (low.ceil() as usize, high.floor() as usize);
    if high >= (bins - 1) as f32 {
        return 0.0;
    }
    if first <= last {
        return (first..=last).map(value).fold(0.0, f32::max);
    }
    let below = low.floor();
    let share = low - below;
    // A line in decibels, as that is what is drawn.
    let level = |bin: usize| value(bin).max(1e-12);
    level(below as usize).powf(1.0 - share) * level(below as usize + 1).powf(share)
}

/// 0 at [`RANGE_DB`] below one, 1 at one.
fn above_floor(ratio: f32) -> f32 {
    (1.0 + 20.0 * ratio.max(1e-9).log10() / RANGE_DB).clamp(0.0, 1.0)
}

fn heat(value: f32) -> RGBColor {
    let position = value * (HEAT.len() - 1) as f32;
    let below = (position as usize).min(HEAT.len() - 2);
    mixed(HEAT[below], HEAT[below + 1], position - below as f32)
}

/// From the panel over the colour to near white.
fn tint(colour: RGBColor, value: f32) -> RGBColor {
    let bright = RGBColor(0xff, 0xf8, 0xee);
    if value < 0.8 { mixed(PANEL, colour, value / 0.8) } else { mixed(colour, bright, (value - 0.8) * 3.0) }
}

fn mixed(from: RGBColor, to: RGBColor, share: f32) -> RGBColor {
    let mix = |from: u8, to: u8| (f32::from(from) + (f32::from(to) - f32::from(from)) * share).round() as u8;
    RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

fn frequency_axis(area: &Area<'_>, plot: &Plot) -> Drawn {
    for (hz, label) in TICKS_HZ {
        let share = (hz / LOWEST_HZ).ln() / (HIGHEST_HZ / LOWEST_HZ).ln();
        let y = plot.bottom() - (share * plot.height as f32) as i32;
        line(area, [(plot.left - 5, y), (plot.left - 1, y)], FAINT)?;
        text(area, label, (plot.left - 10, y), 13, FAINT, HPos::Right)?;
    }
    Ok(())
}

fn time_axis(area: &Area<'_>, plot: &Plot, seconds: f32) -> Drawn {
    let step = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0].into_iter().find(|step| seconds / step <= 14.0);
    let step = step.unwrap_or(seconds.max(1.0));
    for tick in 0..=(seconds / step) as i32 {
        let time = tick as f32 * step;
        let x = plot.left + (time / seconds * plot.width as f32) as i32;
        line(area, [(x, plot.bottom() + 1), (x, plot.bottom() + 5)], FAINT)?;
        let unit = if tick == 0 { " s" } else { "" };
        let label = if step < 1.0 { format!("{time:.1}{unit}") } else { format!("{time}{unit}") };
        text(area, &label, (x, plot.bottom() + 18), 13, FAINT, HPos::Center)?;
    }
    Ok(())
}

fn line(area: &Area<'_>, ends: [(i32, i32); 2], colour: RGBColor) -> Drawn {
    area.draw(&PathElement::new(ends.to_vec(), colour)).map_err(described)
}

fn text(area: &Area<'_>, words: &str, at: (i32, i32), size: u32, colour: RGBColor, side: HPos) -> Drawn {
    let style = ("sans", size).into_font().color(&colour).pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(words.to_owned(), at, style)).map_err(described)
}

fn text_width(area: &Area<'_>, words: &str, size: u32) -> Result<i32, String> {
    let style = ("sans", size).into_text_style(area);
    area.estimate_text_size(words, &style).map(|(width, _)| width as i32).map_err(described)
}

/// A name cut to about `width` pixels: letters are about 0.62 of their size wide.
fn fitting(name: &str, width: i32, size: i32) -> String {
    let letters = (width as f32 / (size as f32 * 0.62)).max(1.0) as usize;
    if name.chars().count() <= letters { name.to_owned() } else { name.chars().take(letters).collect() }
}
