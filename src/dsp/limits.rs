//! The sizes that memory and parameters are made for.

/// The most components that a musician can mix; parameters are made for this many.
pub const MAX_COMPONENTS: usize = 16;
/// The most learned templates that all components together can own.
pub const MAX_TEMPLATES: usize = 256;
/// The most templates that can play: the learned ones and their transposed copies, four of each where no more notes are
/// known.
pub const MAX_PLAYED_TEMPLATES: usize = 5 * MAX_TEMPLATES;
/// The most channels of one stream: stereo.
pub const MAX_CHANNELS: usize = 2;
