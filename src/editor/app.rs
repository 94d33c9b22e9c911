//! The editor of one instance: thirty times a second a model of it, and its person's actions carried out. GUI thread only.

use std::sync::Arc;
#[cfg(feature = "standalone")]
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use egui::{Context, Ui};
use nice_plug::context::gui::GuiContext;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{Frame, Key, KeyCapture, NiceEguiApp};

use super::curves::Curves;
use super::parameters::{options, read};
use super::picture::Canvas;
use super::{theme, view};
use crate::editor::perform::{Hand, Moment};
use crate::editor::screen::{Model, Strip, Value};
use crate::link::{EditorLink, Slots, Stage};
use crate::params::Control;
use crate::params::UnweaveParams;
use crate::params::window_size::EditorSize;

/// Between frames.
const FRAME: Duration = Duration::from_millis(33);

/// What an editor needs of its instance.
#[derive(Clone)]
pub struct Instance {
    /// Its parameters.
    pub params: Arc<UnweaveParams>,
    /// Its learner, models and meters.
    pub link: EditorLink,
    /// The song player of the program that shows it; `None` in a host.
    #[cfg(feature = "standalone")]
    pub player: Option<crate::player::PlayerControl>,
}

/// One open editor.
pub struct App {
    instance: Instance,
    size: EditorSize,
    hand: Hand,
    curves: Curves,
    options: Vec<Arc<[String]>>,
    canvas: Option<Canvas>,
    /// Whether a text was being typed in the last frame.
    is_typing: bool,
    /// Whether Ctrl-C was pressed in the program that shows it.
    #[cfg(feature = "standalone")]
    is_interrupted: Arc<AtomicBool>,
}

impl App {
    /// An editor that is about to open.
    pub fn new(instance: Instance, size: EditorSize) -> Self {
        let options = Control::all().map(|control| options(&instance.params, control)).collect();
        let hand = Hand::new(instance.clone());
        Self {
            instance,
            size,
            hand,
            curves: Curves::default(),
            options,
            canvas: None,
            is_typing: false,
            #[cfg(feature = "standalone")]
            is_interrupted: Arc::default(),
        }
    }

    /// The instance as it stands now.
    pub fn model(&mut self) -> Model {
        let Instance { params, link, .. } = &self.instance;
        let slots = link.models.slots();
        let values = Control::all().zip(&self.options);
        let values: Vec<Value> = values.map(|(control, options)| read(params, control, options)).collect();
        let (status, meters) = (&link.status, &link.meters);
        Model {
            stage: link.stage(),
            warnings: status.warnings(),
            notice: self.hand.notice(),
            losses: status.losses(),
            input_db: meters.input_db.load(Relaxed),
            history_s: status.history_s.load(Relaxed),
            learned_s: status.learned_s.load(Relaxed),
            target: params.learn_settings().target,
            slot: slots.playing,
            has_other: slots.other.is_some(),
            is_review: slots.is_review && !matches!(link.stage(), Stage::Learning { .. }),
            values,
            strips: strips(&mut self.curves, &slots, link),
            picture: self.canvas.as_ref().map(Canvas::picture),
            latency_ms: meters.latency_ms.load(Relaxed),
            load: meters.load.load(Relaxed),
            dropped_frames: status.dropped_frames.load(Relaxed),
            zoom: self.size.zoom(),
            song: self.hand.song(),
        }
    }

    /// The editor opens in this context, and tells this host of gestures.
    pub fn open(&mut self, context: &Context, gui: GuiContext) {
        theme::apply(context);
        self.hand.hold(gui);
        self.canvas = Some(Canvas::new(context));
        self.instance.link.columns.open();
    }

    /// One frame: shows the instance, carries out what was done, and says which keys are not the host's.
    pub fn frame(&mut self, ui: &mut Ui) -> KeyCapture {
        self.look();
        let model = self.model();
        let actions = view(ui, &model);
        let moment = ui.input(|input| Moment { now_s: input.time, is_button_down: input.pointer.any_down() });
        if let Some(zoom) = self.hand.carry_out(actions, moment) {
            ui.ctx().set_zoom_factor(zoom);
        }
        ui.ctx().request_repaint_after(FRAME);
        // Whatever else has the keyboard, the space bar starts and stops the host. (Baseview 0.4 gives keys back on macOS;
        // under X11 and Windows those of a focused editor end there.)
        match ui.ctx().text_edit_focused() {
            true => KeyCapture::CaptureAll,
            false => KeyCapture::IgnoreKeys(vec![Key::Character(" ".into())]),
        }
    }

    fn look(&mut self) {
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
        // nice-plug's program ends its audio at an interrupt, and then waits for the window to close.
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
            // Some hosts keep the keyboard until they are told; where nothing is typed it stays theirs. A system that
            // refuses leaves it where it was.
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
    /// The window is gone, however that came.
    fn drop(&mut self) {
        self.instance.link.columns.close();
    }
}
