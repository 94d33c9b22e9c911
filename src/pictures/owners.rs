//! The picture of who owns the sound: one spectrogram, several times, each time coloured by other owners.

use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;

use super::plot::*;
use super::{Mark, Picture, PictureError, color};
use crate::learn::Spectrogram;

/// The spectrogram once, in the colours of those who own it.
pub struct Panel {
    /// What it shows.
    pub title: String,
    /// What each part holds, all of the same format and length as the whole; none where nobody is known to own anything.
    pub parts: Vec<Spectrogram>,
}

const PANEL_HEIGHT: i32 = 208;
/// Above a panel, for its title.
const PANEL_TITLE: i32 = 34;
/// Above all panels, for the title and the legend.
const HEAD: i32 = 54;
/// The side of the square beside a name in the legend.
const SWATCH: i32 = 12;
/// What is drawn black lies this far below the loudest: less than elsewhere, so that faint colours do not hide the strong.
const PANEL_RANGE_DB: f32 = 60.0;

/// The spectrogram `whole` in each of the panels: as bright as it is loud, in the colours of those whose `parts` it is made of.
/// `names` has a name per part.
///
/// # Errors
/// See [`PictureError::Drawing`].
pub fn owners(
    title: &str,
    names: &[String],
    (whole, panels): (&Spectrogram, &[Panel]),
    mark: Mark<'_>,
) -> Result<Picture, PictureError> {
    let names = shown(names);
    let height = HEAD + (PANEL_TITLE + PANEL_HEIGHT) * panels.len() as i32 + BOTTOM;
    let seconds = (whole.magnitudes.nrows() * whole.layout.hop_len()) as f32 / whole.format.sample_rate;
    let levels = Levels::of(whole);
    let plot = |index: usize| Plot {
        top: HEAD + PANEL_TITLE + (PANEL_TITLE + PANEL_HEIGHT) * index as i32,
        height: PANEL_HEIGHT,
        ..Plot::filling(height as u32)
    };
    Picture::draw(WIDTH, height as u32, title, |area| {
        draw_legend(area, &names)?;
        for (index, panel) in panels.iter().enumerate() {
            let plot = plot(index);
            text(area, &panel.title, (plot.left, plot.top - MARK_ABOVE), NAME_SIZE, TEXT, HPos::Left)?;
            draw_panel(area, &plot, &levels, panel)?;
            frequency_axis(area, &plot)?;
            mark.draw(area, &plot, seconds)?;
        }
        if let Some(last) = panels.len().checked_sub(1) {
            time_axis(area, &plot(last), seconds)?;
        }
        let note = format!("Colour: the part. Brightness: its level, from −{PANEL_RANGE_DB} to 0 dB.");
        text(area, &note, (WIDTH as i32 - RIGHT, height - 14), 13, FAINT, HPos::Right)
    })
}

fn draw_panel(area: &Area<'_>, plot: &Plot, whole: &Levels, panel: &Panel) -> Drawn {
    let parts: Vec<Levels> = panel.parts.iter().map(Levels::of).collect();
    for (x, frames) in columns(plot, whole.frames()) {
        let column = whole.column(frames.clone());
        let owned: Vec<Vec<f32>> = parts.iter().map(|part| part.column(frames.clone())).collect();
        plot.column(area, x, |hz| {
            let level = |column: &Vec<f32>| over(&hz, whole.bin_hz, column.len(), &|bin| column[bin]);
            let loudness = 1.0 + 20.0 * (level(&column) / whole.loudest).max(1e-9).log10() / PANEL_RANGE_DB;
            let shares: Vec<f32> = owned.iter().map(|column| level(column).powi(2)).collect();
            tint(blend(&shares), loudness.clamp(0.0, 1.0))
        })?;
    }
    Ok(())
}

/// The colours of the parts, by their shares of the power; grey where there are none.
fn blend(shares: &[f32]) -> RGBColor {
    let total: f32 = shares.iter().sum();
    let mut sum = [0.0; 3];
    for (part, share) in shares.iter().enumerate().filter(|_| total > 0.0) {
        let RGBColor(red, green, blue) = color(part);
        sum.iter_mut().zip([red, green, blue]).for_each(|(sum, value)| *sum += f32::from(value) * share / total);
    }
    let [red, green, blue] = if total > 0.0 { sum.map(|value| value.round() as u8) } else { [0xa0; 3] };
    RGBColor(red, green, blue)
}

