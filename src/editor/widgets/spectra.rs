//! A component's templates as spectra on a logarithmic frequency axis. One can be carried to another strip.

use egui::{Color32, CornerRadius, CursorIcon, Popup, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2};

use crate::editor::action::Action;
use crate::editor::screen::{Model, TemplateCurve};
use crate::editor::theme::SUNKEN;
use crate::link::LearnRequest;

/// A template on its way to another strip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Carried {
    /// Its index among all of the model.
    pub template: usize,
    /// The component that it has now.
    pub from: usize,
}

/// Shows the templates of a component.
pub fn spectra(ui: &mut Ui, model: &Model, component: usize, rect: Rect, color: Color32, actions: &mut Vec<Action>) {
    let strip = &model.strips[component];
    let response = ui.interact(rect, ui.scope_id().with(("spectra", component)), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Templates {}", component + 1)));
    let nearest = response.hover_pos().and_then(|pointer| nearest(&strip.templates, rect, pointer));
    if response.drag_started()
        && let Some(template) = nearest
    {
        response.dnd_set_drag_payload(Carried { template, from: component });
    }
    let lit = egui::DragAndDrop::payload::<Carried>(ui.ctx()).map(|carried| carried.template).or(nearest);

    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, CornerRadius::same(4), SUNKEN);
    let is_one_lit = lit.is_some_and(|lit| strip.templates.iter().any(|template| template.index == lit));
    for (place, template) in strip.templates.iter().enumerate() {
        // Later ones are a little darker, so that neighbours can be told apart.
        let shade = 1.0 - 0.5 * place as f32 / strip.templates.len() as f32;
        let stroke = match is_one_lit {
            true if lit == Some(template.index) => Stroke::new(1.8, Color32::WHITE),
            true => Stroke::new(1.0, color.gamma_multiply(0.35)),
            false => Stroke::new(1.0, color.gamma_multiply(shade)),
        };
        painter.add(Shape::line(points(template, rect), stroke));
    }
    let hint = match nearest.and_then(|nearest| strip.templates.iter().position(|t| t.index == nearest)) {
        Some(place) => format!(
            "Template {} of {}, 40 Hz to 16 kHz\nDrag it to another strip, or right click, to regroup",
            place + 1,
            strip.templates.len()
        ),
        None => "Templates, 40 Hz to 16 kHz".into(),
    };
    super::button::outline_focus(ui, &response);
    regroup(ui, model, component, &response, nearest, actions);
    response.on_hover_text(hint).on_hover_and_drag_cursor(CursorIcon::Grab);
}

/// A right click, or Enter where the keyboard is, lists where a template can go.
fn regroup(
    ui: &Ui,
    model: &Model,
    component: usize,
    response: &egui::Response,
    nearest: Option<usize>,
    actions: &mut Vec<Action>,
) {
    let id = response.id.with("regroup");
    let is_key = response.has_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    if response.secondary_clicked() || is_key {
        let templates = &model.strips[component].templates;
        let chosen = nearest.or(templates.first().map(|template| template.index));
        ui.data_mut(|data| data.insert_temp(id, chosen));
        Popup::open_id(ui.ctx(), id);
    }
    Popup::from_response(response).id(id).open_memory(None).show(|ui| {
        let Some(template) = ui.data(|data| data.get_temp::<Option<usize>>(id)).flatten() else { return };
        let place = model.strips[component].templates.iter().position(|curve| curve.index == template);
        ui.label(format!("Template {} goes to", place.unwrap_or(0) + 1));
        for (other, strip) in model.strips.iter().enumerate().filter(|(other, _)| *other != component) {
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

/// The template whose curve passes the pointer most closely.
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
