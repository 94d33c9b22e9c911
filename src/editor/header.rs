//! The bar on top: capture, take the last seconds, target, keep or revert, A or B, and where the workflow stands.

use egui::{
    Align, Color32, CornerRadius, Layout, Popup, PopupCloseBehavior, Rect, Response, Sense, Shape, Stroke, Ui, pos2,
    vec2,
};

use super::action::{Action, gesture};
use super::theme::{BACKGROUND, FAINT, GOOD, LINE, NOTE, RECORD, SUNKEN, TEXT, font, layout, strong};
use super::widgets::{Look, button, check, choice_row, number, segment};
use crate::editor::screen::Model;
use crate::link::{Command, Slot, Stage};
use crate::model::settings::Target;
use crate::params::control::Control;

/// Corners of the first, a middle and the last of several buttons in a row.
const FIRST: CornerRadius = CornerRadius { nw: 6, ne: 0, sw: 6, se: 0 };
const MIDDLE: CornerRadius = CornerRadius::ZERO;
const LAST: CornerRadius = CornerRadius { nw: 0, ne: 6, sw: 0, se: 6 };
/// Points that all words need, while learning too.
const WIDE: f32 = 1150.0;
/// Points for the name of the target: what lies to the right of it stays where it is.
const NAME_WIDTH: f32 = 142.0;
/// Letters that fit into them.
const NAME_LETTERS: usize = 14;
/// The softest level that the capture button shows.
const LEVEL_FLOOR_DB: f32 = -60.0;

/// Draws the bar.
pub(super) fn header(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.x = 12.0;
    let is_wide = ui.available_width() >= WIDE;
    if is_wide {
        ui.label(egui::RichText::new("Unweave").font(strong(20.0)).color(TEXT));
        ui.add_space(8.0);
    }
    capture(ui, model, actions);
    last_seconds(ui, model, if is_wide { "Learn the last" } else { "Learn last" }, actions);
    targets(ui, model, actions);
    review(ui, model, actions);
    slots(ui, model, actions);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| stage(ui, model, actions));
}

fn is_capturing(model: &Model) -> bool {
    model.is_on(Control::Capture)
}

/// The big button: how long it has been recording, and how loud the input is.
fn capture(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    let seconds = if let Stage::Capturing { seconds } = model.stage { seconds } else { 0.0 };
    let text = if is_capturing(model) { format!("      Stop {seconds:5.1} s") } else { "      Capture".into() };
    let hint = match is_capturing(model) {
        true => "Ends the capture and learns from it",
        false => "Records what plays; a second press learns from it",
    };
    let response = button(ui, &Look { accent: Some(RECORD), min_width: 118.0, ..Look::new(&text, hint) });
    response.widget_info(|| {
        egui::WidgetInfo::selected(
            egui::Role::Button,
            true,
            is_capturing(model),
            if is_capturing(model) { "Stop" } else { "Capture" },
        )
    });
    if response.clicked() {
        actions.extend(gesture(Control::Capture, if is_capturing(model) { 0.0 } else { 1.0 }));
    }
    let (rect, painter) = (response.rect, ui.painter());
    let text_width = layout(ui, &text, strong(13.0), TEXT).size().x;
    let dot = pos2(rect.center().x - text_width / 2.0 + 5.0, rect.center().y);
    match is_capturing(model) {
        true => painter.rect_filled(Rect::from_center_size(dot, vec2(10.0, 10.0)), 2.0, RECORD),
        false => painter.circle_filled(dot, 5.0, RECORD),
    };
    let level = ((model.input_db - LEVEL_FLOOR_DB) / -LEVEL_FLOOR_DB).clamp(0.0, 1.0);
    let track = Rect::from_min_size(pos2(rect.left() + 8.0, rect.bottom() - 5.0), vec2(rect.width() - 16.0, 2.0));
    painter.rect_filled(track, 1.0, RECORD.gamma_multiply(0.25));
    let color = if model.input_db > -0.1 { NOTE } else { RECORD };
    painter.rect_filled(Rect::from_min_size(track.min, vec2(track.width() * level, 2.0)), 1.0, color);
}

