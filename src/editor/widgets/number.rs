//! A parameter as its name and value, adjusted by dragging sideways.

use egui::{CursorIcon, Ui};

use super::adjust::{Adjustment, Drag, adjust};
use super::choice::caption;
use crate::editor::action::Action;
use crate::editor::screen::Screen;
use crate::editor::theme::TEXT;
use crate::params::control::Control;

/// Points to drag for the whole range.
const DRAG_POINTS: f32 = 200.0;

/// Shows and moves a parameter.
pub fn number(ui: &mut Ui, screen: &Screen, control: Control, actions: &mut Vec<Action>) {
    let value = screen.value(control);
    let response = caption(ui, &value.name, &value.text, TEXT).on_hover_text(format!(
        "{}: {}\n{}\nDrag sideways (hold Shift for fine steps) or turn the wheel\nDouble-click for the default, right-click to type a value",
        value.name,
        value.text,
        control.entry().help
    ));
    let response = response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
    adjust(ui, &response, value, &Adjustment { control, drag: Drag::Right(DRAG_POINTS) }, actions);
}
