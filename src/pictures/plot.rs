//! What every picture is drawn with: colours, axes, lines and text, in pixels.

use std::ops::Range;
use std::sync::Once;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, register_font};

pub(super) type Area<'a> = DrawingArea<BitMapBackend<'a>, plotters::coord::Shift>;
pub(super) type Drawn = Result<(), String>;

pub(super) fn described(error: impl std::fmt::Display) -> String {
    error.to_string()
}

pub(super) const BACKGROUND: RGBColor = RGBColor(0x0e, 0x10, 0x14);
pub(super) const PANEL: RGBColor = RGBColor(0x15, 0x18, 0x1e);
pub(super) const GRID: RGBColor = RGBColor(0x2a, 0x2f, 0x38);
pub(super) const TEXT: RGBColor = RGBColor(0xd6, 0xdb, 0xe3);
pub(super) const FAINT: RGBColor = RGBColor(0x8a, 0x93, 0xa0);
/// From silence to the loudest bin.
pub(super) const HEAT: [RGBColor; 5] = [
    BACKGROUND,
    RGBColor(0x3b, 0x1f, 0x6b),
    RGBColor(0xa8, 0x32, 0x6e),
    RGBColor(0xf2, 0x8c, 0x28),
    RGBColor(0xff, 0xf3, 0xc9),
];
/// What is drawn black lies this far below the loudest.
pub(super) const RANGE_DB: f32 = 70.0;
/// The frequency axis, in hertz.
pub(super) const LOWEST_HZ: f32 = 40.0;
pub(super) const HIGHEST_HZ: f32 = 16_000.0;
/// Where it has lines and labels.
pub(super) const TICKS_HZ: [(f32, &str); 9] = [
    (50.0, "50 Hz"),
    (100.0, "100 Hz"),
    (200.0, "200 Hz"),
    (500.0, "500 Hz"),
    (1000.0, "1 kHz"),
    (2000.0, "2 kHz"),
    (5000.0, "5 kHz"),
    (10_000.0, "10 kHz"),
    (16_000.0, "16 kHz"),
];
/// Of component names, in pixels.
pub(super) const NAME_SIZE: u32 = 15;
/// Longer names are cut.
pub(super) const LONGEST_NAME: i32 = 220;
/// From one row of names to the next.
pub(super) const LEGEND_ROW: i32 = 22;
pub(super) const WIDTH: u32 = 1280;
pub(super) const LEFT: i32 = 76;
pub(super) const RIGHT: i32 = 28;
pub(super) const TOP: i32 = 64;
pub(super) const BOTTOM: i32 = 52;

/// What is written beside a mark stands this far above the plot.
pub(super) const MARK_ABOVE: i32 = 13;

/// A vertical line at a time, with words for what is before it and what is after it.
#[derive(Clone, Copy, Debug)]
pub struct Mark<'a> {
    /// Where it is.
    pub seconds: f32,
    /// Written on its left.
    pub before: &'a str,
    /// Written on its right.
    pub after: &'a str,
}

impl Mark<'_> {
    /// Draws it into a plot that shows so many seconds.
    pub(super) fn draw(self, area: &Area<'_>, plot: &Plot, seconds: f32) -> Drawn {
        let (x, y) = (plot.left + (self.seconds / seconds * plot.width as f32) as i32, plot.top - MARK_ABOVE);
        line(area, [(x, plot.top), (x, plot.bottom())], TEXT)?;
        text(area, self.before, (x - 8, y), 13, FAINT, HPos::Right)?;
        text(area, self.after, (x + 8, y), 13, FAINT, HPos::Left)
    }
}

/// A rectangle of pixels that something is drawn in.
#[derive(Clone, Copy)]
pub(super) struct Plot {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

impl Plot {
    /// All of a picture within its margins.
    pub(super) fn filling(height: u32) -> Self {
        Self { left: LEFT, top: TOP, width: WIDTH as i32 - LEFT - RIGHT, height: height as i32 - TOP - BOTTOM }
    }

    pub(super) fn right(self) -> i32 {
        self.left + self.width
    }

    pub(super) fn bottom(self) -> i32 {
        self.top + self.height
    }

