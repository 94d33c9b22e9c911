//! How the user adjusts a control: drag, Shift for fine steps, wheel, arrow keys, double click for the default, right click
//! or Enter to type a value. Gestures have a begin and an end, so that hosts can record them.

use egui::{Event, EventFilter, Id, Key, MouseWheelUnit, PointerButton, Popup, PopupCloseBehavior, Response, Ui, Vec2};

use crate::editor::action::{Action, gesture};
use crate::editor::screen::Value;
use crate::params::control::Control;

/// With Shift, everything moves a tenth as far.
const FINE: f32 = 0.1;
/// Wheel steps within this time add to the last sent value, which the host may not have applied yet.
const WHEEL_MEMORY_S: f64 = 0.4;

/// A touchpad scrolls so many points for one wheel step.
const POINTS_PER_STEP: f32 = 40.0;

/// How a control is adjusted.
pub(super) struct Adjustment {
    /// The control.
    pub(super) control: Control,
    /// What a drag does.
    pub(super) drag: Drag,
}

/// What a drag does.
pub(super) enum Drag {
    /// Upwards increases the value: so many points for the whole range.
    Up(f32),
    /// To the right increases the value: so many points for the whole range.
    Right(f32),
    /// The value follows the pointer's position, which is this value.
    To(f32),
}

/// A value that was sent to the host, and when.
#[derive(Clone, Copy)]
struct Sent {
    value: f32,
    at_s: f64,
}

/// Turns the user's input on `response` into actions. Returns the value to show.
pub(super) fn adjust(
    ui: &Ui,
    response: &Response,
    value: &Value,
    adjustment: &Adjustment,
    actions: &mut Vec<Action>,
) -> f32 {
    let id = response.id;
    let mut shown = value.normalized;
    if response.drag_started_by(PointerButton::Primary) {
        actions.push(Action::Grab(adjustment.control));
        remember(ui, id, value.normalized);
    }
    if response.dragged_by(PointerButton::Primary) {
        let before = recall(ui, id, f64::INFINITY).unwrap_or(value.normalized);
        shown = dragged(ui, response, &adjustment.drag, before).clamp(0.0, 1.0);
        remember(ui, id, shown);
        actions.push(Action::Set(adjustment.control, shown));
    }
    if response.drag_stopped_by(PointerButton::Primary) {
        actions.push(Action::Release(adjustment.control));
    }
    if response.double_clicked() {
        actions.extend(gesture(adjustment.control, value.default));
    }
    let steps = wheel_steps(ui, response) + key_steps(ui, response, value, adjustment.control, actions);
    if steps != 0.0 {
        let before = recall(ui, id, WHEEL_MEMORY_S).unwrap_or(value.normalized);
        shown = (before + steps * adjustment.control.entry().step() * fineness(ui)).clamp(0.0, 1.0);
        remember(ui, id, shown);
        actions.extend(gesture(adjustment.control, shown));
    }
    type_in(ui, response, value, adjustment.control, actions);
    shown
}

fn fineness(ui: &Ui) -> f32 {
    if ui.input(|input| input.modifiers.shift) { FINE } else { 1.0 }
}

fn dragged(ui: &Ui, response: &Response, drag: &Drag, before: f32) -> f32 {
    let Vec2 { x, y } = response.drag_delta();
    match drag {
        Drag::Up(len) => before - y / len * fineness(ui),
        Drag::Right(len) => before + x / len * fineness(ui),
        Drag::To(value) if fineness(ui) == 1.0 => *value,
        // With Shift it moves relative to its current value.
        Drag::To(_) => before - y / response.rect.height().max(1.0) * FINE,
    }
}

fn remember(ui: &Ui, id: Id, value: f32) {
    let sent = Sent { value, at_s: ui.input(|input| input.time) };
    ui.data_mut(|data| data.insert_temp(id, sent));
}

fn recall(ui: &Ui, id: Id, within_s: f64) -> Option<f32> {
    let now_s = ui.input(|input| input.time);
    let sent = ui.data(|data| data.get_temp::<Sent>(id))?;
    (now_s - sent.at_s <= within_s).then_some(sent.value)
}

/// Wheel steps over the control, without egui's smoothing.
fn wheel_steps(ui: &Ui, response: &Response) -> f32 {
    if !response.hovered() {
        return 0.0;
    }
    let steps = |event: &Event| {
        let Event::MouseWheel { unit, delta, .. } = event else { return 0.0 };
        // With Shift the system reports a horizontal wheel.
        let turned = if delta.y != 0.0 { delta.y } else { delta.x };
        match unit {
            MouseWheelUnit::Line | MouseWheelUnit::Page if turned == 0.0 => 0.0,
            MouseWheelUnit::Line | MouseWheelUnit::Page => turned.signum(),
            MouseWheelUnit::Point => turned / POINTS_PER_STEP,
        }
    };
    ui.input(|input| input.events.iter().map(steps).sum())
}

/// Arrow keys on the focused control; Delete resets it.
fn key_steps(ui: &Ui, response: &Response, value: &Value, control: Control, actions: &mut Vec<Action>) -> f32 {
    if !response.has_focus() {
        return 0.0;
    }
    let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
    if ui.input(|input| input.key_pressed(Key::Delete) || input.key_pressed(Key::Backspace)) {
        actions.extend(gesture(control, value.default));
    }
    ui.input(|input| {
        let pressed = |key: Key| f32::from(u8::from(input.key_pressed(key)));
        pressed(Key::ArrowUp) + pressed(Key::ArrowRight) - pressed(Key::ArrowDown) - pressed(Key::ArrowLeft)
    })
}

/// A right click, or Enter on the focused control, opens a field for a value.
fn type_in(ui: &Ui, response: &Response, value: &Value, control: Control, actions: &mut Vec<Action>) {
    let id = response.id.with("type");
    let is_asked = response.secondary_clicked() || response.has_focus() && ui.input(|i| i.key_pressed(Key::Enter));
    if is_asked {
        ui.data_mut(|data| data.insert_temp(id, value.text.clone()));
        Popup::open_id(ui.ctx(), id);
    }
    let popup = Popup::from_response(response).id(id).open_memory(None);
    popup.close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        let mut text = ui.data(|data| data.get_temp::<String>(id)).unwrap_or_default();
        ui.label(&value.name);
        let field = egui::TextEdit::singleline(&mut text).desired_width(90.0).id(id.with("field"));
        let field = ui.add(field).on_hover_text("Press Enter to set the value, Escape to cancel");
        if is_asked {
            field.request_focus();
            select_all(ui, field.id, &text);
        }
        if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            actions.push(Action::Type(control, text.clone()));
            Popup::close_id(ui.ctx(), id);
        }
        ui.data_mut(|data| data.insert_temp(id, text));
    });
}

/// Selects the whole text of a field, so that typing replaces it.
pub fn select_all(ui: &Ui, field: Id, text: &str) {
    use egui::text::{CCursor, CCursorRange};
    let mut state = egui::TextEdit::load_state(ui.ctx(), field).unwrap_or_default();
    let end = CCursor::new(text.chars().count());
    state.cursor.set_char_range(Some(CCursorRange::two(CCursor::default(), end)));
    state.store(ui.ctx(), field);
}
