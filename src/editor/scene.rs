//! The middle: the scrolling spectrogram, coloured by the components, and below it each component's activation as a trace.

use egui::epaint::{Mesh, Vertex};
use egui::{Align2, Color32, CornerRadius, Pos2, Rect, Shape, Stroke, StrokeKind, Ui, pos2, vec2};

use super::canvas::{COLUMNS, CanvasView};
use super::theme::{BACKGROUND, FAINT, LINE, NOTE, PANEL, RECORD, TEXT, component_color, font, strong};
use crate::dsp::column::{HIGHEST_HZ, LOWEST_HZ};
use crate::editor::screen::Screen;
use crate::link::Stage;

/// Fraction of the height that the traces take.
const TRACES: f32 = 0.24;
/// The labels of the frequency axis.
const MARKS: [(f32, &str); 4] = [(16_000.0, "16 k"), (2000.0, "2 k"), (400.0, "400"), (40.0, "40 Hz")];
/// The texture coordinate of plain colour in egui's font texture.
const WHITE_UV: Pos2 = egui::epaint::WHITE_UV;

/// Draws the middle.
pub(super) fn scene(ui: &mut Ui, screen: &Screen, rect: Rect) {
    let traces_height = (rect.height() * TRACES).round();
    let spectrogram = Rect::from_min_max(rect.min, pos2(rect.right(), rect.bottom() - traces_height - 11.0));
    let traces = Rect::from_min_max(pos2(rect.left(), rect.bottom() - traces_height), rect.max);
    if let Some(canvas) = &screen.canvas {
        draw_spectrogram(ui, canvas, spectrogram);
        draw_traces(ui, screen, canvas, traces);
    }
    draw_axis(ui, spectrogram);
    for rect in [spectrogram, traces] {
        ui.painter().rect_stroke(rect, CornerRadius::same(8), Stroke::new(1.0, LINE), StrokeKind::Outside);
    }
    let response = ui.interact(spectrogram, ui.scope_id().with("spectrogram"), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "Spectrogram"));
    if let Some(pointer) = response.hover_pos() {
        draw_frequency(ui, spectrogram, pointer);
    }
    match (&screen.stage, messages(screen)) {
        (Stage::Empty, messages) if messages.is_empty() => draw_welcome(ui, screen, spectrogram),
        (_, messages) => draw_messages(ui, &messages, spectrogram),
    }
}

/// The newest column at the right, each column one pixel wide.
fn draw_spectrogram(ui: &Ui, canvas: &CanvasView, rect: Rect) {
    let width = (rect.width() * column_pixels(ui)).min(COLUMNS as f32 - 1.0);
    let shown = (canvas.filled as f32).min(width);
    let left = rect.right() - rect.width() * shown / width;
    let columns = COLUMNS as f32;
    let oldest = (canvas.head as f32 - shown).rem_euclid(columns);
    // The texture is a ring: this part lies before its end, the rest at its beginning.
    let first = shown.min(columns - oldest);
    let split = left + (rect.right() - left) * if shown > 0.0 { first / shown } else { 1.0 };
    // Half a texel from the seam, where interpolation would mix the newest with the oldest column.
    let inset = 0.5 / columns;
    let mut parts = vec![(left, split, oldest / columns, (oldest + first) / columns - inset)];
    if shown > first {
        parts.push((split, rect.right(), inset, (shown - first) / columns - inset));
    }
    for (left, right, from, to) in parts {
        let mut mesh = Mesh::with_texture(canvas.spectrogram);
        let uv = Rect::from_min_max(pos2(from, 0.0), pos2(to, 1.0));
        mesh.add_rect_with_uv(
            Rect::from_min_max(pos2(left, rect.top()), pos2(right, rect.bottom())),
            uv,
            Color32::WHITE,
        );
        ui.painter().add(Shape::mesh(mesh));
    }
}

/// Columns per point: at every scale, a column is a whole number of pixels wide.
fn column_pixels(ui: &Ui) -> f32 {
    let scale = ui.ctx().pixels_per_point();
    scale / scale.round().max(1.0)
}

fn draw_traces(ui: &Ui, screen: &Screen, canvas: &CanvasView, rect: Rect) {
    let lanes = screen.strips.len();
    if lanes == 0 {
        return;
    }
    let lane_height = rect.height() / lanes as f32;
    let shown = ((rect.width() * column_pixels(ui)) as usize).min(canvas.activations.len());
    let skipped = canvas.activations.len() - shown;
    // With more lanes than this, half the points draw the same trace.
    let step = if lanes > 4 { 2 } else { 1 };
    let width = rect.width() / (rect.width() * column_pixels(ui));
    for component in 0..lanes {
        let base = rect.top() + lane_height * (component + 1) as f32 - 1.0;
        let heights = canvas.activations.iter().skip(skipped).step_by(step).map(|column| column[component]);
        let left = rect.right() - shown as f32 * width;
        let points = heights.enumerate().map(|(index, height)| {
            let share = f32::from(height) / 255.0;
            pos2(left + (index * step) as f32 * width, base - (lane_height - 3.0) * share)
        });
        ui.painter().add(Shape::mesh(trace(points, base, component_color(component))));
    }
}

