//! The bar at the bottom: mode, latency, CPU load and settings on the left; mix, output, bypass, zoom and model files on the right.

use egui::{Align, Layout, Popup, PopupCloseBehavior, Rect, Response, Sense, Ui, pos2, vec2};

use super::action::{Action, FilePurpose, gesture};
use super::theme::{FAINT, GOOD, LINE, NOTE, RECORD, TEXT, font, layout, strong};
use super::widgets::{caption, choice, file_menu, number, row};
use crate::editor::screen::Screen;
use crate::params::control::Control;

/// Sizes to choose from, relative to the normal one.
const ZOOMS: [f32; 5] = [0.8, 1.0, 1.25, 1.5, 2.0];

/// Draws the bar.
pub(super) fn footer(ui: &mut Ui, screen: &Screen, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.x = 20.0;
    choice(ui, screen, Control::Mode, actions);
    reading(ui, "Latency", &format!("{:.1} ms", screen.latency_ms), "Delay of the output; hosts compensate for it");
    load(ui, screen);
    let text = screen.dropped_frames.to_string();
    let dropped = reading(ui, "Dropped", &text, "Captured samples that were lost because learning could not keep up");
    if screen.dropped_frames > 0 {
        ui.painter().circle_filled(dropped.rect.left_center() - vec2(7.0, 0.0), 3.0, RECORD);
    }
    settings(ui, screen, actions);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 16.0;
        file_menu(ui, "Export…", FilePurpose::Export, "Writes the model to a file (.npz)", actions);
        file_menu(
            ui,
            "Import…",
            FilePurpose::Import,
            "Plays a model from a file (.npz); Revert returns to the current model",
            actions,
        );
        zoom(ui, screen, actions);
        bypass(ui, screen, actions);
        number(ui, screen, Control::Output, actions);
        number(ui, screen, Control::Mix, actions);
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

fn load(ui: &mut Ui, screen: &Screen) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let text = format!("{:.1} %", screen.load * 100.0);
        reading(
            ui,
            "CPU",
            &text,
            "CPU load of the audio thread, measured while the editor is open: 100 % is one whole core",
        );
        let (track, _) = ui.allocate_exact_size(vec2(56.0, 5.0), Sense::hover());
        ui.painter().rect_filled(track, 2.0, LINE);
        let share = screen.load.clamp(0.0, 1.0);
        let color = match share {
            0.7.. => RECORD,
            0.3.. => NOTE,
            _ => GOOD,
        };
        // Usual loads are a few per cent; the square root makes them visible.
        let filled = vec2(track.width() * share.sqrt(), track.height());
        ui.painter().rect_filled(Rect::from_min_size(track.min, filled), 2.0, color);
    });
}

/// The menu of the settings of learning and playback.
fn settings(ui: &mut Ui, screen: &Screen, actions: &mut Vec<Action>) {
    let button = caption(ui, "Settings", "▼", TEXT).on_hover_text("Settings of learning and playback");
    let popup = Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    popup.show(|ui| {
        ui.set_min_width(270.0);
        ui.label(egui::RichText::new("Learning").font(strong(12.0)).color(FAINT));
        row(ui, screen, Control::Templates, actions);
        row(ui, screen, Control::Steadiness, actions);
        row(ui, screen, Control::ExtendPitch, actions);
        row(ui, screen, Control::GroupBy, actions);
        row(ui, screen, Control::Threads, actions);
        ui.separator();
        ui.label(egui::RichText::new("Learning and playback").font(strong(12.0)).color(FAINT));
        row(ui, screen, Control::Divergence, actions);
        ui.separator();
        ui.label(egui::RichText::new("Playback").font(strong(12.0)).color(FAINT));
        row(ui, screen, Control::Spatial, actions);
        row(ui, screen, Control::Bands, actions);
        row(ui, screen, Control::Updates, actions);
    });
}

fn bypass(ui: &mut Ui, screen: &Screen, actions: &mut Vec<Action>) {
    let is_on = screen.is_on(Control::Bypass);
    let response = caption(ui, "", "Bypass", if is_on { NOTE } else { FAINT });
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, is_on, "Bypass"));
    if response.on_hover_text(Control::Bypass.entry().help).clicked() {
        actions.extend(gesture(Control::Bypass, f32::from(u8::from(!is_on))));
    }
}

fn zoom(ui: &mut Ui, screen: &Screen, actions: &mut Vec<Action>) {
    let text = format!("{:.0} % ▼", screen.zoom * 100.0);
    let button = caption(ui, "Zoom", &text, TEXT).on_hover_text("Size of the editor");
    Popup::menu(&button).show(|ui| {
        for zoom in ZOOMS {
            if ui.selectable_label((screen.zoom - zoom).abs() < 0.01, format!("{:.0} %", zoom * 100.0)).clicked() {
                actions.push(Action::Zoom(zoom));
                ui.close();
            }
        }
    });
}