/// Names with squares of their colours, from the right end of the title's line.
fn draw_legend(area: &Area<'_>, names: &[String]) -> Drawn {
    let mut right = WIDTH as i32 - RIGHT;
    for (part, name) in names.iter().enumerate().rev() {
        text(area, name, (right, 26), NAME_SIZE, color(part), HPos::Right)?;
        let left = right - text_width(name, NAME_SIZE) - 8 - SWATCH;
        let square = Plot { left, top: 26 - SWATCH / 2, width: SWATCH, height: SWATCH };
        (0..SWATCH).try_for_each(|x| square.column(area, square.left + x, |_| color(part)))?;
        right = left - 24;
    }
    Ok(())
}

/// A spectrogram with its channels as one.
struct Levels {
    /// Frame after frame, the power of all channels in each bin, as an amplitude.
    frames: Vec<Vec<f32>>,
    loudest: f32,
    bin_hz: f32,
}

impl Levels {
    fn of(spectrogram: &Spectrogram) -> Self {
        let (format, bins) = (spectrogram.format, spectrogram.format.bins());
        let frame = |row: ndarray::ArrayView1<'_, f32>| -> Vec<f32> {
            let power = |bin: usize| (0..format.channels).map(|channel| row[channel * bins + bin].powi(2)).sum::<f32>();
            (0..bins).map(|bin| power(bin).sqrt()).collect()
        };
        let frames: Vec<Vec<f32>> = spectrogram.magnitudes.rows().into_iter().map(frame).collect();
        let loudest = frames.iter().flatten().copied().fold(f32::MIN_POSITIVE, f32::max);
        Self { frames, loudest, bin_hz: format.sample_rate / format.window_len as f32 }
    }

    fn frames(&self) -> usize {
        self.frames.len()
    }

    /// The loudest of each bin over some frames.
    fn column(&self, frames: std::ops::Range<usize>) -> Vec<f32> {
        let mut column = self.frames[frames.start].clone();
        for frame in &self.frames[frames.start + 1..frames.end] {
            column.iter_mut().zip(frame).for_each(|(level, x)| *level = level.max(*x));
        }
        column
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::{Format, StftLayout};

    /// 40 frames of a tone in `bin`, silent in the frames that `sounds` leaves out.
    fn tone(bin: usize, sounds: impl Fn(usize) -> bool) -> Spectrogram {
        let layout = StftLayout::new(256, 64).unwrap();
        let format = Format::new(48_000.0, layout, 1);
        let level = |(frame, row): (usize, usize)| if row == bin && sounds(frame) { 1.0 } else { 0.0 };
        Spectrogram { magnitudes: ndarray::Array2::from_shape_fn((40, format.rows()), level), format, layout }
    }

    #[test]
    fn every_part_is_drawn_in_its_colour_where_it_sounds_and_grey_before_anybody_owns_it() {
        // The first half is one part's, the second the other's.
        let (first, second) = (tone(20, |frame| frame < 20), tone(20, |frame| frame >= 20));
        let panels = [
            Panel { title: "before".into(), parts: Vec::new() },
            Panel { title: "after".into(), parts: vec![first, second] },
        ];
        let mark = Mark { seconds: 0.03, before: "heard", after: "not heard" };
        let names = ["a".to_owned(), "b".to_owned()];
        let picture = owners("who", &names, (&tone(20, |_| true), &panels), mark).unwrap();
        // The brightest pixel of a column: where the tone is.
        let pixel = |panel: i32, x: i32| {
            let bottom = HEAD + (PANEL_TITLE + PANEL_HEIGHT) * (panel + 1);
            let at = |y: i32| 3 * (y * WIDTH as i32 + x) as usize;
            let colours = (bottom - PANEL_HEIGHT..bottom).map(|y| &picture.rgb[at(y)..at(y) + 3]);
            let brightest = colours.max_by_key(|rgb| rgb.iter().map(|&value| u32::from(value)).sum::<u32>()).unwrap();
            RGBColor(brightest[0], brightest[1], brightest[2])
        };
        let (left, right) = (LEFT + 100, WIDTH as i32 - RIGHT - 100);
        let RGBColor(red, green, blue) = pixel(0, left);
        assert!(red > 0xa0 && red.abs_diff(green) < 16 && red.abs_diff(blue) < 24, "{red} {green} {blue}");
        assert_eq!(pixel(1, left), tint(color(0), 1.0));
        assert_eq!(pixel(1, right), tint(color(1), 1.0));
    }
}
