//! An activation meter, with the gate's threshold as a line that can be dragged.

use egui::{CornerRadius, CursorIcon, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2};

use super::adjust::{Adjustment, Drag, adjust};
use crate::editor::action::Action;
use crate::editor::screen::Value;
use crate::editor::theme::{SUNKEN, TEXT};
use crate::params::control::Control;
use crate::params::{GATE_MAX_DB, GATE_OFF_DB};

/// What a meter shows.
pub struct MeterView {
    /// Its rectangle.
    pub rect: Rect,
    /// The component's colour.
    pub color: egui::Color32,
    /// Its activation in dB.
    pub activation_db: f32,
}

/// Shows an activation, and shows and moves the gate's threshold.
pub fn meter(ui: &mut Ui, view: &MeterView, control: Control, value: &Value, actions: &mut Vec<Action>) {
    let rect = view.rect;
    let response =
        ui.interact(rect.expand2(egui::vec2(3.0, 0.0)), ui.scope_id().with(("gate", control)), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, &value.name));
    let pointer = response.interact_pointer_pos().map_or(0.0, |pointer| pointer.y);
    let drag = Drag::To((rect.bottom() - pointer) / rect.height());
    let shown = adjust(ui, &response, value, &Adjustment { control, drag }, actions);
    let response = response.on_hover_text(format!(
        "Activation: {:.0} dB\n{}: {}; the component is silent while its activation is below\nDrag the line (hold Shift for fine steps) or turn the wheel\nDouble-click to switch the gate off, right-click to type a value",
        view.activation_db, value.name, value.text
    ));
    let response = response.on_hover_cursor(CursorIcon::ResizeVertical);

    let height = ((view.activation_db - GATE_OFF_DB) / (GATE_MAX_DB - GATE_OFF_DB)).clamp(0.0, 1.0);
    let is_closed = shown > 0.0 && height < shown;
    let color = if is_closed { view.color.gamma_multiply(0.35) } else { view.color };
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(3), SUNKEN);
    let y_of = |share: f32| rect.bottom() - rect.height() * share;
    painter.rect_filled(Rect::from_min_max(pos2(rect.left(), y_of(height)), rect.max), CornerRadius::same(3), color);
    if shown > 0.0 {
        painter.hline(rect.left() - 2.0..=rect.right() + 2.0, y_of(shown), Stroke::new(2.0, TEXT));
    } else if response.hovered() {
        painter.hline(
            rect.left() - 2.0..=rect.right() + 2.0,
            rect.bottom() - 1.0,
            Stroke::new(2.0, TEXT.gamma_multiply(0.6)),
        );
    }
    if response.has_focus() {
        painter.rect_stroke(rect.expand(3.0), CornerRadius::same(4), Stroke::new(1.0, TEXT), StrokeKind::Inside);
    }
}
