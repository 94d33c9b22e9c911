//! One texture: its texels, and the colour at any texture coordinates.

use egui::epaint::{ImageData, ImageDelta};
use egui::{Color32, ColorImage, TextureFilter, TextureOptions, TextureWrapMode, Vec2};

/// Red, green, blue and alpha from 0 to 255, premultiplied, in gamma space.
pub(super) type Color = [f32; 4];

/// Texels, and how they are sampled.
pub(super) struct Texture {
    image: ColorImage,
    options: TextureOptions,
}

impl Texture {
    /// A texture with the whole image of `delta`.
    pub(super) fn new(delta: &ImageDelta) -> Self {
        let ImageData::Color(image) = &delta.image;
        Self { image: ColorImage::clone(image), options: delta.options }
    }

    /// Copies the image of `delta` into this texture, its first texel to the column and row `corner`.
    pub(super) fn update(&mut self, corner: [usize; 2], delta: &ImageDelta) {
        let ImageData::Color(part) = &delta.image;
        let width = self.image.width();
        for (row, texels) in part.pixels.chunks_exact(part.width()).enumerate() {
            let start = (corner[1] + row) * width + corner[0];
            self.image.pixels[start..start + texels.len()].copy_from_slice(texels);
        }
        self.options = delta.options;
    }

    /// The filter for a triangle; the arguments are the changes of its texture coordinates per pixel to the right and down.
    pub(super) fn filter(&self, right: Vec2, down: Vec2) -> TextureFilter {
        let texels_per_pixel = (right * self.size()).length().max((down * self.size()).length());
        if texels_per_pixel > 1.0 { self.options.minification } else { self.options.magnification }
    }

    /// The colour at texture coordinates; the corners of the texture are (0, 0) and (1, 1).
    pub(super) fn color(&self, at: Vec2, filter: TextureFilter) -> Color {
        let place = at * self.size();
        match filter {
            TextureFilter::Nearest => self.texel(place.x.floor(), place.y.floor()),
            TextureFilter::Linear => {
                // The position of a texel is the centre of its square.
                let (left, top) = ((place.x - 0.5).floor(), (place.y - 0.5).floor());
                let (right, down) = (place.x - 0.5 - left, place.y - 0.5 - top);
                let above = mix(self.texel(left, top), self.texel(left + 1.0, top), right);
                let below = mix(self.texel(left, top + 1.0), self.texel(left + 1.0, top + 1.0), right);
                mix(above, below, down)
            }
        }
    }

    fn size(&self) -> Vec2 {
        Vec2::new(self.image.width() as f32, self.image.height() as f32)
    }

    fn texel(&self, column: f32, row: f32) -> Color {
        let (column, row) = (self.wrap(column, self.image.width()), self.wrap(row, self.image.height()));
        self.image.pixels[row * self.image.width() + column].to_array().map(f32::from)
    }

    /// The texel for any index, by the wrap mode.
    fn wrap(&self, index: f32, len: usize) -> usize {
        let (index, len) = (index as i64, len as i64);
        let wrapped = match self.options.wrap_mode {
            TextureWrapMode::ClampToEdge => index.clamp(0, len - 1),
            TextureWrapMode::Repeat => index.rem_euclid(len),
            TextureWrapMode::MirroredRepeat => {
                let folded = index.rem_euclid(2 * len);
                folded.min(2 * len - 1 - folded)
            }
        };
        wrapped as usize
    }
}

/// The colour of a vertex.
pub(super) fn color(color: Color32) -> Color {
    color.to_array().map(f32::from)
}

/// Interpolates from `first` to `second` as `share` goes from 0 to 1. Exactly `first` if they are equal.
fn mix(first: Color, second: Color, share: f32) -> Color {
    std::array::from_fn(|channel| first[channel] + share * (second[channel] - first[channel]))
}

#[cfg(test)]
mod tests {
    use egui::vec2;

    use super::*;

    const RED: Color32 = Color32::from_rgb(255, 0, 0);
    const BLUE: Color32 = Color32::from_rgb(0, 0, 255);

    fn red_and_blue(options: TextureOptions) -> Texture {
        Texture::new(&ImageDelta::full(ColorImage::new([2, 1], vec![RED, BLUE]), options))
    }

    #[test]
    fn linear_filters_interpolate_between_the_centres_of_texels() {
        let texture = red_and_blue(TextureOptions::LINEAR);
        let at = |x| texture.color(vec2(x, 0.5), TextureFilter::Linear);
        assert_eq!(at(0.25), color(RED));
        assert_eq!(at(0.5), [127.5, 0.0, 127.5, 255.0]);
        assert_eq!(at(0.75), color(BLUE));
    }

    #[test]
    fn nearest_filters_change_at_the_edges_of_texels() {
        let texture = red_and_blue(TextureOptions::NEAREST);
        let at = |x| texture.color(vec2(x, 0.5), TextureFilter::Nearest);
        assert_eq!([at(0.0), at(0.499)], [color(RED); 2]);
        assert_eq!([at(0.5), at(0.999)], [color(BLUE); 2]);
    }

    #[test]
    fn beyond_its_edges_a_texture_follows_its_wrap_mode() {
        let at = |options, x| red_and_blue(options).color(vec2(x, 0.5), TextureFilter::Nearest);
        for (options, beyond) in [
            (TextureOptions::NEAREST, [RED, RED, BLUE, BLUE]),
            (TextureOptions::NEAREST_REPEAT, [RED, BLUE, RED, BLUE]),
            (TextureOptions::NEAREST_MIRRORED_REPEAT, [BLUE, RED, BLUE, RED]),
        ] {
            assert_eq!([-0.75, -0.25, 1.25, 1.75].map(|x| at(options, x)), beyond.map(color), "{options:?}");
        }
    }

    #[test]
    fn a_partial_update_changes_only_its_rectangle() {
        let mut texture = Texture::new(&ImageDelta::full(ColorImage::filled([3, 3], RED), TextureOptions::NEAREST));
        texture.update([1, 2], &ImageDelta::partial([1, 2], ColorImage::filled([2, 1], BLUE), TextureOptions::NEAREST));
        let is_blue: Vec<bool> = texture.image.pixels.iter().map(|texel| *texel == BLUE).collect();
        assert_eq!(is_blue, [false, false, false, false, false, false, false, true, true]);
    }

    #[test]
    fn the_filter_depends_on_whether_texels_are_smaller_than_pixels() {
        let options = TextureOptions { minification: TextureFilter::Nearest, ..TextureOptions::LINEAR };
        let texture = red_and_blue(options);
        assert_eq!(texture.filter(vec2(0.4, 0.0), vec2(0.0, 0.9)), TextureFilter::Linear);
        assert_eq!(texture.filter(vec2(0.6, 0.0), vec2(0.0, 0.9)), TextureFilter::Nearest);
    }
}
