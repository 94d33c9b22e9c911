//! A host that takes every value at once, and writes down what an editor told it.

#![allow(dead_code, unreachable_pub, reason = "several programs share this file, each its part of it")]

use std::sync::{Arc, Mutex};

use nice_plug::context::gui::{GuiContext, GuiContextInner};
use nice_plug::prelude::{ParamPtr, Params, PluginApi, PluginState};
use unweave::params::UnweaveParams;

/// What a host is told of a parameter, by its id.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A gesture begins.
    Begin(String),
    /// The normalised value is this now.
    Set(String, f32),
    /// The gesture ends.
    End(String),
}

/// The host. Clones are one.
#[derive(Clone)]
pub struct FakeHost {
    params: Arc<UnweaveParams>,
    ids: Vec<(String, ParamPtr)>,
    told: Arc<Mutex<Vec<Told>>>,
}

impl FakeHost {
    /// The host of these parameters.
    pub fn new(params: Arc<UnweaveParams>) -> Self {
        let ids = params.param_map().into_iter().map(|(id, param, _)| (id, param)).collect();
        Self { params, ids, told: Arc::default() }
    }

    /// The way to it.
    pub fn gui(&self) -> GuiContext {
        GuiContext::new(Arc::new(self.clone()))
    }

    /// What it was told since this was asked last.
    pub fn told(&self) -> Vec<Told> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }

    /// Automation: a parameter goes to a normalised value.
    pub fn automate(&self, id: &str, normalized: f32) {
        let (_, param) = self.ids.iter().find(|(known, _)| known == id).unwrap();
        self.take(*param, normalized);
    }

    fn take(&self, param: ParamPtr, normalized: f32) {
        // SAFETY: `self.params` keeps what it points to alive.
        #[allow(unsafe_code, reason = "only a wrapper may set parameters, and this is one")]
        let _is_changed = unsafe { param._internal_set_normalized_value(normalized) };
    }

    fn write(&self, param: ParamPtr, told: impl FnOnce(String) -> Told) {
        let (id, _) = self.ids.iter().find(|(_, known)| *known == param).expect("no parameter of this instance");
        self.told.lock().unwrap().push(told(id.clone()));
    }
}

#[allow(unsafe_code, reason = "nice-plug declares these methods unsafe; nothing in them is")]
impl GuiContextInner for FakeHost {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }

    unsafe fn raw_begin_set_parameter(&self, param: ParamPtr) {
        self.write(param, Told::Begin);
    }

    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        self.write(param, |id| Told::Set(id, normalized));
        self.take(param, normalized);
    }

    unsafe fn raw_end_set_parameter(&self, param: ParamPtr) {
        self.write(param, Told::End);
    }

    fn get_state(&self) -> PluginState {
        panic!("the editor asks for no state")
    }

    fn set_state(&self, _state: PluginState) {
        panic!("the editor sets no state")
    }

    fn request_restart(&self) {}
}
