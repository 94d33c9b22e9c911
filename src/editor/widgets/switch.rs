//! A switch in a component's colour, and a check box of a parameter.

use egui::{Align2, Color32, CornerRadius, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo};

use crate::editor::action::{Action, gesture};
use crate::editor::screen::Model;
use crate::editor::theme::{BACKGROUND, FAINT, RAISED, SUNKEN, TEXT, strong};
use crate::params::control::Control;

/// How a switch looks.
pub struct SwitchLook<'a> {
    /// Where it is.
    pub rect: Rect,
    /// What stands on it.
    pub letter: &'a str,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub hint: &'a str,
    /// Its colour while it is on.
    pub color: Color32,
    /// Whether it is.
    pub is_on: bool,
}

/// Shows a switch. Whether it was pressed.
pub fn switch(ui: &mut Ui, look: &SwitchLook<'_>) -> bool {
    let response = ui.interact(look.rect, ui.scope_id().with(("switch", &look.name)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, look.is_on, &look.name));
    let response = response.on_hover_text(format!("{}: {}", look.name, look.hint));
    let (fill, text) = match look.is_on {
        true => (look.color, BACKGROUND),
        false if response.hovered() => (RAISED, TEXT),
        false => (SUNKEN, FAINT),
    };
    let painter = ui.painter();
    painter.rect_filled(look.rect, CornerRadius::same(5), fill);
    painter.text(look.rect.center(), Align2::CENTER_CENTER, look.letter, strong(11.0), text);
    if response.has_focus() {
        painter.rect_stroke(look.rect, CornerRadius::same(5), Stroke::new(1.0, TEXT), StrokeKind::Outside);
    }
    response.clicked()
}

/// A check box of a parameter that is on or off.
pub fn check(ui: &mut Ui, model: &Model, control: Control, hint: &str, actions: &mut Vec<Action>) {
    let value = model.value(control);
    let mut is_on = model.is_on(control);
    if ui.checkbox(&mut is_on, &value.name).on_hover_text(hint).clicked() {
        actions.extend(gesture(control, f32::from(u8::from(is_on))));
    }
}
