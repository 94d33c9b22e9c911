//! One strip per component, eight visible at once: name, templates, activation meter with gate threshold, fader, and the
//! switches for solo, mute and gate.

use egui::{
    Align, Align2, Color32, CornerRadius, CursorIcon, Key, Layout, Rect, Role, Sense, Stroke, StrokeKind, Ui,
    UiBuilder, WidgetInfo, pos2, vec2,
};

use super::action::{Action, gesture};
use super::theme::{DIM, FAINT, LINE, PANEL, TEXT, component_color, font, strong, write};
use super::widgets::{
    ButtonView, DraggedTemplate, FaderView, MeterView, SwitchView, button, fader, meter, select_all, spectra, switch,
};
use crate::dsp::MAX_COMPONENTS;
use crate::editor::screen::Screen;
use crate::link::LearnRequest;
use crate::model::settings::Target;
use crate::params::control::Control;

/// A strip's height in points. Between the fader's value and the switches there is room for an output and a MIDI note.
pub(super) const HEIGHT: f32 = 302.0;
/// Strips that are visible at once.
const VISIBLE: usize = 8;
const GAP: f32 = 8.0;
/// The threshold of a gate that is switched on: above most crosstalk, below most playing.
const GATE_DB: f32 = -36.0;

/// Draws the strips of the components, and empty ones up to eight. More than eight scroll.
pub(super) fn strips(ui: &mut Ui, screen: &Screen, rect: Rect, actions: &mut Vec<Action>) {
    let count = screen.strips.len().clamp(VISIBLE, MAX_COMPONENTS);
    let width = (rect.width() - GAP * (VISIBLE - 1) as f32) / VISIBLE as f32;
    let builder = UiBuilder::new().max_rect(rect);
    ui.scope_builder(builder, |ui| {
        let area = egui::ScrollArea::horizontal().id_salt("strips").auto_shrink([false, false]);
        area.show(ui, |ui| {
            let total = width * count as f32 + GAP * (count - 1) as f32;
            let (all, _) = ui.allocate_exact_size(vec2(total, HEIGHT), Sense::hover());
            for component in 0..count {
                let left = all.left() + (width + GAP) * component as f32;
                let rect = Rect::from_min_size(pos2(left, all.top()), vec2(width, HEIGHT));
                match screen.strips.get(component) {
                    Some(_) => strip(ui, screen, component, rect, actions),
                    None => empty(ui, screen, component, rect, actions),
                }
            }
        });
    });
}

fn strip(ui: &mut Ui, screen: &Screen, component: usize, rect: Rect, actions: &mut Vec<Action>) {
    let color = component_color(component);
    let is_heard = !screen.is_on(Control::Mute(component)) && !screen.is_soloed_out(component);
    let shown = if is_heard { color } else { color.gamma_multiply(0.45) };
    ui.painter().rect(rect, CornerRadius::same(8), PANEL, Stroke::new(1.0, LINE), StrokeKind::Inside);
    drop_zone(ui, component, rect, color, actions);
    let inner = rect.shrink2(vec2(10.0, 0.0));
    name(
        ui,
        screen,
        component,
        Rect::from_min_size(pos2(inner.left(), rect.top() + 8.0), vec2(inner.width(), 22.0)),
        actions,
    );
    let bar = Rect::from_min_size(pos2(inner.left(), rect.top() + 32.0), vec2(inner.width(), 3.0));
    ui.painter().rect_filled(bar, CornerRadius::same(2), shown);
    let plot = Rect::from_min_size(pos2(inner.left(), rect.top() + 41.0), vec2(inner.width(), 58.0));
    spectra(ui, screen, component, plot, shown, actions);

    let (top, bottom) = (rect.top() + 108.0, rect.top() + 236.0);
    let view = MeterView {
        rect: Rect::from_min_max(pos2(inner.left(), top), pos2(inner.left() + 14.0, bottom)),
        color: shown,
        activation_db: screen.strips[component].activation_db,
    };
    let gate = Control::Gate(component);
    meter(ui, &view, gate, screen.value(gate), actions);
    let center = inner.center().x;
    let view = FaderView { rect: Rect::from_min_max(pos2(center - 6.0, top), pos2(inner.right(), bottom)), is_heard };
    let gain = Control::Gain(component);
    fader(ui, &view, gain, screen.value(gain), actions);
    let text = screen.value(gain).text.replace('-', "−");
    ui.painter().text(
        pos2(rect.center().x, bottom + 9.0),
        Align2::CENTER_CENTER,
        text,
        font(12.0),
        if is_heard { TEXT } else { FAINT },
    );
    let row = Rect::from_min_size(pos2(inner.left(), rect.bottom() - 30.0), vec2(inner.width(), 22.0));
    switches(ui, screen, component, row, color, actions);
}

