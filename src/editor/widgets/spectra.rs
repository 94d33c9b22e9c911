//! A component's templates as spectra on a logarithmic frequency axis. A template can be dragged to another strip.

use egui::{Color32, CornerRadius, CursorIcon, Popup, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2};

use crate::editor::action::Action;
use crate::editor::screen::{Screen, TemplateCurve};
use crate::editor::theme::SUNKEN;
use crate::link::LearnRequest;

/// A template that is being dragged to another strip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DraggedTemplate {
    /// Its index among all templates of the model.
    pub template: usize,
    /// The component that owns it now.
    pub from: usize,
}

/// Shows the templates of a component.
pub fn spectra(ui: &mut Ui, screen: &Screen, component: usize, rect: Rect, color: Color32, actions: &mut Vec<Action>) {
    let strip = &screen.strips[component];
    let response = ui.interact(rect, ui.scope_id().with(("spectra", component)), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Templates {}", component + 1)));
    let nearest = response.hover_pos().and_then(|pointer| nearest(&strip.templates, rect, pointer));
    if response.drag_started()
        && let Some(template) = nearest
    {
        response.dnd_set_drag_payload(DraggedTemplate { template, from: component });
    }
    let highlighted =
        egui::DragAndDrop::payload::<DraggedTemplate>(ui.ctx()).map(|dragged| dragged.template).or(nearest);

    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, CornerRadius::same(4), SUNKEN);
    let is_any_highlighted =
        highlighted.is_some_and(|highlighted| strip.templates.iter().any(|template| template.index == highlighted));
    for (position, template) in strip.templates.iter().enumerate() {
        // Later templates are darker, so that they can be told apart.
        let shade = 1.0 - 0.5 * position as f32 / strip.templates.len() as f32;
        let stroke = match is_any_highlighted {
            true if highlighted == Some(template.index) => Stroke::new(1.8, Color32::WHITE),
            true => Stroke::new(1.0, color.gamma_multiply(0.35)),
            false => Stroke::new(1.0, color.gamma_multiply(shade)),
        };
        painter.add(Shape::line(points(template, rect), stroke));
    }
    let hint = match nearest.and_then(|nearest| strip.templates.iter().position(|t| t.index == nearest)) {
        Some(position) => format!(
            "Template {} of {}, 40 Hz to 16 kHz\nDrag it to another strip, or right-click it, to move it to another component",
            position + 1,
            strip.templates.len()
        ),
        None => "Templates, 40 Hz to 16 kHz".into(),
    };
    super::button::outline_focus(ui, &response);
    regroup(ui, screen, component, &response, nearest, actions);
    response.on_hover_text(hint).on_hover_and_drag_cursor(CursorIcon::Grab);
}

/// A right click, or Enter while the spectra have the focus, lists the components that a template can move to.
fn regroup(
    ui: &Ui,
    screen: &Screen,
    component: usize,
    response: &egui::Response,
    nearest: Option<usize>,
    actions: &mut Vec<Action>,
) {
    let id = response.id.with("regroup");
    let is_key = response.has_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    if response.secondary_clicked() || is_key {
        let templates = &screen.strips[component].templates;
        let chosen = nearest.or(templates.first().map(|template| template.index));
        ui.data_mut(|data| data.insert_temp(id, chosen));
        Popup::open_id(ui.ctx(), id);
    }
    Popup::from_response(response).id(id).open_memory(None).show(|ui| {
        let Some(template) = ui.data(|data| data.get_temp::<Option<usize>>(id)).flatten() else { return };
        let position = screen.strips[component].templates.iter().position(|curve| curve.index == template);
        ui.label(format!("Move template {} to", position.unwrap_or(0) + 1));
        for (other, strip) in screen.strips.iter().enumerate().filter(|(other, _)| *other != component) {
            if ui.button(&strip.name).clicked() {
                actions.push(Action::Learn(LearnRequest::Move { template, component: other }));
                ui.close();
            }
        }
    });
}

fn points(template: &TemplateCurve, rect: Rect) -> Vec<Pos2> {
    let last = template.heights.len().saturating_sub(1).max(1) as f32;
    let inner = rect.shrink(2.0);
    let point = |(index, height): (usize, &f32)| {
        pos2(inner.left() + inner.width() * index as f32 / last, inner.bottom() - inner.height() * height)
    };
    template.heights.iter().enumerate().map(point).collect()
}

/// The template whose curve is closest to the pointer.
fn nearest(templates: &[TemplateCurve], rect: Rect, pointer: Pos2) -> Option<usize> {
    let inner = rect.shrink(2.0);
    let across = ((pointer.x - inner.left()) / inner.width()).clamp(0.0, 1.0);
    let height = (inner.bottom() - pointer.y) / inner.height();
    let distance = |template: &TemplateCurve| {
        let index = (across * template.heights.len().saturating_sub(1) as f32).round() as usize;
        (template.heights.get(index).copied().unwrap_or(0.0) - height).abs()
    };
    templates.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).map(|template| template.index)
}
