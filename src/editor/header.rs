//! The bar at the top: capture, learn from the last seconds, target, keep or revert, A or B, and the current step of the workflow.

use egui::{
    Align, Color32, CornerRadius, Layout, Popup, PopupCloseBehavior, Rect, Response, Sense, Shape, Stroke, Ui, pos2,
    vec2,
};

use super::action::{Action, gesture};
use super::theme::{BACKGROUND, FAINT, GOOD, LINE, NOTE, RECORD, SUNKEN, TEXT, font, layout, strong};
use super::widgets::{ButtonView, button, row, segment};
use crate::editor::screen::Screen;
use crate::link::{Command, Slot, Stage};
use crate::model::settings::Target;
use crate::params::control::Control;

/// Corners of the first, a middle and the last of several buttons in a row.
const FIRST: CornerRadius = CornerRadius { nw: 6, ne: 0, sw: 6, se: 0 };
const MIDDLE: CornerRadius = CornerRadius::ZERO;
const LAST: CornerRadius = CornerRadius { nw: 0, ne: 6, sw: 0, se: 6 };
/// Points that all texts need, also while learning.
const WIDE: f32 = 1150.0;
/// Points for the name of the target. It is fixed, so that the buttons on its right do not move.
const NAME_WIDTH: f32 = 142.0;
/// Letters that fit into that width.
const NAME_LETTERS: usize = 14;
/// The lowest level that the capture button shows.
const LEVEL_FLOOR_DB: f32 = -60.0;

/// Draws the bar.
pub(super) fn header(ui: &mut Ui, screen: &Screen, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.x = 12.0;
    if ui.available_width() >= WIDE {
        ui.label(egui::RichText::new("Unweave").font(strong(20.0)).color(TEXT));
        ui.add_space(8.0);
    }
    capture(ui, screen, actions);
    last_seconds(ui, screen, actions);
    targets(ui, screen, actions);
    review(ui, screen, actions);
    slots(ui, screen, actions);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| stage(ui, screen, actions));
}

fn is_capturing(screen: &Screen) -> bool {
    screen.is_on(Control::Capture)
}

/// The capture button, with the length of the capture and the level of the input.
fn capture(ui: &mut Ui, screen: &Screen, actions: &mut Vec<Action>) {
    let seconds = if let Stage::Capturing { seconds } = screen.stage { seconds } else { 0.0 };
    let text = if is_capturing(screen) { format!("      Stop {seconds:5.1} s") } else { "      Capture".into() };
    let hint = match is_capturing(screen) {
        true => "Stops recording and learns from the capture",
        false => "Records the input; press again to learn from it",
    };
    let response = button(ui, &ButtonView { accent: Some(RECORD), min_width: 118.0, ..ButtonView::new(&text, hint) });
    response.widget_info(|| {
        egui::WidgetInfo::selected(
            egui::Role::Button,
            true,
            is_capturing(screen),
            if is_capturing(screen) { "Stop" } else { "Capture" },
        )
    });
    if response.clicked() {
        actions.extend(gesture(Control::Capture, if is_capturing(screen) { 0.0 } else { 1.0 }));
    }
    let (rect, painter) = (response.rect, ui.painter());
    let text_width = layout(ui, &text, strong(13.0), TEXT).size().x;
    let dot = pos2(rect.center().x - text_width / 2.0 + 5.0, rect.center().y);
    match is_capturing(screen) {
        true => painter.rect_filled(Rect::from_center_size(dot, vec2(10.0, 10.0)), 2.0, RECORD),
        false => painter.circle_filled(dot, 5.0, RECORD),
    };
    let level = ((screen.input_db - LEVEL_FLOOR_DB) / -LEVEL_FLOOR_DB).clamp(0.0, 1.0);
    let track = Rect::from_min_size(pos2(rect.left() + 8.0, rect.bottom() - 5.0), vec2(rect.width() - 16.0, 2.0));
    painter.rect_filled(track, 1.0, RECORD.gamma_multiply(0.25));
    let color = if screen.input_db > -0.1 { NOTE } else { RECORD };
    painter.rect_filled(Rect::from_min_size(track.min, vec2(track.width() * level, 2.0)), 1.0, color);
}

