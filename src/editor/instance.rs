//! What an editor needs of the plug-in instance that it belongs to.

use std::sync::Arc;

use crate::link::EditorLink;
use crate::params::UnweaveParams;

/// One plug-in instance, as its editor sees it. Clones refer to the same instance.
#[derive(Clone)]
pub struct Instance {
    /// Its parameters.
    pub params: Arc<UnweaveParams>,
    /// Its learner, models and meters.
    pub link: EditorLink,
    /// The song player of the standalone program; `None` in a host.
    #[cfg(feature = "standalone")]
    pub player: Option<crate::player::PlayerControl>,
}

impl Instance {
    /// An instance in a host.
    pub fn new(params: Arc<UnweaveParams>, link: EditorLink) -> Self {
        Self {
            params,
            link,
            #[cfg(feature = "standalone")]
            player: None,
        }
    }
}
