//! The scrolling display: a ring of texture columns for the spectrogram, and a ring of activations for the traces. For a new
//! column only that column is uploaded, whatever the width.

use std::collections::VecDeque;

use egui::{Color32, ColorImage, Context, TextureHandle, TextureId, TextureOptions};

use super::theme::{BACKGROUND, UNOWNED, component_color};
use crate::dsp::MAX_COMPONENTS;
use crate::dsp::column::{COLUMN_ROWS, Column, FLOOR_DB, LEVEL_STEP_DB};

/// Columns that are kept: 22 s at about 94 per second.
pub const COLUMNS: usize = 2048;
/// Seconds from one column to the next: a hop of the usual window at 48 kHz.
const COLUMN_S: f32 = 512.0 / 48_000.0;
/// Levels down to so many decibels below the loudest are visible …
const RANGE_DB: f32 = 66.0;
/// … and so many decibels lie between black and full colour.
const CONTRAST_DB: f32 = 62.0;
/// Above 1, so that quiet sound stays dark.
const BRIGHTNESS_EXPONENT: f32 = 1.25;
/// The reference level falls by so many decibels per second.
const DECAY_DB_PER_S: f32 = 1.0;
/// Above 1, so that peaks of the traces stand out.
const TRACE_EXPONENT: f32 = 1.7;
/// The lowest reference level, so that hiss stays dark.
const QUIETEST_DB: f32 = -50.0;
/// Activations from here …
const TRACE_FLOOR_DB: f32 = -60.0;
/// … to here fill a trace.
const TRACE_TOP_DB: f32 = 12.0;

/// The contents of the display. Lives as long as the editor is open.
pub struct Canvas {
    spectrogram: TextureHandle,
    /// The next texture column to write.
    head: usize,
    filled: usize,
    loudest_db: f32,
    /// Seconds that arrived and are not drawn yet.
    pending_s: f32,
    activations: VecDeque<[u8; MAX_COMPONENTS]>,
}

/// What the screen shows of it.
#[derive(Clone, Debug)]
pub struct CanvasView {
    /// [`COLUMNS`] wide, as high as a [`Column`], with the highest frequency at the top.
    pub spectrogram: TextureId,
    /// The next texture column to write: the oldest one, once all are filled.
    pub head: usize,
    /// Columns that were written.
    pub filled: usize,
    /// For each column, the oldest first: the height of each component's trace, from 0 to 255.
    pub activations: VecDeque<[u8; MAX_COMPONENTS]>,
}

impl Canvas {
    /// An empty display.
    pub fn new(context: &Context) -> Self {
        let empty = ColorImage::filled([COLUMNS, COLUMN_ROWS], BACKGROUND);
        Self {
            spectrogram: context.load_texture("spectrogram", empty, TextureOptions::LINEAR),
            head: 0,
            filled: 0,
            loudest_db: QUIETEST_DB,
            pending_s: 0.0,
            activations: VecDeque::with_capacity(COLUMNS),
        }
    }

    /// Adds a column, repeated as often as its duration requires.
    pub fn push(&mut self, column: &Column) {
        let level_db = |level: u8| FLOOR_DB + LEVEL_STEP_DB * f32::from(level);
        let loudest = column.levels.iter().copied().max().unwrap_or(0);
        let decayed = self.loudest_db - DECAY_DB_PER_S * column.seconds.max(0.0);
        self.loudest_db = level_db(loudest).max(decayed).max(QUIETEST_DB);
        // NaN and negative durations count as 0; otherwise they would stop the display for good.
        self.pending_s += column.seconds.max(0.0);
        // A longer gap than the display is cut to its length.
        let copies = (self.pending_s / COLUMN_S).clamp(0.0, COLUMNS as f32) as usize;
        self.pending_s = (self.pending_s - copies as f32 * COLUMN_S).clamp(0.0, COLUMN_S);
        if copies == 0 {
            return;
        }
        let pixels = self.pixels(column);
        for _ in 0..copies {
            let image = ColorImage::new([1, COLUMN_ROWS], pixels.clone());
            self.spectrogram.set_partial([self.head, 0], image, TextureOptions::LINEAR);
            self.head = (self.head + 1) % COLUMNS;
            self.filled = (self.filled + 1).min(COLUMNS);
            if self.activations.len() == COLUMNS {
                self.activations.pop_front();
            }
            self.activations.push_back(column.activations_db.map(trace_height));
        }
    }

