//! The bar at the bottom: mode and latency, what it costs, settings; mix, output and bypass; models in files.

use std::path::PathBuf;

use egui::{Align, Layout, Popup, PopupCloseBehavior, Rect, Response, Sense, Ui, pos2, vec2};

use super::action::{Action, FilePurpose, gesture};
use super::theme::{FAINT, GOOD, LINE, NOTE, RAISED, RECORD, TEXT, font, layout, strong};
use super::widgets::{caption, check, choice, choice_row, number, select_all};
use crate::editor::screen::Model;
use crate::params::control::Control;

/// Sizes to choose from, as shares of the plain one.
const ZOOMS: [f32; 5] = [0.8, 1.0, 1.25, 1.5, 2.0];

/// Draws the bar.
pub(super) fn footer(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.x = 20.0;
    choice(
        ui,
        model,
        Control::Mode,
        "What is traded for latency. Some hosts take a new latency up only when playback starts again",
        actions,
    );
    reading(ui, "Latency", &format!("{:.1} ms", model.latency_ms), "How late the sound is; hosts compensate it");
    load(ui, model);
    let text = model.dropped_frames.to_string();
    let dropped =
        reading(ui, "Dropped", &text, "Captured samples that were lost because the learner could not keep up");
    if model.dropped_frames > 0 {
        ui.painter().circle_filled(dropped.rect.left_center() - vec2(7.0, 0.0), 3.0, RECORD);
    }
    settings(ui, model, actions);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 16.0;
        file(ui, "Export…", FilePurpose::Export, "Writes the model to a file (.npz)", actions);
        file(
            ui,
            "Import…",
            FilePurpose::Import,
            "Plays a model from a file (.npz); Revert gets back what plays now",
            actions,
        );
        zoom(ui, model, actions);
        bypass(ui, model, actions);
        number(ui, model, Control::Output, 0.0145, actions);
        number(ui, model, Control::Mix, 0.05, actions);
    });
}

fn reading(ui: &mut Ui, name: &str, text: &str, hint: &str) -> Response {
    let (name_galley, text_galley) = (layout(ui, name, font(13.0), FAINT), layout(ui, text, strong(13.0), TEXT));
    let left = name_galley.size().x + 5.0;
    let (rect, response) = ui.allocate_exact_size(vec2(left + text_galley.size().x, 22.0), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{name} {text}")));
    let top = rect.center().y - text_galley.size().y / 2.0;
    ui.painter().galley(pos2(rect.left(), top), name_galley, FAINT);
    ui.painter().galley(pos2(rect.left() + left, top), text_galley, TEXT);
    response.on_hover_text(hint)
}

fn load(ui: &mut Ui, model: &Model) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let text = format!("{:.1} %", model.load * 100.0);
        reading(ui, "CPU", &text, "Share of one processor core that the sound takes, while this editor looks");
        let (track, _) = ui.allocate_exact_size(vec2(56.0, 5.0), Sense::hover());
        ui.painter().rect_filled(track, 2.0, LINE);
        let share = model.load.clamp(0.0, 1.0);
        let color = match share {
            0.7.. => RECORD,
            0.3.. => NOTE,
            _ => GOOD,
        };
        // Loads are small: a square root shows them.
        let filled = vec2(track.width() * share.sqrt(), track.height());
        ui.painter().rect_filled(Rect::from_min_size(track.min, filled), 2.0, color);
    });
}

/// What else can be set: how to learn, and how to play.
fn settings(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    let button = caption(ui, "Settings", "▼", TEXT).on_hover_text("How to learn, and how to play");
    let popup = Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    popup.show(|ui| {
        ui.set_min_width(270.0);
        ui.label(egui::RichText::new("Learning").font(strong(12.0)).color(FAINT));
        number(ui, model, Control::Templates, 1.0 / 16.0, actions);
        choice_row(
            ui,
            model,
            Control::Steadiness,
            "Whether the captured component is hum or noise that never changes",
            actions,
        );
        check(
            ui,
            model,
            Control::ExtendPitch,
            "Copies of tonal templates up to two semitones away, for notes that were not captured",
            actions,
        );
        choice_row(
            ui,
            model,
            Control::GroupBy,
            "What makes templates of a capture of everything one component",
            actions,
        );
        number(ui, model, Control::Threads, 1.0 / 16.0, actions);
        ui.separator();
        ui.label(egui::RichText::new("Learning and playing").font(strong(12.0)).color(FAINT));
        choice_row(ui, model, Control::Divergence, "What is made small", actions);
        ui.separator();
        ui.label(egui::RichText::new("Playing").font(strong(12.0)).color(FAINT));
        check(ui, model, Control::Spatial, "Takes stereo components apart by where they sound from too", actions);
        number(ui, model, Control::Bands, 10.0 / 380.0, actions);
        number(ui, model, Control::Updates, 1.0 / 99.0, actions);
    });
}

fn bypass(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    let is_on = model.is_on(Control::Bypass);
    let response = caption(ui, "", "Bypass", if is_on { NOTE } else { FAINT });
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, is_on, "Bypass"));
    if response.on_hover_text("Bypass: the delayed input instead of the mix").clicked() {
        actions.extend(gesture(Control::Bypass, f32::from(u8::from(!is_on))));
    }
}

fn zoom(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    let text = format!("{:.0} % ▼", model.zoom * 100.0);
    let button = caption(ui, "Zoom", &text, TEXT).on_hover_text("How large the editor is");
    Popup::menu(&button).show(|ui| {
        for zoom in ZOOMS {
            if ui.selectable_label((model.zoom - zoom).abs() < 0.01, format!("{:.0} %", zoom * 100.0)).clicked() {
                actions.push(Action::Zoom(zoom));
                ui.close();
            }
        }
    });
}

/// A button that asks for a file: by its path, or in the system's dialog.
pub(super) fn file(ui: &mut Ui, text: &str, purpose: FilePurpose, hint: &str, actions: &mut Vec<Action>) {
    let response = caption(ui, "", text, TEXT).on_hover_text(hint);
    let id = response.id.with("path");
    let popup = Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    popup.show(|ui| {
        ui.label(hint);
        let mut path = ui.data(|data| data.get_temp::<String>(id)).unwrap_or_default();
        ui.horizontal(|ui| {
            // Buttons of a list have no ground; these are no rows of one.
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
            let word = if purpose == FilePurpose::Export { "Save" } else { "Open" };
            if (ui.add_enabled(is_named, egui::Button::new(word)).clicked() || is_entered) && is_named {
                actions.push(Action::File(purpose, PathBuf::from(path.trim())));
                ui.close();
            }
            if ui.button("Browse…").on_hover_text("The system's dialog").clicked() {
                actions.push(Action::Browse(purpose));
                ui.close();
            }
        });
        ui.data_mut(|data| data.insert_temp(id, path));
    });
}
