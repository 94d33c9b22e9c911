//! A switch in a component's colour, and a check box of a parameter.

use egui::{Align2, Color32, CornerRadius, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo};

use crate::editor::action::{Action, gesture};
use crate::editor::screen::Screen;
use crate::editor::theme::{BACKGROUND, FAINT, RAISED, SUNKEN, TEXT, strong};
use crate::params::control::Control;

/// What a switch shows.
pub struct SwitchView<'a> {
    /// Its rectangle.
    pub rect: Rect,
    /// Its letter.
    pub letter: &'a str,
    /// Its name.
    pub name: String,
    /// Its tooltip.
    pub hint: &'a str,
    /// Its colour when on.
    pub color: Color32,
    /// Whether it is on.
    pub is_on: bool,
}

/// Shows a switch. Returns whether it was pressed.
pub fn switch(ui: &mut Ui, view: &SwitchView<'_>) -> bool {
    let response = ui.interact(view.rect, ui.scope_id().with(("switch", &view.name)), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, view.is_on, &view.name));
    let response = response.on_hover_text(format!("{}\n{}", view.name, view.hint));
    let (fill, text) = match view.is_on {
        true => (view.color, BACKGROUND),
        false if response.hovered() => (RAISED, TEXT),
        false => (SUNKEN, FAINT),
    };
    let painter = ui.painter();
    painter.rect_filled(view.rect, CornerRadius::same(5), fill);
    painter.text(view.rect.center(), Align2::CENTER_CENTER, view.letter, strong(11.0), text);
    if response.has_focus() {
        painter.rect_stroke(view.rect, CornerRadius::same(5), Stroke::new(1.0, TEXT), StrokeKind::Outside);
    }
    response.clicked()
}

/// A check box of a parameter that is on or off.
pub(super) fn check(ui: &mut Ui, screen: &Screen, control: Control, actions: &mut Vec<Action>) {
    let value = screen.value(control);
    let mut is_on = screen.is_on(control);
    if ui.checkbox(&mut is_on, &value.name).on_hover_text(control.entry().help).clicked() {
        actions.extend(gesture(control, f32::from(u8::from(is_on))));
    }
}
