//! The whole editor, from top to bottom.

use egui::{Align, Event, Key, Layout, Rect, Ui, UiBuilder, pos2};

use super::action::Action;
use super::theme::BACKGROUND;
use super::{footer, header, scene, song_bar, strip};
use crate::editor::screen::Screen;

/// Points around the whole.
const MARGIN: f32 = 20.0;
/// Points between the parts.
const GAP: f32 = 11.0;

/// Draws the whole editor, and returns what the user did.
pub fn view(ui: &mut Ui, screen: &Screen) -> Vec<Action> {
    let mut actions = Vec::new();
    leave_space_bar_to_host(ui);
    let whole = ui.max_rect();
    ui.painter().rect_filled(whole, 0.0, BACKGROUND);
    let inner = whole.shrink2(egui::vec2(MARGIN, 0.0));
    let row = |top: f32, height: f32| Rect::from_min_max(pos2(inner.left(), top), pos2(inner.right(), top + height));

    let top = row(whole.top() + 21.0, 34.0);
    line(ui, top, |ui| header::header(ui, screen, &mut actions));
    let mut below = top.bottom() + GAP + 4.0;
    if let Some(song) = &screen.song {
        let bar = row(below, song_bar::HEIGHT);
        line(ui, bar, |ui| song_bar::song(ui, song, &mut actions));
        below = bar.bottom() + GAP;
    }
    let bottom = row(whole.bottom() - 46.0, 24.0);
    line(ui, bottom, |ui| footer::footer(ui, screen, &mut actions));
    let strips = row(bottom.top() - 8.0 - strip::HEIGHT, strip::HEIGHT);
    strip::strips(ui, screen, strips, &mut actions);
    let scene = Rect::from_min_max(pos2(inner.left(), below), pos2(inner.right(), strips.top() - GAP));
    scene::scene(ui, screen, scene);
    actions
}

/// A row of widgets, vertically centred.
fn line(ui: &mut Ui, rect: Rect, add: impl FnOnce(&mut Ui)) {
    let builder = UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center));
    ui.scope_builder(builder, add);
}

/// The space bar starts and stops the host, with or without modifier keys: only a focused text field receives it.
fn leave_space_bar_to_host(ui: &Ui) {
    let is_space = |event: &Event| matches!(event, Event::Key { key: Key::Space, .. });
    if !ui.ctx().text_edit_focused() {
        ui.input_mut(|input| input.events.retain(|event| !is_space(event)));
    }
}
