//! The system's file dialogs. Each waits on a thread of its own, so that the host's windows go on.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

use super::action::FilePurpose;

/// A dialog that is open.
pub(super) struct Dialog {
    purpose: FilePurpose,
    answer: Receiver<Option<PathBuf>>,
}

impl Dialog {
    /// Opens the dialog. `None` if the system gives no thread for it.
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
            // The editor may be closed by now.
            let _ = sender.send(path);
        };
        thread::Builder::new().name("unweave-dialog".into()).spawn(ask).ok()?;
        // The dialog asks before it gives a name that is taken.
        let purpose = if purpose == FilePurpose::Export { FilePurpose::Overwrite } else { purpose };
        Some(Self { purpose, answer })
    }

    /// What was chosen; `Err` while nothing was.
    pub(super) fn answer(&self) -> Result<Option<(FilePurpose, PathBuf)>, StillOpen> {
        match self.answer.try_recv() {
            Ok(path) => Ok(path.map(|path| (self.purpose, path))),
            Err(TryRecvError::Empty) => Err(StillOpen),
            Err(TryRecvError::Disconnected) => Ok(None),
        }
    }
}

/// Nothing was chosen yet.
pub(super) struct StillOpen;