    pub(super) fn back(self, area: &Area<'_>) -> Drawn {
        let corners = [(self.left, self.top), (self.right(), self.bottom())];
        area.draw(&Rectangle::new(corners, PANEL.filled())).map_err(described)
    }

    /// Frequency at a height above the bottom, in pixels.
    pub(super) fn hz(self, above: i32) -> f32 {
        LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ).powf(above as f32 / self.height as f32)
    }

    /// Draws one column of pixels, each coloured by the frequencies that it covers.
    pub(super) fn column(self, area: &Area<'_>, x: i32, colour: impl Fn(Range<f32>) -> RGBColor) -> Drawn {
        (0..self.height).try_for_each(|above| {
            let colour = colour(self.hz(above)..self.hz(above + 1));
            area.draw_pixel((x, self.bottom() - 1 - above), &colour).map_err(described)
        })
    }
}

/// Each pixel column of a plot, and the frames it shows: at least one.
pub(super) fn columns(plot: &Plot, frames: usize) -> impl Iterator<Item = (i32, Range<usize>)> {
    let (left, width) = (plot.left, plot.width as usize);
    (0..if frames == 0 { 0 } else { width }).map(move |x| {
        let start = x * frames / width;
        (left + x as i32, start..((x + 1) * frames / width).max(start + 1))
    })
}

