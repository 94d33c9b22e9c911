//! The memory layout of V and W.

use crate::dsp::simd::Lanes;

/// Rows of a strip, but for the last, which has the rest.
pub const STRIP: usize = crate::dsp::simd::frame::BLOCK_ROWS;
/// Frames of a block.
pub const BLOCK: usize = 16;
/// Rows are padded to a multiple of this: the floats of the longest vector.
pub const ROW_ALIGN: usize = crate::dsp::simd::ALIGNED_LEN;
/// Keeps quotients finite and factors above zero.
pub const FLOOR: f32 = crate::dsp::simd::FLOOR;

/// The shape of a factorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Frames, without padding.
    pub frames: usize,
    /// Rows, without padding.
    pub rows: usize,
    /// Templates.
    pub templates: usize,
}

impl Shape {
    /// Rows with padding.
    pub fn padded_rows(self) -> usize {
        self.rows.next_multiple_of(ROW_ALIGN)
    }

    /// Blocks of frames, the last one padded.
    pub fn blocks(self) -> usize {
        self.frames.div_ceil(BLOCK)
    }

    /// Strips of rows.
    pub fn strips(self) -> usize {
        self.padded_rows().div_ceil(STRIP)
    }

    /// Rows of a strip, with padding.
    pub fn strip_len(self, strip: usize) -> usize {
        STRIP.min(self.padded_rows() - strip * STRIP)
    }

    /// The index of a frame's row in [`tiles`].
    pub(super) fn tile_index(self, frame: usize, row: usize) -> usize {
        let (block, strip) = (frame / BLOCK, row / STRIP);
        let tile = block * BLOCK * self.padded_rows() + strip * STRIP * BLOCK;
        tile + frame % BLOCK * self.strip_len(strip) + row % STRIP
    }

    /// The index of a template's row in [`strips`].
    pub fn strip_index(self, template: usize, row: usize) -> usize {
        let strip = row / STRIP;
        strip * STRIP * self.templates + template * self.strip_len(strip) + row % STRIP
    }
}

/// V (frames × rows, row by row) in blocks and strips.
pub fn tiles<'a>(shape: Shape, frames: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut tiles = vec![0.0; shape.blocks() * BLOCK * shape.padded_rows()];
    for (frame, values) in frames.enumerate() {
        for (strip, values) in values.chunks(STRIP).enumerate() {
            let start = shape.tile_index(frame, strip * STRIP);
            tiles[start..start + values.len()].copy_from_slice(values);
        }
    }
    tiles
}

/// W (templates × rows, row by row) in strips.
pub fn strips<'a>(shape: Shape, templates: impl Iterator<Item = &'a [f32]>) -> Vec<f32> {
    let mut strips = vec![0.0; shape.templates * shape.padded_rows()];
    for (template, values) in templates.enumerate() {
        for (strip, values) in values.chunks(STRIP).enumerate() {
            let start = shape.strip_index(template, strip * STRIP);
            strips[start..start + values.len()].copy_from_slice(values);
        }
    }
    strips
}

/// The slice as whole vectors.
#[inline(always)]
pub(super) fn vectors<S: Lanes>(values: &[f32]) -> &[S::f32s] {
    S::as_simd_f32s(values).0
}
