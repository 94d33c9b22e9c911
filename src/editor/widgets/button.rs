//! Buttons of the bars at the top and the bottom.

use egui::{Align2, Color32, CornerRadius, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, vec2};

use crate::editor::theme::{DIM, FAINT, LINE, PANEL, RAISED, TEXT, font, layout, strong, write};

/// Points from a button's text to its border.
const PADDING: f32 = 13.0;

/// What a button shows.
pub struct ButtonView<'a> {
    /// Its text, which is also its name for screen readers.
    pub text: &'a str,
    /// Its tooltip.
    pub hint: &'a str,
    /// Whether it can be pressed.
    pub is_enabled: bool,
    /// A colour that draws attention.
    pub accent: Option<Color32>,
    /// The minimum width in points, for a text that changes.
    pub min_width: f32,
}

impl<'a> ButtonView<'a> {
    /// A plain button.
    pub fn new(text: &'a str, hint: &'a str) -> Self {
        Self { text, hint, is_enabled: true, accent: None, min_width: 0.0 }
    }
}

/// A separate button.
pub fn button(ui: &mut Ui, view: &ButtonView<'_>) -> Response {
    let font = if view.accent.is_some() { strong(13.0) } else { font(13.0) };
    let size = vec2(
        (layout(ui, view.text, font.clone(), TEXT).size().x + 2.0 * PADDING).max(view.min_width),
        ui.available_height().min(33.0),
    );
    let response = allocate(ui, size, view);
    let border = view.accent.map_or(LINE, |accent| accent.gamma_multiply(0.7));
    let fill = match view.accent {
        Some(accent) if response.hovered() => accent.gamma_multiply(0.3),
        Some(accent) => accent.gamma_multiply(0.16),
        None if response.hovered() && view.is_enabled => RAISED,
        None => PANEL,
    };
    let painter = ui.painter();
    painter.rect(response.rect, CornerRadius::same(6), fill, Stroke::new(1.0, border), StrokeKind::Inside);
    let color = if view.is_enabled { TEXT } else { DIM };
    write(ui, (response.rect.center(), Align2::CENTER_CENTER), view.text, font, color);
    outline_focus(ui, &response);
    response
}

/// One of a row of buttons, of which one is chosen; `corners` are rounded at the ends of the row.
pub fn segment(ui: &mut Ui, view: &ButtonView<'_>, is_chosen: bool, corners: CornerRadius) -> Response {
    let size = vec2(
        (layout(ui, view.text, strong(13.0), TEXT).size().x + 2.0 * (PADDING - 1.0)).max(view.min_width),
        ui.available_height().min(33.0),
    );
    let response = allocate(ui, size, view);
    let fill = if is_chosen || response.hovered() && view.is_enabled { RAISED } else { PANEL };
    let painter = ui.painter();
    painter.rect(response.rect, corners, fill, Stroke::new(1.0, LINE), StrokeKind::Inside);
    let (font, color) = match (is_chosen, view.is_enabled) {
        (true, _) => (strong(13.0), TEXT),
        (false, true) => (font(13.0), FAINT),
        (false, false) => (font(13.0), DIM),
    };
    write(ui, (response.rect.center(), Align2::CENTER_CENTER), view.text, font, color);
    response.widget_info(|| WidgetInfo::selected(Role::Button, view.is_enabled, is_chosen, label(view.text)));
    outline_focus(ui, &response);
    response
}

fn allocate(ui: &mut Ui, size: Vec2, view: &ButtonView<'_>) -> Response {
    let sense = if view.is_enabled { Sense::click() } else { Sense::hover() };
    let (_, response) = ui.allocate_exact_size(size, sense);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, view.is_enabled, label(view.text)));
    response.on_hover_text(view.hint)
}

/// The name of a button for screen readers: its text without the arrow and extra spaces.
pub(super) fn label(text: &str) -> String {
    text.replace('▼', "").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Shows that a widget has the keyboard focus.
pub(super) fn outline_focus(ui: &Ui, response: &Response) {
    if response.has_focus() {
        ui.painter().rect_stroke(response.rect, CornerRadius::same(6), Stroke::new(1.5, TEXT), StrokeKind::Outside);
    }
}