/// Learns from the input of the last seconds.
fn last_seconds(ui: &mut Ui, screen: &Screen, actions: &mut Vec<Action>) {
    let value = screen.value(Control::LastSeconds);
    let text = format!("Learn last  {}", value.text);
    let hint = format!("Learns from the most recent input: {:.0} s are available", screen.history_s);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = -1.0;
        let view = ButtonView { is_enabled: screen.history_s > 0.0, ..ButtonView::new(&text, &hint) };
        if segment(ui, &view, false, FIRST).clicked() {
            actions.push(Action::Do(Command::LearnLast));
        }
        let more = segment(ui, &ButtonView::new("▼", "How many seconds, and options of captures"), false, LAST);
        more.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Capture options"));
        let popup = Popup::menu(&more).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        popup.show(|ui| capture_options(ui, screen, actions));
    });
}

fn capture_options(ui: &mut Ui, screen: &Screen, actions: &mut Vec<Action>) {
    ui.set_min_width(250.0);
    row(ui, screen, Control::LastSeconds, actions);
    row(ui, screen, Control::KeepHistory, actions);
    row(ui, screen, Control::FollowTransport, actions);
    row(ui, screen, Control::Accumulate, actions);
    ui.separator();
    let row = |ui: &mut Ui, text: &str, hint: &str| ui.button(text).on_hover_text(hint).clicked();
    if row(ui, "Learn again", "Learns again from the stored captures, with the current settings") {
        actions.push(Action::Do(Command::LearnAgain));
        ui.close();
    }
    if row(ui, "Clear captures", "Deletes all recorded audio; models stay") {
        actions.push(Action::Do(Command::Clear));
        ui.close();
    }
}

/// What the next capture contains.
fn targets(ui: &mut Ui, screen: &Screen, actions: &mut Vec<Action>) {
    let options = screen.value(Control::Target).options.len();
    let to = |option: usize| gesture(Control::Target, screen.value(Control::Target).of_option(option));
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = -1.0;
        let target = screen.target();
        let is_all = target == Target::All;
        let text = format!("All · {} ▼", screen.value(Control::Components).text);
        let hint = "The capture contains everything: it is split into this many components";
        let all = segment(ui, &ButtonView::new(&text, hint), is_all, FIRST);
        if all.clicked() && !is_all {
            actions.extend(to(0));
        }
        let popup = Popup::menu(&all).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        popup.show(|ui| {
            row(ui, screen, Control::Components, actions);
            row(ui, screen, Control::GroupBy, actions);
        });
        let component = match target {
            Target::Component(component) => Some(usize::from(component)),
            Target::All | Target::Rest => None,
        };
        let text = component
            .map_or("Component ▼".into(), |component| format!("{} ▼", shortened(component_name(screen, component))));
        let hint = "The capture contains one component alone; the others stay as they are";
        let view = ButtonView { min_width: NAME_WIDTH, ..ButtonView::new(&text, hint) };
        let one = segment(ui, &view, component.is_some(), MIDDLE);
        Popup::menu(&one).show(|ui| {
            for component in 0..(screen.strips.len() + 1).min(options.saturating_sub(2)) {
                let name = component_name(screen, component);
                if ui.selectable_label(target == Target::Component(component as u8), name).clicked() {
                    actions.extend(to(component + 1));
                    ui.close();
                }
            }
        });
        let hint = "The capture contains everything: one component learns what the others do not explain";
        if segment(ui, &ButtonView::new("Rest", hint), target == Target::Rest, LAST).clicked() {
            actions.extend(to(options.saturating_sub(1)));
        }
    });
}

fn shortened(name: String) -> String {
    let is_long = name.chars().count() > NAME_LETTERS;
    if is_long { name.chars().take(NAME_LETTERS - 1).chain(['…']).collect() } else { name }
}

