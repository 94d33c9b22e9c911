//! A menu that asks for a file: as a typed path, or through the system's dialog.

use std::path::PathBuf;

use egui::{Popup, PopupCloseBehavior, Ui};

use super::adjust::select_all;
use super::choice::caption;
use crate::editor::action::{Action, FilePurpose};
use crate::editor::theme::{RAISED, TEXT};

/// A button that opens the menu; `hint` says what the file is for.
pub fn file_menu(ui: &mut Ui, text: &str, purpose: FilePurpose, hint: &str, actions: &mut Vec<Action>) {
    let response = caption(ui, "", text, TEXT).on_hover_text(hint);
    let id = response.id.with("path");
    let popup = Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    popup.show(|ui| {
        ui.label(hint);
        let mut path = ui.data(|data| data.get_temp::<String>(id)).unwrap_or_default();
        ui.horizontal(|ui| {
            // egui draws buttons of a menu as rows without a background; these two stand beside a text field.
            ui.visuals_mut().widgets.inactive.weak_bg_fill = RAISED;
            let field =
                egui::TextEdit::singleline(&mut path).id(id.with("field")).hint_text("path").desired_width(260.0);
            let field = ui.add(field);
            if response.clicked() {
                field.request_focus();
                select_all(ui, field.id, &path);
            }
            let is_entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            let is_named = !path.trim().is_empty();
            let verb = if purpose == FilePurpose::Export { "Save" } else { "Open" };
            if (ui.add_enabled(is_named, egui::Button::new(verb)).clicked() || is_entered) && is_named {
                actions.push(Action::File(purpose, PathBuf::from(path.trim())));
                ui.close();
            }
            if ui.button("Browse…").on_hover_text("Opens the system's file dialog").clicked() {
                actions.push(Action::Browse(purpose));
                ui.close();
            }
        });
        ui.data_mut(|data| data.insert_temp(id, path));
    });
}
