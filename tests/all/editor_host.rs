//! A host that applies every value at once, and records what the editor reports.

use std::sync::{Arc, Mutex};

use nice_plug::context::gui::{GuiContext, GuiContextInner};
use nice_plug::prelude::{ParamPtr, Params, PluginApi, PluginState};
use unweave::params::UnweaveParams;

/// What the editor reports to its host about a parameter, by its id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HostEvent {
    /// A gesture begins.
    Begin(String),
    /// The new normalised value.
    Set(String, f32),
    /// The gesture ends.
    End(String),
}

/// The host. Clones are the same host.
#[derive(Clone)]
pub(crate) struct FakeHost {
    /// Also keeps the parameters alive that `ids` points to.
    params: Arc<UnweaveParams>,
    ids: Vec<(String, ParamPtr)>,
    events: Arc<Mutex<Vec<HostEvent>>>,
}

impl FakeHost {
    /// A host with these parameters.
    pub(crate) fn new(params: Arc<UnweaveParams>) -> Self {
        let ids = params.param_map().into_iter().map(|(id, param, _)| (id, param)).collect();
        Self { params, ids, events: Arc::default() }
    }

    /// The editor's connection to the host.
    pub(crate) fn gui(&self) -> GuiContext {
        GuiContext::new(Arc::new(self.clone()))
    }

    /// The events since the last call.
    pub(crate) fn events(&self) -> Vec<HostEvent> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }

    /// Loads the saved model of a project, as JSON.
    pub(crate) fn load_model(&self, saved: &str) {
        let _is_read = self.params.model.load(&serde_json::from_str(saved).unwrap());
    }

    /// Automates a parameter to a normalised value.
    pub(crate) fn automate(&self, id: &str, normalized: f32) {
        let (_, param) = self.ids.iter().find(|(known, _)| known == id).unwrap();
        self.take(*param, normalized);
    }

    fn take(&self, param: ParamPtr, normalized: f32) {
        // SAFETY: `self.params` keeps what it points to alive.
        #[allow(unsafe_code, reason = "only a wrapper may set parameters, and this is one")]
        let _is_changed = unsafe { param._internal_set_normalized_value(normalized) };
    }

    fn write(&self, param: ParamPtr, event: impl FnOnce(String) -> HostEvent) {
        let (id, _) = self.ids.iter().find(|(_, known)| *known == param).expect("no parameter of this instance");
        self.events.lock().unwrap().push(event(id.clone()));
    }
}

#[allow(unsafe_code, reason = "nice-plug declares these methods unsafe; nothing in them is")]
impl GuiContextInner for FakeHost {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }

    unsafe fn raw_begin_set_parameter(&self, param: ParamPtr) {
        self.write(param, HostEvent::Begin);
    }

    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        self.write(param, |id| HostEvent::Set(id, normalized));
        self.take(param, normalized);
    }

    unsafe fn raw_end_set_parameter(&self, param: ParamPtr) {
        self.write(param, HostEvent::End);
    }

    fn get_state(&self) -> PluginState {
        panic!("the editor asks for no state")
    }

    fn set_state(&self, _state: PluginState) {
        panic!("the editor sets no state")
    }

    fn request_restart(&self) {}
}