fn switches(ui: &mut Ui, screen: &Screen, component: usize, row: Rect, color: Color32, actions: &mut Vec<Action>) {
    let width = (row.width() - 2.0 * 6.0) / 3.0;
    let (solo, mute, gate) = (Control::Solo(component), Control::Mute(component), Control::Gate(component));
    let is_gated = screen.value(gate).normalized > 0.0;
    let number = component + 1;
    let switches = [
        ("S", screen.value(solo).name.clone(), solo.entry().help, screen.is_on(solo)),
        ("M", screen.value(mute).name.clone(), mute.entry().help, screen.is_on(mute)),
        ("G", format!("Gate {number} on or off"), gate.entry().help, is_gated),
    ];
    for (index, (letter, name, hint, is_on)) in switches.into_iter().enumerate() {
        let left = row.left() + (width + 6.0) * index as f32;
        let rect = Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height()));
        if switch(ui, &SwitchView { rect, letter, name, hint, color, is_on }) {
            let to = f32::from(u8::from(!is_on));
            match index {
                0 => actions.extend(gesture(solo, to)),
                1 => actions.extend(gesture(mute, to)),
                _ if is_on => actions.extend(gesture(gate, 0.0)),
                _ => actions.extend(gesture(gate, crate::params::gate_position(GATE_DB))),
            }
        }
    }
}