    fn pixels(&self, column: &Column) -> Vec<Color32> {
        let color = |row: usize| {
            let level_db = FLOOR_DB + LEVEL_STEP_DB * f32::from(column.levels[row]);
            let visible = ((level_db - self.loudest_db + RANGE_DB) / CONTRAST_DB).clamp(0.0, 1.0);
            mix(BACKGROUND, owner_color(column, row), visible.powf(BRIGHTNESS_EXPONENT))
        };
        (0..COLUMN_ROWS).rev().map(color).collect()
    }

    /// What the screen shows.
    pub fn view(&self) -> CanvasView {
        CanvasView {
            spectrogram: self.spectrogram.id(),
            head: self.head,
            filled: self.filled,
            activations: self.activations.clone(),
        }
    }
}

/// The mean of the components' colours, weighted by their masks.
fn owner_color(column: &Column, row: usize) -> Color32 {
    if column.components == 0 {
        return UNOWNED;
    }
    let (mut sum, mut total) = ([0.0; 3], 1e-6);
    for (component, shares) in column.shares[..column.components].iter().enumerate() {
        let (share, color) = (f32::from(shares[row]), component_color(component));
        total += share;
        for (sum, part) in sum.iter_mut().zip([color.r(), color.g(), color.b()]) {
            *sum += share * f32::from(part);
        }
    }
    let [red, green, blue] = sum.map(|part| (part / total) as u8);
    Color32::from_rgb(red, green, blue)
}

fn mix(from: Color32, to: Color32, share: f32) -> Color32 {
    let part = |from: u8, to: u8| (f32::from(from) + (f32::from(to) - f32::from(from)) * share).round() as u8;
    Color32::from_rgb(part(from.r(), to.r()), part(from.g(), to.g()), part(from.b(), to.b()))
}

fn trace_height(activation_db: f32) -> u8 {
    let height = (activation_db - TRACE_FLOOR_DB) / (TRACE_TOP_DB - TRACE_FLOOR_DB);
    (height.clamp(0.0, 1.0).powf(TRACE_EXPONENT) * 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(level: u8, shares: &[u8]) -> Column {
        let mut column = Column { seconds: COLUMN_S, components: shares.len(), ..Column::default() };
        column.levels.fill(level);
        column.shares.iter_mut().zip(shares).for_each(|(drawn, &share)| drawn.fill(share));
        column
    }

    #[test]
    fn a_pixel_has_the_color_of_its_component_and_silence_is_background() {
        let mut canvas = Canvas::new(&Context::default());
        canvas.push(&column(240, &[0, 255]));
        assert_eq!(canvas.pixels(&column(240, &[0, 255]))[0], component_color(1));
        assert_eq!(canvas.pixels(&column(240, &[]))[0], UNOWNED);
        assert_eq!(canvas.pixels(&column(0, &[255]))[0], BACKGROUND);
        let both = canvas.pixels(&column(240, &[128, 128]))[0];
        let mean = (u16::from(component_color(0).r()) + u16::from(component_color(1).r())) / 2;
        assert!(u16::from(both.r()).abs_diff(mean) <= 1);
    }

    #[test]
    fn time_scrolls_at_the_same_speed_for_every_hop() {
        for hops_per_column in [0.25, 0.5, 1.0, 2.0] {
            let mut canvas = Canvas::new(&Context::default());
            let hops = (100.0 * hops_per_column) as usize;
            let hop = Column { seconds: COLUMN_S / hops_per_column, ..column(200, &[255]) };
            (0..hops).for_each(|_| canvas.push(&hop));
            assert!(canvas.filled.abs_diff(100) <= 1, "{hops_per_column}: {}", canvas.filled);
        }
    }

    #[test]
    fn the_ring_wraps_around_and_invalid_durations_do_no_harm() {
        let mut canvas = Canvas::new(&Context::default());
        (0..COLUMNS + 5).for_each(|_| canvas.push(&column(100, &[255])));
        let view = canvas.view();
        assert!(view.head.abs_diff(5) <= 1 && view.filled == COLUMNS && view.activations.len() == COLUMNS);
        for seconds in [f32::NAN, f32::INFINITY, -1.0, 1e30] {
            canvas.push(&Column { seconds, ..column(100, &[255]) });
        }
        let head = canvas.head;
        (0..100).for_each(|_| canvas.push(&column(100, &[255])));
        // It goes on scrolling; one column was still pending from the infinite duration.
        let scrolled = (canvas.head + COLUMNS - head) % COLUMNS;
        assert!(scrolled.abs_diff(101) <= 1, "{scrolled}");
        assert_eq!(canvas.loudest_db, QUIETEST_DB);
    }
}
