//! One triangle: the pixels that it covers, and their new colours.

use std::ops::Range;

use egui::Vec2;
use egui::epaint::Vertex;
use image::RgbaImage;

use super::texture::{Color, Texture, color};

/// Corners are rounded to this fraction of a pixel, as on GPUs, so that coverage is exact in integers.
const STEPS_PER_PIXEL: i64 = 256;
/// Coordinates are limited to so many pixels, so that products of two lengths fit into an `i64`.
const FURTHEST: f32 = 1e6;

/// Pixels that may be drawn.
pub(super) struct Bounds {
    /// From left to right.
    pub(super) columns: Range<i64>,
    /// From top to bottom.
    pub(super) rows: Range<i64>,
}

/// Three corners, clockwise as seen on a screen (y goes down).
pub(super) struct Triangle {
    /// Column and row in steps.
    corners: [[i64; 2]; 3],
    colors: [Color; 3],
    uvs: [Vec2; 3],
    /// Twice the area in steps squared, above 0.
    area: i64,
}

impl Triangle {
    /// A triangle of a mesh in either winding; `None` if it has no area.
    pub(super) fn new(mut vertices: [Vertex; 3], pixels_per_point: f32) -> Option<Self> {
        let corner = |vertex: &Vertex| {
            let step = |points: f32| {
                let pixels = (points * pixels_per_point).clamp(-FURTHEST, FURTHEST);
                (pixels * STEPS_PER_PIXEL as f32).round() as i64
            };
            [step(vertex.pos.x), step(vertex.pos.y)]
        };
        let turn = |[a, b, c]: [[i64; 2]; 3]| side(a, b, c);
        if turn(vertices.each_ref().map(corner)) < 0 {
            vertices.swap(1, 2);
        }
        let corners = vertices.each_ref().map(corner);
        let area = turn(corners);
        (area > 0).then(|| Self {
            corners,
            colors: vertices.map(|vertex| color(vertex.color)),
            uvs: vertices.map(|vertex| vertex.uv.to_vec2()),
            area,
        })
    }

    /// Draws the pixels within `bounds` whose centres are inside.
    pub(super) fn draw(&self, target: &mut RgbaImage, texture: &Texture, bounds: &Bounds) {
        let filter = texture.filter(self.uv_change([1, 0]), self.uv_change([0, 1]));
        let source = |weights| {
            let (tint, texel) = (self.color(weights), texture.color(self.uv(weights), filter));
            std::array::from_fn(|channel| tint[channel] * texel[channel] / 255.0)
        };
        // A fast path: backgrounds are most of a picture.
        let only = self.has_one_color().then(|| source([0.0; 2]));
        for row in self.rows(bounds) {
            for column in self.columns(row, bounds) {
                let source = only.unwrap_or_else(|| source(self.weights(middle(column, row))));
                blend(&mut target.get_pixel_mut(column as u32, row as u32).0, source);
            }
        }
    }

    fn has_one_color(&self) -> bool {
        let ([a, b, c], [at_a, at_b, at_c]) = (self.colors, self.uvs);
        a == b && a == c && at_a == at_b && at_a == at_c
    }

    fn rows(&self, bounds: &Bounds) -> Range<i64> {
        let heights = self.corners.map(|corner| corner[1].div_euclid(STEPS_PER_PIXEL));
        let (first, last) = (heights.into_iter().min().unwrap_or(0), heights.into_iter().max().unwrap_or(0));
        first.max(bounds.rows.start)..(last + 1).min(bounds.rows.end)
    }

    /// The columns of this row whose centres are inside. A centre on an edge belongs to the triangle on its right or below, so
    /// that exactly one of two triangles that share an edge draws it.
    fn columns(&self, row: i64, bounds: &Bounds) -> Range<i64> {
        let mut columns = bounds.columns.clone();
        for (start, end) in self.edges() {
            let [right, down] = [end[0] - start[0], end[1] - start[1]];
            let owns_its_points = down < 0 || (down == 0 && right > 0);
            // Inside where this plus `change * column` is at least 0.
            let in_first_column = side(start, end, middle(0, row)) - i64::from(!owns_its_points);
            let change = -down * STEPS_PER_PIXEL;
            if change > 0 {
                columns.start = columns.start.max(-in_first_column.div_euclid(change));
            } else if change < 0 {
                columns.end = columns.end.min(in_first_column.div_euclid(-change) + 1);
            } else if in_first_column < 0 {
                return 0..0;
            }
        }
        columns
    }

    /// Each edge is opposite the corner with its index.
    fn edges(&self) -> [([i64; 2], [i64; 2]); 3] {
        let [a, b, c] = self.corners;
        [(b, c), (c, a), (a, b)]
    }

    /// The barycentric weights of the second and the third corner at a point; the first corner has the rest.
    fn weights(&self, place: [i64; 2]) -> [f32; 2] {
        let [_, second, third] = self.edges().map(|(start, end)| side(start, end, place) as f32 / self.area as f32);
        [second, third]
    }

    /// Interpolates from the first corner, so that equal corners give exactly their colour.
    fn color(&self, [second, third]: [f32; 2]) -> Color {
        let [a, b, c] = &self.colors;
        std::array::from_fn(|i| a[i] + second * (b[i] - a[i]) + third * (c[i] - a[i]))
    }

    fn uv(&self, [second, third]: [f32; 2]) -> Vec2 {
        let [a, b, c] = self.uvs;
        a + second * (b - a) + third * (c - a)
    }

    /// The change of the texture coordinates over a number of pixels.
    fn uv_change(&self, pixels: [i64; 2]) -> Vec2 {
        let [from_x, from_y] = self.corners[0];
        let place = [from_x + pixels[0] * STEPS_PER_PIXEL, from_y + pixels[1] * STEPS_PER_PIXEL];
        self.uv(self.weights(place)) - self.uvs[0]
    }
}

/// The centre of a pixel, in steps.
fn middle(column: i64, row: i64) -> [i64; 2] {
    [column, row].map(|index| index * STEPS_PER_PIXEL + STEPS_PER_PIXEL / 2)
}

/// Twice the signed area of the triangle of three points: positive if the point is to the right of the line from `start` to `end`.
fn side(start: [i64; 2], end: [i64; 2], place: [i64; 2]) -> i64 {
    (end[0] - start[0]) * (place[1] - start[1]) - (end[1] - start[1]) * (place[0] - start[0])
}

/// Blends a premultiplied colour over a pixel. As in egui, a colour without alpha is added.
fn blend(pixel: &mut [u8; 4], source: Color) {
    let kept = 1.0 - source[3] / 255.0;
    for (below, above) in pixel.iter_mut().zip(source) {
        // `as` saturates at 255.
        *below = (above + f32::from(*below) * kept + 0.5) as u8;
    }
}
