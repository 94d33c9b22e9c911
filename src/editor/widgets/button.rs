//! Buttons of the bars above and below.

use egui::{Align2, Color32, CornerRadius, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, vec2};

use crate::editor::theme::{DIM, FAINT, LINE, PANEL, RAISED, TEXT, font, layout, strong, write};

/// Points from a button's text to its border.
const PADDING: f32 = 13.0;

/// How a button looks.
pub struct Look<'a> {
    /// What stands on it, and what it is called.
    pub text: &'a str,
    /// What it is for.
    pub hint: &'a str,
    /// Whether it can be pressed.
    pub is_enabled: bool,
    /// A colour that asks to be looked at.
    pub accent: Option<Color32>,
    /// The least width, where the text changes.
    pub min_width: f32,
}

impl<'a> Look<'a> {
    /// A plain button.
    pub fn new(text: &'a str, hint: &'a str) -> Self {
        Self { text, hint, is_enabled: true, accent: None, min_width: 0.0 }
    }
}

/// A button of its own.
pub fn button(ui: &mut Ui, look: &Look<'_>) -> Response {
    let font = if look.accent.is_some() { strong(13.0) } else { font(13.0) };
    let size = vec2(
        (layout(ui, look.text, font.clone(), TEXT).size().x + 2.0 * PADDING).max(look.min_width),
        ui.available_height().min(33.0),
    );
    let response = place(ui, size, look);
    let border = look.accent.map_or(LINE, |accent| accent.gamma_multiply(0.7));
    let fill = match look.accent {
        Some(accent) if response.hovered() => accent.gamma_multiply(0.3),
        Some(accent) => accent.gamma_multiply(0.16),
        None if response.hovered() && look.is_enabled => RAISED,
        None => PANEL,
    };
    let painter = ui.painter();
    painter.rect(response.rect, CornerRadius::same(6), fill, Stroke::new(1.0, border), StrokeKind::Inside);
    let color = if look.is_enabled { TEXT } else { DIM };
    write(ui, (response.rect.center(), Align2::CENTER_CENTER), look.text, font, color);
    outline_focus(ui, &response);
    response
}

/// One of several, of which one is chosen; `rounded` says which corners are.
pub fn segment(ui: &mut Ui, look: &Look<'_>, is_chosen: bool, rounded: CornerRadius) -> Response {
    let size = vec2(
        (layout(ui, look.text, strong(13.0), TEXT).size().x + 2.0 * (PADDING - 1.0)).max(look.min_width),
        ui.available_height().min(33.0),
    );
    let response = place(ui, size, look);
    let fill = if is_chosen || response.hovered() && look.is_enabled { RAISED } else { PANEL };
    let painter = ui.painter();
    painter.rect(response.rect, rounded, fill, Stroke::new(1.0, LINE), StrokeKind::Inside);
    let (font, color) = match (is_chosen, look.is_enabled) {
        (true, _) => (strong(13.0), TEXT),
        (false, true) => (font(13.0), FAINT),
        (false, false) => (font(13.0), DIM),
    };
    write(ui, (response.rect.center(), Align2::CENTER_CENTER), look.text, font, color);
    response.widget_info(|| WidgetInfo::selected(Role::Button, look.is_enabled, is_chosen, label(look.text)));
    outline_focus(ui, &response);
    response
}

fn place(ui: &mut Ui, size: Vec2, look: &Look<'_>) -> Response {
    let sense = if look.is_enabled { Sense::click() } else { Sense::hover() };
    let (_, response) = ui.allocate_exact_size(size, sense);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, look.is_enabled, label(look.text)));
    response.on_hover_text(look.hint)
}

/// What a screen reader says of a text.
pub(super) fn label(text: &str) -> String {
    text.replace('▼', "").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where the keyboard is.
pub(super) fn outline_focus(ui: &Ui, response: &Response) {
    if response.has_focus() {
        ui.painter().rect_stroke(response.rect, CornerRadius::same(6), Stroke::new(1.5, TEXT), StrokeKind::Outside);
    }
}
