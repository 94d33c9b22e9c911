//! The system's file dialogs. Each waits on a thread of its own, so that the host's windows keep responding.
//!
//! Nothing can end such a thread before the user answers: it may outlive the editor, the instance and the host's reference to
//! the plug-in's library. It owns all that it uses, a purpose and the sending end of a channel, and calls back into nothing.
//! Its code must stay mapped, though. On Linux the library is linked with `-z nodelete`, so that `dlclose` leaves it in
//! memory (`tests/unloading.rs`); macOS never unloads a library that has Rust thread-locals. On Windows a host that frees the
//! library while a dialog is open would unmap the thread's code; a handle that pins the module takes an `unsafe` call, which
//! this crate does not allow.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

use super::action::FilePurpose;

/// An open dialog.
pub(super) struct Dialog {
    purpose: FilePurpose,
    answer: Receiver<Option<PathBuf>>,
}

impl Dialog {
    /// Opens the dialog. `None` if the system could not start a thread for it.
    pub(super) fn open(purpose: FilePurpose) -> Option<Self> {
        let (sender, answer) = channel();
        let ask = move || {
            let dialog = rfd::FileDialog::new();
            let path = match purpose {
                FilePurpose::Import => dialog.add_filter("Unweave model", &["npz"]).pick_file(),
                FilePurpose::Export | FilePurpose::Overwrite => {
                    dialog.add_filter("Unweave model", &["npz"]).set_file_name("model.npz").save_file()
                }
                FilePurpose::Song => {
                    dialog.add_filter("Audio", &["wav", "flac", "mp3", "ogg", "aif", "aiff"]).pick_file()
                }
            };
            // The editor may be closed by now; then nobody receives the answer.
            let _ = sender.send(path);
        };
        thread::Builder::new().name("unweave-dialog".into()).spawn(ask).ok()?;
        // The dialog itself asks before it returns the name of an existing file.
        let purpose = if purpose == FilePurpose::Export { FilePurpose::Overwrite } else { purpose };
        Some(Self { purpose, answer })
    }

    /// The chosen file, `None` if the user cancelled; `Err` while the dialog is open.
    pub(super) fn answer(&self) -> Result<Option<(FilePurpose, PathBuf)>, StillOpen> {
        match self.answer.try_recv() {
            Ok(path) => Ok(path.map(|path| (self.purpose, path))),
            Err(TryRecvError::Empty) => Err(StillOpen),
            Err(TryRecvError::Disconnected) => Ok(None),
        }
    }
}

/// The user has not answered yet.
pub(super) struct StillOpen;
