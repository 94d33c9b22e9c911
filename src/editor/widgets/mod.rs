//! Widgets, each written once. They take what they show and add what a person did to a list of actions.

mod button;
mod choice;
mod drive;
mod fader;
mod meter;
mod number;
mod spectra;
mod switch;

pub use button::{Look, button, segment};
pub use choice::{caption, choice, choice_row};
pub use drive::select_all;
pub use fader::{FaderLook, fader};
pub use meter::{MeterLook, meter};
pub use number::number;
pub use spectra::{Carried, spectra};
pub use switch::{SwitchLook, check, switch};