fn component_name(screen: &Screen, component: usize) -> String {
    match screen.strips.get(component) {
        // A name that is only a number is shown as “Component 3”.
        Some(strip) if strip.name != (component + 1).to_string() => strip.name.clone(),
        Some(_) => format!("Component {}", component + 1),
        None => format!("Component {} (new)", component + 1),
    }
}

fn review(ui: &mut Ui, screen: &Screen, actions: &mut Vec<Action>) {
    let accent = |color: Color32| screen.is_review.then_some(color);
    for (text, hint, color, command) in [
        ("Keep", "Keeps the model that was just learned", GOOD, Command::Keep),
        (
            "Revert",
            "Returns to the previous model; A/B plays the rejected one until the next learning",
            NOTE,
            Command::Revert,
        ),
    ] {
        let view = ButtonView { is_enabled: screen.is_review, accent: accent(color), ..ButtonView::new(text, hint) };
        if button(ui, &view).clicked() {
            actions.push(Action::Do(command));
        }
    }
}

/// Switches between the last two models.
fn slots(ui: &mut Ui, screen: &Screen, actions: &mut Vec<Action>) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = -1.0;
        for (slot, text, corners) in [(Slot::A, "A", FIRST), (Slot::B, "B", LAST)] {
            let is_playing = screen.slot == slot;
            let hint = if is_playing { "This model is playing" } else { "Plays the other of the last two models" };
            let view = ButtonView { is_enabled: is_playing || screen.has_other, ..ButtonView::new(text, hint) };
            if segment(ui, &view, is_playing, corners).clicked() && !is_playing {
                actions.push(Action::Do(Command::Compare));
            }
        }
    });
}

/// The current step of the workflow, laid out from the right.
fn stage(ui: &mut Ui, screen: &Screen, actions: &mut Vec<Action>) {
    let text = match &screen.stage {
        Stage::Live if screen.learned_s > 0.0 => format!("live · learned from {:.1} s", screen.learned_s),
        Stage::Empty => "nothing learned yet".into(),
        Stage::Failed(_) => "failed".into(),
        stage => stage.to_string(),
    };
    let color = match screen.stage {
        Stage::Live => GOOD,
        Stage::Empty => FAINT,
        Stage::Waiting | Stage::Capturing { .. } | Stage::Failed(_) => RECORD,
        Stage::Learning { .. } | Stage::Review => NOTE,
    };
    if let Stage::Learning { progress } = screen.stage {
        if button(ui, &ButtonView::new("Cancel", "Stops learning; the model stays as it was")).clicked() {
            actions.push(Action::Do(Command::Cancel));
        }
        learning(ui, screen, progress);
    }
    let galley = layout(ui, &text, font(13.0), color);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(16.0, 0.0), Sense::hover());
    label(&response, &text);
    response.on_hover_text(screen.stage.to_string());
    ui.painter().circle_filled(pos2(rect.left() + 4.0, rect.center().y), 4.0, color);
    ui.painter().galley(pos2(rect.left() + 16.0, rect.top()), galley, color);
}

fn label(response: &Response, text: &str) {
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, text));
}

/// The progress of the learning, and its loss so far.
fn learning(ui: &mut Ui, screen: &Screen, progress: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(80.0, 30.0), Sense::hover());
    response.on_hover_text("The loss so far on a logarithmic scale, and the progress of the learning");
    let painter = ui.painter();
    painter.rect(rect, 4.0, SUNKEN, Stroke::new(1.0, LINE), egui::StrokeKind::Inside);
    let bar =
        Rect::from_min_size(pos2(rect.left() + 3.0, rect.bottom() - 5.0), vec2((rect.width() - 6.0) * progress, 2.0));
    painter.rect_filled(bar, 1.0, NOTE);
    // On a logarithmic scale the small improvements at the end remain visible.
    let heights: Vec<f32> = screen.losses.iter().map(|loss| loss.max(1e-9).ln()).collect();
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
