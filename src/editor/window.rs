//! What hosts open: the window of an instance's editor, in the size that the project saved.

use std::error::Error;
use std::sync::Arc;

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize};
use nice_plug::editor::{Editor, HostMethods, ParentWindowHandle, ResizeHint, SpawnedEditor};
use nice_plug_egui::{
    EguiEditor, EguiEditorHandle, EguiEditorState, EguiNiceSettings, RepaintNotifier, create_egui_editor,
};

use super::app::App;
use super::instance::Instance;
use crate::params::window_size::EditorSize;
use crate::params::window_size::MIN_SIZE;

/// The editor of one instance, open or not.
pub struct Window {
    instance: Instance,
    size: EditorSize,
    /// Called whenever the window opens.
    on_open: Arc<dyn Fn() + Send + Sync>,
}

impl Window {
    /// An editor that can be opened; `on_open` is called whenever it is.
    pub fn new(instance: Instance, size: EditorSize, on_open: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { instance, size, on_open }
    }

    /// A new one for each opening, in the size that the project has by then.
    fn editor(&self) -> Option<EguiEditor<App>> {
        let [width, height] = self.size.points();
        let settings =
            EguiNiceSettings { title: "Unweave".into(), resize_hint: resize_hint(), ..EguiNiceSettings::default() };
        create_egui_editor(
            EguiEditorState::from_size(LogicalSize::new(width, height), self.size.zoom()),
            RepaintNotifier::new(),
            settings,
            App::new(self.instance.clone(), self.size.clone()),
        )
    }
}

fn resize_hint() -> ResizeHint {
    ResizeHint::RESIZABLE.with_min_logical_size(LogicalSize { width: MIN_SIZE[0], height: MIN_SIZE[1] })
}

impl Editor for Window {
    type Handle = EguiEditorHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Self::Handle>, Box<dyn Error>> {
        (self.on_open)();
        let editor = self.editor().ok_or("there is no editor")?;
        editor.spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host)
    }

    fn size(&self) -> NativeSize<u32> {
        let [width, height] = self.size.points();
        NativeSize::from_size(
            LogicalSize::new(f64::from(width), f64::from(height)).into(),
            f64::from(self.size.scale()),
        )
    }

    fn resize_hint(&self) -> ResizeHint {
        resize_hint()
    }
}
