//! A fader with a dB scale.

use egui::{Align2, Color32, CornerRadius, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::adjust::{Adjustment, Drag, adjust};
use crate::editor::action::Action;
use crate::editor::screen::Value;
use crate::editor::theme::{DIM, FAINT, LINE, TEXT, font};
use crate::params::control::Control;
use crate::params::fader_position;

/// The marks beside the track, in dB.
const MARKS_DB: [f32; 7] = [12.0, 6.0, 0.0, -6.0, -12.0, -24.0, f32::NEG_INFINITY];

/// What a fader shows.
pub struct FaderView {
    /// The track, and the scale on its right.
    pub rect: Rect,
    /// Whether the component is audible.
    pub is_heard: bool,
}

/// Shows and moves a gain.
pub fn fader(ui: &mut Ui, view: &FaderView, control: Control, value: &Value, actions: &mut Vec<Action>) {
    let rect = view.rect;
    let x = rect.left() + 17.0;
    let (top, bottom) = (rect.top() + 8.0, rect.bottom() - 8.0);
    let touch = Rect::from_min_max(pos2(rect.left(), rect.top()), pos2(x + 17.0, rect.bottom()));
    let response = ui.interact(touch, ui.scope_id().with(("fader", control)), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, &value.name));
    let response = response.on_hover_text(format!(
        "{}: {} (−∞ to +12 dB)\nDrag (hold Shift for fine steps) or turn the wheel\nDouble-click for 0 dB, right-click to type a value",
        value.name, value.text
    ));
    let adjustment = Adjustment { control, drag: Drag::Up(bottom - top) };
    let shown = adjust(ui, &response, value, &adjustment, actions);

    let painter = ui.painter();
    let y_of = |normalized: f32| egui::lerp(bottom..=top, normalized);
    painter.vline(x, top..=bottom, Stroke::new(3.0, LINE));
    for db in MARKS_DB {
        let y = y_of(fader_position(db));
        let text = if db == f32::NEG_INFINITY { "−∞".into() } else { format!("{db:+.0}").replace('-', "−") };
        painter.hline(x + 20.0..=x + 24.0, y, Stroke::new(1.0, LINE));
        let text = if db == 0.0 { "0".into() } else { text };
        painter.text(
            pos2(rect.right(), y),
            Align2::RIGHT_CENTER,
            text,
            font(10.0),
            if view.is_heard { FAINT } else { DIM },
        );
    }
    let handle = Rect::from_center_size(pos2(x, y_of(shown)), vec2(32.0, 15.0));
    let is_touched = response.hovered() || response.dragged();
    let fill = match view.is_heard {
        true if is_touched => Color32::WHITE,
        true => Color32::from_rgb(0xe2, 0xe7, 0xf0),
        false => FAINT,
    };
    painter.rect_filled(handle, CornerRadius::same(4), fill);
    painter.hline(
        handle.left() + 6.0..=handle.right() - 6.0,
        handle.center().y,
        Stroke::new(1.5, Color32::from_gray(40)),
    );
    if response.has_focus() {
        painter.rect_stroke(touch.expand(2.0), CornerRadius::same(4), Stroke::new(1.0, TEXT), egui::StrokeKind::Inside);
    }
}