/// The loudest bin in a range of hertz; between bins, where it covers none, the line through them.
pub(super) fn over(hz: &Range<f32>, bin_hz: f32, bins: usize, value: &dyn Fn(usize) -> f32) -> f32 {
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
pub(super) fn above_floor(ratio: f32) -> f32 {
    (1.0 + 20.0 * ratio.max(1e-9).log10() / RANGE_DB).clamp(0.0, 1.0)
}

pub(super) fn heat(value: f32) -> RGBColor {
    let position = value * (HEAT.len() - 1) as f32;
    let below = (position as usize).min(HEAT.len() - 2);
    mixed(HEAT[below], HEAT[below + 1], position - below as f32)
}

/// From the panel over the colour to near white. Squared, so that only what is loud is bright.
pub(super) fn tint(colour: RGBColor, value: f32) -> RGBColor {
    let bright = RGBColor(0xff, 0xf8, 0xee);
    let value = value * value;
    if value < 0.7 { mixed(PANEL, colour, value / 0.7) } else { mixed(colour, bright, (value - 0.7) * 2.0) }
}

pub(super) fn mixed(from: RGBColor, to: RGBColor, share: f32) -> RGBColor {
    let mix = |from: u8, to: u8| (f32::from(from) + (f32::from(to) - f32::from(from)) * share).round() as u8;
    RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

pub(super) fn frequency_axis(area: &Area<'_>, plot: &Plot) -> Drawn {
    for (hz, label) in TICKS_HZ {
        let share = (hz / LOWEST_HZ).ln() / (HIGHEST_HZ / LOWEST_HZ).ln();
        let y = plot.bottom() - (share * plot.height as f32) as i32;
        line(area, [(plot.left - 5, y), (plot.left - 1, y)], FAINT)?;
        text(area, label, (plot.left - 10, y), 13, FAINT, HPos::Right)?;
    }
    Ok(())
}

pub(super) fn time_axis(area: &Area<'_>, plot: &Plot, seconds: f32) -> Drawn {
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

pub(super) fn line(area: &Area<'_>, ends: [(i32, i32); 2], colour: RGBColor) -> Drawn {
    area.draw(&PathElement::new(ends.to_vec(), colour)).map_err(described)
}

pub(super) fn text(area: &Area<'_>, words: &str, at: (i32, i32), size: u32, colour: RGBColor, side: HPos) -> Drawn {
    let style = ("sans", size).into_font().color(&colour).pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(words.to_owned(), at, style)).map_err(described)
}

pub(super) fn text_width(words: &str, size: u32) -> i32 {
    // A font that cannot be measured cannot be drawn either, which the drawing says.
    ("sans", size).into_font().box_size(words).map_or(0, |(width, _)| width as i32)
}

/// Makes the shipped font known as “sans”.
pub(super) fn register() {
    static FONT: Once = Once::new();
    FONT.call_once(|| {
        // A font that does not parse shows as the drawing error of the first text.
        let _ = register_font("sans", FontStyle::Normal, include_bytes!("../../assets/fonts/DejaVuSans.ttf"));
    });
}

/// Component names as they are drawn: whole, unless they would fill the picture.
pub(super) fn shown(names: &[String]) -> Vec<String> {
    register();
    let fits = |name: &str| text_width(name, NAME_SIZE) <= LONGEST_NAME;
    let shown = |name: &String| {
        let mut start = name.clone();
        while !fits(&start) && start.pop().is_some() {}
        if start == *name { start } else { start + "…" }
    };
    names.iter().map(shown).collect()
}

/// Coloured names in as many rows as they need: how far right and down of the legend's corner each stands.
pub(super) fn legend(names: &[String]) -> Vec<(i32, i32)> {
    const GAP: i32 = 20;
    let width = WIDTH as i32 - LEFT - RIGHT;
    let (mut right, mut down) = (0, 0);
    let place = |name: &String| {
        let name_width = text_width(name, NAME_SIZE);
        if right > 0 && right + name_width > width {
            (right, down) = (0, down + LEGEND_ROW);
        }
        let place = (right, down);
        right += name_width + GAP;
        place
    };
    names.iter().map(place).collect()
}

/// A strip from the floor to the loudest, above the right end of a plot, with its labels.
pub(super) fn scale(area: &Area<'_>, right: i32, colour: impl Fn(f32) -> RGBColor) -> Drawn {
    const LEN: i32 = 140;
    let (loudest, y) = ("0 dB", TOP - 38);
    let end = right - text_width(loudest, 13) - 8;
    text(area, loudest, (right, y), 13, FAINT, HPos::Right)?;
    for x in 0..LEN {
        line(area, [(end - LEN + x, y - 5), (end - LEN + x, y + 5)], colour(x as f32 / LEN as f32))?;
    }
    text(area, &format!("−{RANGE_DB} dB"), (end - LEN - 8, y), 13, FAINT, HPos::Right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_shown_whether_there_are_fewer_or_more_than_pixels() {
        let plot = Plot::filling(500);
        for frames in [1, 7, 1000, 123_457] {
            let shown: Vec<Range<usize>> = columns(&plot, frames).map(|(_, frames)| frames).collect();
            assert_eq!(shown.len(), plot.width as usize);
            assert!((0..frames).all(|frame| shown.iter().any(|range| range.contains(&frame))) || frames > 10_000);
            assert!(shown.iter().all(|range| !range.is_empty() && range.end <= frames.max(1)));
        }
        assert_eq!(columns(&plot, 0).count(), 0);
    }

    #[test]
    fn a_bin_is_drawn_at_its_frequency_and_nothing_beyond_the_highest() {
        let value = |bin: usize| if bin == 10 { 1.0 } else { 0.0 };
        assert_eq!(over(&(95.0..105.0), 10.0, 129, &value), 1.0);
        assert_eq!(over(&(105.0..115.0), 10.0, 129, &value), 0.0);
        assert_eq!(over(&(2000.0..2010.0), 10.0, 129, &value), 0.0);
    }

    #[test]
    fn names_are_whole_unless_they_would_fill_the_picture_and_legends_stay_inside() {
        let names: Vec<String> = (0..16).map(|n| format!("component number {n}")).collect();
        let shown = shown(&[&names[..], &["x".repeat(300)]].concat());
        assert_eq!(shown[..16], names);
        assert!(shown[16].ends_with('…') && (150..=LONGEST_NAME + 20).contains(&text_width(&shown[16], NAME_SIZE)));
        let places = legend(&shown);
        for ((right, down), name) in places.iter().zip(&shown) {
            assert!(right + text_width(name, NAME_SIZE) <= WIDTH as i32 - LEFT - RIGHT, "{name} at {right}, {down}");
        }
        assert!(places[16].1 > 0 && places.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn colours_run_from_the_background_to_nearly_white() {
        assert_eq!(heat(0.0), BACKGROUND);
        assert_eq!(heat(1.0), HEAT[4]);
        assert_eq!((above_floor(0.0), above_floor(1.0)), (0.0, 1.0));
    }
}
