//! The player's bar: the song that plays as input, and its loop.

use egui::{Color32, CornerRadius, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::action::{Action, FilePurpose, SongAction};
use super::screen::SongView;
use super::theme::{FAINT, LINE, PANEL, SUNKEN, TEXT, UNOWNED, font, layout};
use super::widgets::{ButtonView, button, file_menu};

/// The bar's height in points.
pub(super) const HEIGHT: f32 = 46.0;
/// The colour of the loop.
const LOOP: Color32 = Color32::from_rgb(0x7f, 0xa6, 0xff);
/// A shorter drag is taken for an imprecise click.
const SHORTEST_LOOP_S: f32 = 0.1;

/// Draws the bar.
pub(super) fn song(ui: &mut Ui, song: &SongView, actions: &mut Vec<Action>) {
    let is_there = song.seconds > 0.0;
    let (text, hint, action) = match song.is_playing {
        true => ("Pause", "Pauses the song; the live input is heard instead", SongAction::Pause),
        false => ("Play", "Plays the song as input", SongAction::Play),
    };
    if button(ui, &ButtonView { is_enabled: is_there, min_width: 66.0, ..ButtonView::new(text, hint) }).clicked() {
        actions.push(Action::Song(action));
    }
    let hint = "Opens a song to play as input: WAV, FLAC, MP3, Ogg Vorbis or AIFF";
    file_menu(ui, "Open…", FilePurpose::Song, hint, actions);
    let width = (ui.available_width() - if song.loop_range.is_some() { 86.0 } else { 0.0 }).max(1.0);
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, is_there, "Song"));
    draw(ui, song, rect);
    if is_there {
        let second = |x: f32| ((x - rect.left()) / rect.width()).clamp(0.0, 1.0) * song.seconds;
        touch(ui, &response, second, actions);
    }
    response.on_hover_text("Click to jump there; drag over a range to loop it");
    if song.loop_range.is_some() && button(ui, &ButtonView::new("Unloop", "Plays the whole song again")).clicked() {
        actions.push(Action::Song(SongAction::Unloop));
    }
}

fn touch(ui: &Ui, response: &egui::Response, second: impl Fn(f32) -> f32, actions: &mut Vec<Action>) {
    let Some(pointer) = response.interact_pointer_pos() else { return };
    let id = response.id.with("from");
    if response.drag_started() {
        let origin = ui.input(|input| input.pointer.press_origin()).unwrap_or(pointer);
        ui.data_mut(|data| data.insert_temp(id, second(origin.x)));
    }
    if response.clicked() {
        actions.push(Action::Song(SongAction::Seek(second(pointer.x))));
    } else if response.drag_stopped() {
        let from = ui.data(|data| data.get_temp::<f32>(id)).unwrap_or(0.0);
        let (from_s, to_s) = (from.min(second(pointer.x)), from.max(second(pointer.x)));
        if to_s - from_s >= SHORTEST_LOOP_S {
            actions.push(Action::Song(SongAction::Loop { from_s, to_s }));
        }
    } else if response.dragged() {
        let origin = ui.input(|input| input.pointer.press_origin()).unwrap_or(pointer);
        let range = Rect::from_x_y_ranges(origin.x.min(pointer.x)..=origin.x.max(pointer.x), response.rect.y_range());
        ui.painter().rect_filled(range, 0.0, LOOP.gamma_multiply(0.3));
    }
}

fn draw(ui: &Ui, song: &SongView, rect: Rect) {
    let painter = ui.painter_at(rect);
    painter.rect(rect, CornerRadius::same(6), SUNKEN, Stroke::new(1.0, LINE), StrokeKind::Inside);
    let x_of = |second: f32| rect.left() + rect.width() * second / song.seconds.max(1e-3);
    if let Some((from_s, to_s)) = song.loop_range {
        let range = Rect::from_x_y_ranges(x_of(from_s)..=x_of(to_s), rect.y_range());
        painter.rect(range, 0.0, LOOP.gamma_multiply(0.18), Stroke::new(1.0, LOOP), StrokeKind::Inside);
    }
    let points = song.overview.len().max(1);
    let (middle, half) = (rect.center().y, rect.height() / 2.0 - 4.0);
    for x in 0..rect.width() as usize {
        let Some([low, high]) = song.overview.get(x * points / rect.width() as usize) else { break };
        let x = rect.left() + x as f32;
        painter.vline(
            x,
            (middle - high * half)..=(middle - low * half + 1.0),
            Stroke::new(1.0, UNOWNED.gamma_multiply(0.45)),
        );
    }
    painter.vline(x_of(song.position_s), rect.y_range(), Stroke::new(1.5, TEXT));
    let galley = layout(ui, &song.title, font(12.0), if song.seconds > 0.0 { TEXT } else { FAINT });
    let at = pos2(rect.left() + 9.0, rect.top() + 5.0);
    painter.rect_filled(Rect::from_min_size(at, galley.size()).expand2(vec2(4.0, 1.0)), 3.0, PANEL.gamma_multiply(0.8));
    painter.galley(at, galley, TEXT);
}
