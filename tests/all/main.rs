//! The tests of the library, the plug-in and the programs, in one program: it links once. `cargo test NAME` runs the tests
//! whose path contains NAME, such as `clap::`, `any_split` or a whole name.

use assert_no_alloc::AllocDisabler;

/// Counts the allocations of the thread that is asked not to allocate; for all others it is the system's allocator.
#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

mod click;
mod clicks;
mod exactness;
mod fixtures;
mod layers;
mod learning;
mod lecture_formulas;
mod link;
mod rasterizer;
mod rasterizing;
mod requests;

#[cfg(feature = "audio-files")]
mod formats;
#[cfg(feature = "audio-files")]
mod quality;

#[cfg(feature = "command")]
mod command;
#[cfg(feature = "command")]
mod lecture_example;

#[cfg(feature = "plugin")]
mod columns;
#[cfg(feature = "plugin")]
mod editor;
#[cfg(feature = "plugin")]
mod editor_actions;
#[cfg(feature = "plugin")]
mod editor_host;
#[cfg(feature = "plugin")]
mod editor_pictures;
#[cfg(feature = "plugin")]
#[path = "../editor_scene/mod.rs"]
mod editor_scene;
#[cfg(feature = "plugin")]
mod noise_model;
#[cfg(all(feature = "plugin", target_os = "linux"))]
mod unloading;

// The CLAP host tells the story of the demo, whose pictures are the command's.
#[cfg(all(feature = "plugin", feature = "command"))]
mod allocations;
#[cfg(all(feature = "plugin", feature = "command"))]
mod clap;
#[cfg(all(feature = "plugin", feature = "command"))]
#[path = "../clap_host/mod.rs"]
mod clap_host;
#[cfg(all(feature = "plugin", feature = "command"))]
mod clap_window;
#[cfg(all(feature = "plugin", feature = "command"))]
mod demo;
#[cfg(all(feature = "plugin", feature = "command"))]
mod golden;
#[cfg(all(feature = "plugin", feature = "command"))]
mod state;
#[cfg(all(feature = "plugin", feature = "command"))]
mod workflow;

#[cfg(feature = "standalone")]
mod player;
#[cfg(feature = "standalone")]
mod standalone;
