//! A parameter with few values: its current value, and a menu to choose from.

use egui::{Align2, Color32, Popup, Response, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::button::outline_focus;
use crate::editor::action::{Action, gesture};
use crate::editor::screen::Screen;
use crate::editor::theme::{FAINT, TEXT, font, layout, strong, write};
use crate::params::control::Control;

/// Its name and value; a press opens the menu.
pub fn choice(ui: &mut Ui, screen: &Screen, control: Control, actions: &mut Vec<Action>) {
    let value = screen.value(control);
    let response = caption(ui, &value.name, &format!("{} ▼", value.text), TEXT);
    let response = response.on_hover_text(format!("{}: {}\n{}", value.name, value.text, control.entry().help));
    Popup::menu(&response).show(|ui| options(ui, screen, control, actions));
}

/// The same inside a menu, which cannot open another one: its name, and all its values side by side.
pub(super) fn choice_row(ui: &mut Ui, screen: &Screen, control: Control, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let name = RichText::new(&screen.value(control).name).font(font(13.0)).color(FAINT);
        ui.label(name).on_hover_text(control.entry().help);
        options(ui, screen, control, actions);
    });
}

fn options(ui: &mut Ui, screen: &Screen, control: Control, actions: &mut Vec<Action>) {
    let value = screen.value(control);
    for (option, text) in value.options.iter().enumerate() {
        let is_chosen = option == value.option();
        if ui.selectable_label(is_chosen, RichText::new(text).font(font(13.0))).clicked() {
            actions.extend(gesture(control, value.of_option(option)));
        }
    }
}

/// A name and a bold value that can be pressed.
pub fn caption(ui: &mut Ui, name: &str, text: &str, color: Color32) -> Response {
    let (name_galley, text_galley) = (layout(ui, name, font(13.0), FAINT), layout(ui, text, strong(13.0), TEXT));
    let name_width = if name.is_empty() { 0.0 } else { name_galley.size().x + 5.0 };
    let width = name_width + text_galley.size().x;
    let (rect, response) = ui.allocate_exact_size(vec2(width, 22.0), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, if name.is_empty() { text } else { name }));
    let faint = if response.hovered() { TEXT } else { FAINT };
    write(ui, (rect.left_center(), Align2::LEFT_CENTER), name, font(13.0), faint);
    let at = pos2(rect.left() + name_width, rect.center().y);
    write(ui, (at, Align2::LEFT_CENTER), text, strong(13.0), color);
    outline_focus(ui, &response);
    response
}
