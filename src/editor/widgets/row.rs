//! A parameter in a menu, with the widget that fits its values.

use egui::Ui;

use super::choice::choice_row;
use super::number::number;
use super::switch::check;
use crate::editor::action::Action;
use crate::editor::screen::Screen;
use crate::params::control::Control;
use crate::params::registry::Kind;

/// Shows and changes a parameter: a check box, a row of choices, or a number.
pub fn row(ui: &mut Ui, screen: &Screen, control: Control, actions: &mut Vec<Action>) {
    match control.entry().kind {
        Kind::Switch { .. } => check(ui, screen, control, actions),
        Kind::Choice { .. } => choice_row(ui, screen, control, actions),
        Kind::Number { .. } | Kind::Gain | Kind::Gate | Kind::Share => number(ui, screen, control, actions),
    }
}