/// The name, and the number of templates. A double click, or Enter while it has the focus, edits the name.
fn name(ui: &mut Ui, screen: &Screen, component: usize, rect: Rect, actions: &mut Vec<Action>) {
    let strip = &screen.strips[component];
    let id = ui.scope_id().with(("name", component));
    if let Some(text) = ui.data(|data| data.get_temp::<String>(id)) {
        return edit_name(ui, component, rect, text, actions);
    }
    let response = ui.interact(rect, id.with("label"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Name {}: {}", component + 1, strip.name)));
    let is_asked = response.double_clicked() || response.has_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    if is_asked {
        ui.data_mut(|data| data.insert_temp(id, strip.name.clone()));
    }
    let count = strip.templates.len();
    let response = response.on_hover_text(format!("{}: {count} templates\nDouble-click to rename", strip.name));
    let response = response.on_hover_cursor(CursorIcon::Text);
    let painter = ui.painter_at(rect.expand(2.0));
    painter.text(rect.right_center(), Align2::RIGHT_CENTER, count.to_string(), font(11.0), FAINT);
    // A name that is only a number is shown as “Component 3”.
    let is_numbered = strip.name == (component + 1).to_string();
    let text = if is_numbered { format!("Component {}", strip.name) } else { strip.name.clone() };
    let clip = Rect::from_min_max(rect.min, pos2(rect.right() - 22.0, rect.bottom()));
    ui.painter_at(clip).text(rect.left_center(), Align2::LEFT_CENTER, text, strong(13.0), TEXT);
    if response.has_focus() {
        painter.rect_stroke(rect, CornerRadius::same(3), Stroke::new(1.0, TEXT), StrokeKind::Outside);
    }
}

fn edit_name(ui: &mut Ui, component: usize, rect: Rect, mut text: String, actions: &mut Vec<Action>) {
    let id = ui.scope_id().with(("name", component));
    let field = egui::TextEdit::singleline(&mut text).id(id.with("field")).font(strong(13.0)).char_limit(32);
    let field = ui.put(rect, field);
    // In the field's first frame the whole text is selected, so that typing replaces it.
    let is_new = ui.data_mut(|data| !std::mem::replace(data.get_temp_mut_or(id.with("open"), false), true));
    if is_new {
        field.request_focus();
        select_all(ui, field.id, &text);
    }
    let is_cancelled = ui.input(|input| input.key_pressed(Key::Escape));
    if field.lost_focus() || is_cancelled {
        if !is_cancelled {
            actions.push(Action::Learn(LearnRequest::Rename { component, name: text }));
        }
        ui.data_mut(|data| {
            data.remove::<String>(id);
            data.remove::<bool>(id.with("open"));
        });
    } else {
        ui.data_mut(|data| data.insert_temp(id, text));
    }
}

/// Accepts a template that is dragged here from another strip.
fn drop_zone(ui: &Ui, component: usize, rect: Rect, color: Color32, actions: &mut Vec<Action>) {
    let Some(dragged) = egui::DragAndDrop::payload::<DraggedTemplate>(ui.ctx()) else { return };
    let is_over = ui.input(|input| input.pointer.interact_pos().is_some_and(|pointer| rect.contains(pointer)));
    if dragged.from == component || !is_over {
        return;
    }
    ui.painter().rect(
        rect,
        CornerRadius::same(8),
        color.gamma_multiply(0.12),
        Stroke::new(2.0, color),
        StrokeKind::Inside,
    );
    if ui.input(|input| input.pointer.any_released()) {
        egui::DragAndDrop::clear_payload(ui.ctx());
        actions.push(Action::Learn(LearnRequest::Move { template: dragged.template, component }));
    }
}

fn empty(ui: &mut Ui, screen: &Screen, component: usize, rect: Rect, actions: &mut Vec<Action>) {
    let is_target = screen.target() == Target::Component(component as u8);
    let color = component_color(component).gamma_multiply(if is_target { 1.0 } else { 0.35 });
    let border = if is_target { color } else { LINE.gamma_multiply(0.5) };
    ui.painter().rect_stroke(rect, CornerRadius::same(8), Stroke::new(1.0, border), StrokeKind::Inside);
    let (left, center) = (rect.left() + 10.0, rect.center());
    let title = format!("{} · {}", component + 1, if is_target { "next" } else { "empty" });
    write(
        ui,
        (pos2(left, rect.top() + 19.0), Align2::LEFT_CENTER),
        &title,
        font(13.0),
        if is_target { TEXT } else { DIM },
    );
    let bar = Rect::from_min_size(pos2(left, rect.top() + 32.0), vec2(rect.width() - 20.0, 3.0));
    ui.painter().rect_filled(bar, CornerRadius::same(2), color);
    if component != screen.strips.len() {
        return;
    }
    // The first empty strip invites the user to teach the next component.
    let lines = match is_target {
        true => ["Play it alone,", "then capture it."],
        false => ["Does a sound", "play alone?"],
    };
    for (line, y) in lines.into_iter().zip([-24.0, -6.0]) {
        write(ui, (pos2(center.x, center.y + y), Align2::CENTER_CENTER), line, font(12.0), FAINT);
    }
    if !is_target {
        let rect = Rect::from_center_size(center + vec2(0.0, 26.0), vec2(rect.width() - 20.0, 30.0));
        let builder = UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Center));
        ui.scope_builder(builder, |ui| {
            let view = ButtonView::new(
                "Teach it",
                "The next capture contains this component alone; the others stay as they are",
            );
            if button(ui, &view).clicked() {
                let value = screen.value(Control::Target);
                actions.extend(gesture(Control::Target, value.of_option(component + 1)));
            }
        });
    }
}
