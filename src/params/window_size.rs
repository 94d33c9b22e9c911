//! The size of the editor's window, saved with the project.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use atomic_float::AtomicF32;
use nice_plug::params::persist::PersistentField;
use serde::{Deserialize, Serialize};

/// The default size in points.
pub const SIZE: [f32; 2] = [1200.0, 780.0];
/// The smallest size in which everything fits.
pub const MIN_SIZE: [f32; 2] = [1080.0, 640.0];
/// The largest size that is accepted.
const MAX_LEN: f32 = 8000.0;
/// The zoom factors that are accepted.
const ZOOMS: std::ops::RangeInclusive<f32> = 0.5..=4.0;

/// The saved form.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct SavedSize {
    /// Points, before the zoom.
    width: f32,
    /// Points, before the zoom.
    height: f32,
    /// The user's zoom factor, on top of the system's scale.
    zoom: f32,
}

/// The present size. Clones share one value.
#[derive(Clone)]
pub struct EditorSize(Arc<Live>);

struct Live {
    width: AtomicF32,
    height: AtomicF32,
    zoom: AtomicF32,
    /// Pixels per point, the system's scale times the zoom; 0 until a window was open.
    scale: AtomicF32,
}

impl Default for EditorSize {
    fn default() -> Self {
        let [width, height] = SIZE.map(AtomicF32::new);
        Self(Arc::new(Live { width, height, zoom: AtomicF32::new(1.0), scale: AtomicF32::new(0.0) }))
    }
}

impl EditorSize {
    /// Width and height in points.
    pub fn points(&self) -> [f32; 2] {
        [self.0.width.load(Relaxed), self.0.height.load(Relaxed)]
    }

    /// The user's zoom factor.
    pub fn zoom(&self) -> f32 {
        self.0.zoom.load(Relaxed)
    }

    /// Pixels per point.
    pub fn scale(&self) -> f32 {
        let scale = self.0.scale.load(Relaxed);
        if scale > 0.0 { scale } else { self.zoom() }
    }

    /// Stores the size of the window in points, and its pixels per point.
    pub fn resize(&self, [width, height]: [f32; 2], scale: f32) {
        self.0.width.store(width, Relaxed);
        self.0.height.store(height, Relaxed);
        self.0.scale.store(scale, Relaxed);
    }

    /// Stores the user's zoom factor.
    pub fn magnify(&self, zoom: f32) {
        self.0.zoom.store(zoom, Relaxed);
    }
}

impl PersistentField<'_, SavedSize> for EditorSize {
    /// An invalid size is ignored.
    fn set(&self, saved: SavedSize) {
        let SavedSize { width, height, zoom } = saved;
        let is_sound = (MIN_SIZE[0]..=MAX_LEN).contains(&width) && (MIN_SIZE[1]..=MAX_LEN).contains(&height);
        if is_sound && ZOOMS.contains(&zoom) {
            self.0.width.store(width, Relaxed);
            self.0.height.store(height, Relaxed);
            self.0.zoom.store(zoom, Relaxed);
            self.0.scale.store(0.0, Relaxed);
        }
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&SavedSize) -> R,
    {
        let [width, height] = self.points();
        f(&SavedSize { width, height, zoom: self.zoom() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_size_comes_back_and_an_invalid_one_is_ignored() {
        let (first, second) = (EditorSize::default(), EditorSize::default());
        first.resize([1400.0, 900.0], 3.0);
        first.magnify(1.5);
        second.set(first.map(|saved| *saved));
        assert_eq!((second.points(), second.zoom(), second.scale()), ([1400.0, 900.0], 1.5, 1.5));
        for (width, height, zoom) in
            [(1.0, 900.0, 1.0), (1400.0, f32::NAN, 1.0), (1400.0, 900.0, 0.0), (1e9, 900.0, 1.0)]
        {
            second.set(SavedSize { width, height, zoom });
            assert_eq!(second.points(), [1400.0, 900.0]);
        }
    }
}
