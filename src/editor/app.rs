//! The editor of one instance: thirty times a second it reads what to show, and carries out the user's actions. GUI thread only.

use std::sync::Arc;
#[cfg(feature = "standalone")]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use egui::{Context, Ui};
use nice_plug::context::gui::GuiContext;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{Frame, Key, KeyCapture, NiceEguiApp};

use super::canvas::Canvas;
use super::curves::Curves;
use super::instance::Instance;
use super::parameters::{options, read};
use super::perform::{FrameInput, Performer};
use super::screen::{Screen, Strip, Value};
use super::theme;
use super::view::view;
use crate::link::{EditorLink, Slots, Stage};
use crate::params::Control;
use crate::params::window_size::EditorSize;

/// The time between frames.
const FRAME: Duration = Duration::from_millis(33);

/// One open editor.
pub struct App {
    instance: Instance,
    size: EditorSize,
    performer: Performer,
    curves: Curves,
    options: Vec<Arc<[String]>>,
    canvas: Option<Canvas>,
    /// Whether the user was typing a text in the last frame.
    is_typing: bool,
    /// Whether Ctrl-C was pressed in the standalone program.
    #[cfg(feature = "standalone")]
    is_interrupted: Arc<AtomicBool>,
}

impl App {
    /// An editor that is about to open.
    pub fn new(instance: Instance, size: EditorSize) -> Self {
        let options = Control::all().map(|control| options(&instance.params, control)).collect();
        let performer = Performer::new(instance.clone());
        Self {
            instance,
            size,
            performer,
            curves: Curves::default(),
            options,
            canvas: None,
            is_typing: false,
            #[cfg(feature = "standalone")]
            is_interrupted: Arc::default(),
        }
    }

    /// What to show now. The models are read once, so that everything shown of them belongs to one moment.
    pub fn screen(&mut self) -> Screen {
        let Instance { params, link, .. } = &self.instance;
        let slots = link.models.slots();
        let stage = link.stage_with(&slots);
        let values = Control::all().zip(&self.options);
        let values: Vec<Value> = values.map(|(control, options)| read(params, control, options)).collect();
        let (status, meters) = (&link.status, &link.meters);
        Screen {
            project_error: params.model.unread_reason(slots.current.as_ref()),
            warnings: status.warnings(),
            notice: self.performer.notice(),
            losses: status.losses(),
            input_db: meters.input_db.load(Relaxed),
            history_s: status.history_s.load(Relaxed),
            learned_s: status.learned_s.load(Relaxed),
            slot: slots.playing,
            has_other: slots.other.is_some(),
            is_review: slots.is_review && !matches!(stage, Stage::Learning { .. }),
            stage,
            values,
            strips: strips(&mut self.curves, &slots, link),
            canvas: self.canvas.as_ref().map(Canvas::view),
            latency_ms: meters.latency_ms.load(Relaxed),
            load: meters.load.load(Relaxed),
            dropped_frames: status.dropped_frames.load(Relaxed),
            zoom: self.size.zoom(),
            song: self.performer.song(),
        }
    }

    /// Opens the editor in this context, which reports gestures to this host.
    pub fn open(&mut self, context: &Context, gui: GuiContext) {
        theme::apply(context);
        self.performer.connect(gui);
        self.canvas = Some(Canvas::new(context));
        self.instance.link.columns.open();
    }

    /// One frame: shows the instance, carries out the user's actions, and returns the keys that the host may not have.
    pub fn frame(&mut self, ui: &mut Ui) -> KeyCapture {
        self.draw_new_columns();
        let screen = self.screen();
        let actions = view(ui, &screen);
        let input = ui.input(|input| FrameInput { now_s: input.time, is_button_down: input.pointer.any_down() });
        if let Some(zoom) = self.performer.perform(actions, input) {
            ui.ctx().set_zoom_factor(zoom);
        }
        ui.ctx().request_repaint_after(FRAME);
        // The space bar starts and stops the host unless the user types a text. (On macOS baseview 0.4 returns keys to the
        // host; under X11 and Windows a focused editor keeps them.)
        match ui.ctx().text_edit_focused() {
            true => KeyCapture::CaptureAll,
            false => KeyCapture::IgnoreKeys(vec![Key::Character(" ".into())]),
        }
    }

    fn draw_new_columns(&mut self) {
        let columns = &self.instance.link.columns;
        if let Some(canvas) = &mut self.canvas {
            while let Some(column) = columns.pop() {
                canvas.push(&column);
            }
        }
    }
}

fn strips(curves: &mut Curves, slots: &Slots, link: &EditorLink) -> Vec<Strip> {
    let Some(model) = &slots.current else { return Vec::new() };
    let names = model.templates().components().iter().enumerate();
    names
        .map(|(component, name)| Strip {
            name: name.clone(),
            activation_db: link.meters.activations_db[component].load(Relaxed),
            templates: curves.of(model, component),
        })
        .collect()
}

impl NiceEguiApp for App {
    fn build(&mut self, context: Context, gui: GuiContext, _frame: &mut Frame) -> Result<(), HandlerError> {
        self.open(&context, gui);
        // At an interrupt, nice-plug's program ends its audio and then waits for the window to close.
        #[cfg(feature = "standalone")]
        if self.instance.player.is_some() {
            signal_hook::flag::register(signal_hook::consts::SIGINT, self.is_interrupted.clone())?;
        }
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut Frame) {
        let keys = self.frame(ui);
        let is_typing = keys == KeyCapture::CaptureAll;
        if is_typing && !self.is_typing {
            // Some hosts keep the keyboard focus until a plug-in asks for it. If the system refuses, the focus stays where
            // it was.
            let _ = frame.baseview_window().focus();
        }
        self.is_typing = is_typing;
        frame.set_key_capture(keys);
        #[cfg(feature = "standalone")]
        if self.is_interrupted.load(Relaxed) {
            ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close);
        }
    }

    fn resized(&mut self, size: WindowSize) {
        self.size.resize([size.logical.width as f32, size.logical.height as f32], size.scale_factor as f32);
    }

    fn zoom_factor_changed(&mut self, zoom: f32) {
        self.size.magnify(zoom);
    }
}

impl Drop for App {
    /// The window has closed, for whatever reason.
    fn drop(&mut self) {
        self.instance.link.columns.close();
    }
}