/// A filled curve with an antialiased, bright edge.
fn trace(points: impl Iterator<Item = Pos2>, base: f32, color: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    let (fill, edge) = (color.gamma_multiply(0.38), color);
    for (index, point) in points.enumerate() {
        let mut vertex = |y: f32, color: Color32| {
            mesh.vertices.push(Vertex { pos: pos2(point.x, y), uv: WHITE_UV, color });
        };
        vertex(base, fill);
        vertex((point.y + 1.0).min(base), fill);
        vertex(point.y, edge);
        vertex(point.y - 1.0, Color32::TRANSPARENT);
        if index > 0 {
            let (last, this) = (4 * index as u32 - 4, 4 * index as u32);
            for row in 0..3 {
                mesh.indices.extend([last + row, this + row, last + row + 1]);
                mesh.indices.extend([this + row, this + row + 1, last + row + 1]);
            }
        }
    }
    mesh
}

fn y_of(rect: Rect, hz: f32) -> f32 {
    rect.bottom() - rect.height() * (hz / LOWEST_HZ).ln() / (HIGHEST_HZ / LOWEST_HZ).ln()
}

fn draw_axis(ui: &Ui, rect: Rect) {
    for (hz, name) in MARKS {
        // For one frame the room can be too small: the zoom changes before the window grows.
        let y = y_of(rect, hz).min(rect.bottom() - 13.0).max(rect.top() + 13.0);
        let at = pos2(rect.right() - 9.0, y);
        // A dark outline keeps the text legible on any spectrogram.
        for offset in [vec2(1.0, 0.0), vec2(-1.0, 0.0), vec2(0.0, 1.0), vec2(0.0, -1.0)] {
            ui.painter().text(at + offset, Align2::RIGHT_CENTER, name, font(11.0), BACKGROUND.gamma_multiply(0.7));
        }
        ui.painter().text(at, Align2::RIGHT_CENTER, name, font(11.0), TEXT);
    }
}

/// The frequency under the pointer.
fn draw_frequency(ui: &Ui, rect: Rect, pointer: Pos2) {
    let share = (rect.bottom() - pointer.y) / rect.height();
    let hz = LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ).powf(share);
    let text = if hz < 1000.0 { format!("{hz:.0} Hz") } else { format!("{:.2} kHz", hz / 1000.0) };
    ui.painter().hline(rect.x_range(), pointer.y, Stroke::new(1.0, TEXT.gamma_multiply(0.25)));
    let galley = ui.painter().layout_no_wrap(text, font(11.0), TEXT);
    let at = pos2((pointer.x + 12.0).min(rect.right() - 120.0), (pointer.y - 20.0).max(rect.top() + 4.0));
    let ground = Rect::from_min_size(at, galley.size()).expand2(vec2(5.0, 2.0));
    ui.painter().rect_filled(ground, 4.0, PANEL.gamma_multiply(0.9));
    ui.painter().galley(at, galley, TEXT);
}

fn draw_welcome(ui: &Ui, screen: &Screen, rect: Rect) {
    let center = rect.center();
    let lines = match screen.song.as_ref().is_some_and(|song| song.seconds == 0.0) {
        true => ["Open a song and play it.", "Nothing is learned yet: the sound passes through unchanged."],
        false => [
            "Nothing is learned yet: the sound passes through unchanged.",
            "Play, press Capture, and press it again. Or learn from what has just played.",
        ],
    };
    let [first, second] = lines.map(|line| ui.painter().layout_no_wrap(line.into(), strong(15.0), TEXT));
    let ground = Rect::from_center_size(center, vec2(first.size().x.max(second.size().x) + 48.0, 84.0));
    ui.painter().rect_filled(ground, 8.0, BACKGROUND.gamma_multiply(0.75));
    ui.painter().galley(pos2(center.x - first.size().x / 2.0, center.y - 24.0), first, TEXT);
    let second = ui.painter().layout_no_wrap(lines[1].into(), font(13.0), FAINT);
    ui.painter().galley(pos2(center.x - second.size().x / 2.0, center.y + 4.0), second, FAINT);
}

/// Errors, notices and warnings, each with its colour.
fn messages(screen: &Screen) -> Vec<(String, Color32)> {
    let mut messages = Vec::new();
    // It stays as long as the project holds the model that cannot be read, whatever else succeeds or fails.
    messages.extend(screen.project_error.iter().map(|error| (error.clone(), RECORD)));
    // Loading the project failed with the same reason: it is shown once.
    if let Stage::Failed(why) = &screen.stage
        && screen.project_error.as_ref() != Some(why)
    {
        messages.push((why.clone(), RECORD));
    }
    messages.extend(screen.notice.iter().map(|notice| (notice.clone(), NOTE)));
    if screen.is_review {
        messages.extend(screen.warnings.iter().map(|warning| (warning.clone(), NOTE)));
    }
    messages.iter_mut().for_each(|(text, _)| *text = capitalised(text));
    messages
}

/// An error's text begins in lower case, as it often follows a name; here it stands alone.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn draw_messages(ui: &mut Ui, messages: &[(String, Color32)], rect: Rect) {
    let mut top = rect.top() + 10.0;
    for (index, (text, color)) in messages.iter().enumerate() {
        let galley = ui.painter().layout(text.clone(), font(13.0), TEXT, rect.width() - 80.0);
        let ground = Rect::from_min_size(pos2(rect.left() + 12.0, top), galley.size() + vec2(30.0, 14.0));
        ui.painter().rect(
            ground,
            6.0,
            PANEL.gamma_multiply(0.95),
            Stroke::new(1.0, color.gamma_multiply(0.6)),
            StrokeKind::Inside,
        );
        ui.painter().circle_filled(pos2(ground.left() + 12.0, top + 15.0), 3.5, *color);
        ui.painter().galley(pos2(ground.left() + 22.0, top + 7.0), galley, TEXT);
        let response = ui.interact(ground, ui.scope_id().with(("message", index)), egui::Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Alert, true, text));
        top = ground.bottom() + 6.0;
    }
}
