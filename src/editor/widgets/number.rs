//! A parameter as its name and value, to be dragged sideways.

use egui::{CursorIcon, Ui};

use super::choice::caption;
use super::drive::{Drive, Travel, drive};
use crate::editor::action::Action;
use crate::editor::screen::Model;
use crate::editor::theme::TEXT;
use crate::params::control::Control;

/// Points to drag for all of the range.
const TRAVEL: f32 = 200.0;

/// Shows and moves a parameter; `step` is what a wheel step or an arrow key adds.
pub fn number(ui: &mut Ui, model: &Model, control: Control, step: f32, actions: &mut Vec<Action>) {
    let value = model.value(control);
    let response = caption(ui, &value.name, &value.text, TEXT).on_hover_text(format!(
        "{}: {}\nDrag sideways; Shift for fine steps, wheel, double click for the default, right click to type",
        value.name, value.text
    ));
    let response = response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
    drive(ui, &response, value, &Drive { control, travel: Travel::Right(TRAVEL), step }, actions);
}
