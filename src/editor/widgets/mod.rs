//! Widgets. Each takes what it shows, and adds what the user did to a list of actions.

mod adjust;
mod button;
mod choice;
mod fader;
mod file_menu;
mod meter;
mod number;
mod row;
mod spectra;
mod switch;

pub use adjust::select_all;
pub use button::{ButtonView, button, segment};
pub use choice::{caption, choice};
pub use fader::{FaderView, fader};
pub use file_menu::file_menu;
pub use meter::{MeterView, meter};
pub use number::number;
pub use row::row;
pub use spectra::{DraggedTemplate, spectra};
pub use switch::{SwitchView, switch};