/// Learn from what has already played.
fn last_seconds(ui: &mut Ui, model: &Model, words: &str, actions: &mut Vec<Action>) {
    let value = model.value(Control::LastSeconds);
    let text = format!("{words}  {}", value.text);
    let hint = format!("Learns from what has just played: {:.0} s are there", model.history_s);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = -1.0;
        let look = Look { is_enabled: model.history_s > 0.0, ..Look::new(&text, &hint) };
        if segment(ui, &look, false, FIRST).clicked() {
            actions.push(Action::Do(Command::LearnLast));
        }
        let more = segment(ui, &Look::new("▼", "How many seconds, and what captures do"), false, LAST);
        more.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Capture options"));
        let popup = Popup::menu(&more).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        popup.show(|ui| capture_options(ui, model, actions));
    });
}

fn capture_options(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    ui.set_min_width(250.0);
    number(ui, model, Control::LastSeconds, 1.0 / 29.0, actions);
    check(ui, model, Control::KeepHistory, "The last 30 s of the input are always there to learn from", actions);
    check(ui, model, Control::FollowTransport, "A capture records only while the host plays", actions);
    check(ui, model, Control::Accumulate, "A capture is added to the one that is kept for its target", actions);
    ui.separator();
    let row = |ui: &mut Ui, text: &str, hint: &str| ui.button(text).on_hover_text(hint).clicked();
    if row(ui, "Learn again", "Once more from the captures that are kept, with the settings as they are now") {
        actions.push(Action::Do(Command::LearnAgain));
        ui.close();
    }
    if row(ui, "Clear captures", "Forgets all that was recorded; what was learned stays") {
        actions.push(Action::Do(Command::Clear));
        ui.close();
    }
}

/// What the next capture holds.
fn targets(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    let options = model.value(Control::Target).options.len();
    let to = |option: usize| gesture(Control::Target, model.value(Control::Target).of_option(option));
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = -1.0;
        let is_all = model.target == Target::All;
        let text = format!("All · {} ▼", model.value(Control::Components).text);
        let hint = "The capture holds everything: it is taken apart into so many components";
        let all = segment(ui, &Look::new(&text, hint), is_all, FIRST);
        if all.clicked() && !is_all {
            actions.extend(to(0));
        }
        let popup = Popup::menu(&all).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        popup.show(|ui| {
            number(ui, model, Control::Components, 1.0 / 15.0, actions);
            choice_row(ui, model, Control::GroupBy, "What makes templates one component", actions);
        });
        let component = match model.target {
            Target::Component(component) => Some(usize::from(component)),
            Target::All | Target::Rest => None,
        };
        let text = component
            .map_or("Component ▼".into(), |component| format!("{} ▼", shortened(component_name(model, component))));
        let hint = "The capture holds one component alone; the others stay as they are";
        let look = Look { min_width: NAME_WIDTH, ..Look::new(&text, hint) };
        let one = segment(ui, &look, component.is_some(), MIDDLE);
        Popup::menu(&one).show(|ui| {
            for component in 0..(model.strips.len() + 1).min(options.saturating_sub(2)) {
                let name = component_name(model, component);
                if ui.selectable_label(model.target == Target::Component(component as u8), name).clicked() {
                    actions.extend(to(component + 1));
                    ui.close();
                }
            }
        });
        let hint = "The capture holds everything: a component learns what the others leave of it";
        if segment(ui, &Look::new("Rest", hint), model.target == Target::Rest, LAST).clicked() {
            actions.extend(to(options.saturating_sub(1)));
        }
    });
}

fn shortened(name: String) -> String {
    let is_long = name.chars().count() > NAME_LETTERS;
    if is_long { name.chars().take(NAME_LETTERS - 1).chain(['…']).collect() } else { name }
}

fn component_name(model: &Model, component: usize) -> String {
    match model.strips.get(component) {
        // A name that is only a number says nothing by itself.
        Some(strip) if strip.name != (component + 1).to_string() => strip.name.clone(),
        Some(_) => format!("Component {}", component + 1),
        None => format!("Component {} (new)", component + 1),
    }
}

fn review(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    let accent = |color: Color32| model.is_review.then_some(color);
    for (text, hint, color, command) in [
        ("Keep", "The model that was just learned stays", GOOD, Command::Keep),
        (
            "Revert",
            "What played before plays again; A/B gets the refused model back until the next learning",
            NOTE,
            Command::Revert,
        ),
    ] {
        let look = Look { is_enabled: model.is_review, accent: accent(color), ..Look::new(text, hint) };
        if button(ui, &look).clicked() {
            actions.push(Action::Do(command));
        }
    }
}

/// The last two models.
fn slots(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = -1.0;
        for (slot, text, corners) in [(Slot::A, "A", FIRST), (Slot::B, "B", LAST)] {
            let is_playing = model.slot == slot;
            let hint = if is_playing { "This model plays" } else { "Plays the other of the last two models" };
            let look = Look { is_enabled: is_playing || model.has_other, ..Look::new(text, hint) };
            if segment(ui, &look, is_playing, corners).clicked() && !is_playing {
                actions.push(Action::Do(Command::Compare));
            }
        }
    });
}

/// Where the workflow stands, from the right.
fn stage(ui: &mut Ui, model: &Model, actions: &mut Vec<Action>) {
    let text = match &model.stage {
        Stage::Live if model.learned_s > 0.0 => format!("live · learned from {:.1} s", model.learned_s),
        Stage::Empty => "nothing learned yet".into(),
        Stage::Failed(_) => "not learned".into(),
        stage => stage.to_string(),
    };
    let color = match model.stage {
        Stage::Live => GOOD,
        Stage::Empty => FAINT,
        Stage::Waiting | Stage::Capturing { .. } | Stage::Failed(_) => RECORD,
        Stage::Learning { .. } | Stage::Review => NOTE,
    };
    if let Stage::Learning { progress } = model.stage {
        if button(ui, &Look::new("Cancel", "Ends the learning; the model stays as it was")).clicked() {
            actions.push(Action::Do(Command::Cancel));
        }
        learning(ui, model, progress);
    }
    let galley = layout(ui, &text, font(13.0), color);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(16.0, 0.0), Sense::hover());
    label(&response, &text);
    response.on_hover_text(model.stage.to_string());
    ui.painter().circle_filled(pos2(rect.left() + 4.0, rect.center().y), 4.0, color);
    ui.painter().galley(pos2(rect.left() + 16.0, rect.top()), galley, color);
}

fn label(response: &Response, text: &str) {
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, text));
}

/// Progress, and the loss as it falls.
fn learning(ui: &mut Ui, model: &Model, progress: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(80.0, 30.0), Sense::hover());
    response.on_hover_text("The loss as it falls, and how much of the learning is done");
    let painter = ui.painter();
    painter.rect(rect, 4.0, SUNKEN, Stroke::new(1.0, LINE), egui::StrokeKind::Inside);
    let bar =
        Rect::from_min_size(pos2(rect.left() + 3.0, rect.bottom() - 5.0), vec2((rect.width() - 6.0) * progress, 2.0));
    painter.rect_filled(bar, 1.0, NOTE);
    // Logarithms, so that the end of the fall is still seen.
    let heights: Vec<f32> = model.losses.iter().map(|loss| loss.max(1e-9).ln()).collect();
    let (low, high) = heights.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    let last = heights.len().saturating_sub(1).max(1) as f32;
    let point = |(index, height): (usize, &f32)| {
        let share = (height - low) / (high - low).max(1e-6);
        pos2(
            rect.left() + 4.0 + (rect.width() - 8.0) * progress * index as f32 / last,
            rect.bottom() - 8.0 - 18.0 * share,
        )
    };
    let points: Vec<_> = heights.iter().enumerate().map(point).collect();
    if let Some(&last) = points.last() {
        painter.add(Shape::line(points, Stroke::new(1.5, TEXT)));
        painter.circle_filled(last, 2.5, BACKGROUND);
        painter.circle_filled(last, 2.0, NOTE);
    }
}
