//! The renderer of the snapshots: every rule that it draws by, and that a snapshot detects a movement.

use crate::rasterizer;
use egui::epaint::Vertex;
use egui::{
    Align2, CentralPanel, Color32, ColorImage, FontId, Frame, Mesh, Pos2, Rect, Shape, TextureOptions, Ui, pos2,
};
use egui_kittest::{Harness, HarnessBuilder, SnapshotOptions};
use image::RgbaImage;
use proptest::prelude::*;

const BLACK: [u8; 4] = [0, 0, 0, 255];
const ORANGE: Color32 = Color32::from_rgb(242, 140, 40);
/// The texture coordinates of a whole texture.
const WHOLE: Rect = Rect { min: Pos2::ZERO, max: pos2(1.0, 1.0) };

/// An empty screen of 40 x 30 points.
fn screen() -> HarnessBuilder {
    Harness::builder().with_size([40.0, 30.0]).renderer(rasterizer::renderer())
}

/// Draws what `paint` paints.
fn picture(screen: HarnessBuilder, paint: impl FnMut(&mut Ui)) -> RgbaImage {
    screen.build_ui(paint).render().unwrap()
}

fn rect(left: f32, top: f32, right: f32, bottom: f32) -> Rect {
    Rect::from_min_max(pos2(left, top), pos2(right, bottom))
}

/// Asserts that exactly the pixels in `columns` and `rows` have the colour `inside`, and all others are black.
fn assert_only(picture: &RgbaImage, columns: std::ops::Range<u32>, rows: std::ops::Range<u32>, inside: [u8; 4]) {
    for (column, row, pixel) in picture.enumerate_pixels() {
        let is_inside = columns.contains(&column) && rows.contains(&row);
        assert_eq!(pixel.0, if is_inside { inside } else { BLACK }, "column {column}, row {row}");
    }
}

#[test]
fn a_rectangle_fills_exactly_its_pixels() {
    let picture = picture(screen(), |ui| {
        ui.painter().rect_filled(rect(3.0, 5.0, 10.0, 7.0), 0.0, ORANGE);
    });
    assert_eq!(picture.dimensions(), (40, 30));
    assert_only(&picture, 3..10, 5..7, ORANGE.to_array());
}

#[test]
fn a_scale_of_two_doubles_the_pixels() {
    let picture = picture(screen().with_pixels_per_point(2.0), |ui| {
        ui.painter().rect_filled(rect(3.0, 5.0, 10.5, 7.0), 0.0, ORANGE);
    });
    assert_eq!(picture.dimensions(), (80, 60));
    assert_only(&picture, 6..21, 10..14, ORANGE.to_array());
}

#[test]
fn a_clip_rectangle_clips_at_whole_pixels() {
    let picture = picture(screen(), |ui| {
        let painter = ui.painter().with_clip_rect(rect(4.4, 0.0, 8.6, 6.0));
        painter.rect_filled(rect(-5.0, -5.0, 100.0, 100.0), 0.0, ORANGE);
    });
    assert_only(&picture, 4..9, 0..6, ORANGE.to_array());
}

#[test]
fn colors_blend_by_their_alpha_and_add_without_alpha() {
    let picture = picture(screen(), |ui| {
        let everywhere = ui.max_rect().expand(50.0);
        ui.painter().rect_filled(everywhere, 0.0, Color32::from_rgb(200, 100, 0));
        ui.painter().rect_filled(everywhere, 0.0, Color32::from_rgba_premultiplied(51, 0, 51, 51));
        ui.painter().rect_filled(everywhere, 0.0, Color32::from_rgb_additive(50, 1, 0));
    });
    // Four fifths of the old colour plus the new ones: 160 + 51 + 50 exceeds a byte.
    assert_only(&picture, 0..40, 0..30, [255, 81, 51, 255]);
}

#[test]
fn colors_between_corners_are_interpolated() {
    let picture = picture(screen(), |ui| {
        let mut mesh = Mesh::default();
        mesh.colored_vertex(pos2(0.0, 0.0), Color32::BLACK);
        mesh.colored_vertex(pos2(20.0, 0.0), Color32::from_rgb(200, 0, 0));
        mesh.colored_vertex(pos2(0.0, 20.0), Color32::from_rgb(0, 100, 0));
        mesh.add_triangle(0, 1, 2);
        ui.painter().add(mesh);
    });
    // At the centre of the pixel: 4.5 / 20 of the way to the right, 8.5 / 20 of the way down.
    assert_eq!(picture.get_pixel(4, 8).0, [45, 43, 0, 255]);
    assert_eq!(picture.get_pixel(19, 0).0, BLACK, "its middle is on the edge, which ends the triangle");
}

#[test]
fn a_texture_is_drawn_texel_by_texel_and_tinted() {
    let colors = [Color32::RED, Color32::GREEN, Color32::BLUE, Color32::WHITE];
    let picture = picture(screen(), move |ui| {
        let image = ColorImage::new([2, 2], colors.to_vec());
        let texture = ui.ctx().load_texture("four texels", image, TextureOptions::NEAREST);
        ui.painter().image(texture.id(), rect(4.0, 4.0, 10.0, 8.0), WHOLE, Color32::from_gray(102));
    });
    for (column, row, pixel) in picture.enumerate_pixels() {
        let expected = if (4..10).contains(&column) && (4..8).contains(&row) {
            let [red, green, blue, _] = colors[(usize::from(row >= 6)) * 2 + usize::from(column >= 7)].to_array();
            [red / 5 * 2, green / 5 * 2, blue / 5 * 2, 255]
        } else {
            BLACK
        };
        assert_eq!(pixel.0, expected, "column {column}, row {row}");
    }
}

#[test]
fn a_texture_shows_the_part_that_was_updated_last() {
    let mut texture = None;
    let mut harness = screen().build_ui(move |ui| {
        let options = TextureOptions::LINEAR;
        let texture = texture.get_or_insert_with(|| {
            ui.ctx().load_texture("updated", ColorImage::filled([20, 10], Color32::BLACK), options)
        });
        texture.set_partial([5, 2], ColorImage::filled([3, 4], ORANGE), options);
        ui.painter().image(texture.id(), rect(10.0, 10.0, 30.0, 20.0), WHOLE, Color32::WHITE);
    });
    harness.run_steps(3);
    assert_only(&harness.render().unwrap(), 15..18, 12..16, ORANGE.to_array());
}

proptest! {
    /// Missed or doubly drawn pixels would be visible as lines in everything half transparent.
    #[test]
    fn triangles_that_meet_draw_every_pixel_once(x in 0.1_f32..39.9, y in 0.1_f32..29.9, is_fine in any::<bool>()) {
        let picture = picture(screen(), |ui| {
            let one = Color32::from_rgb_additive(1, 0, 0);
            // On pixel centres the rule for edges decides, elsewhere the arithmetic.
            let middle = if is_fine { pos2(x, y) } else { pos2(x.floor() + 0.5, y.floor() + 0.5) };
            let corners = [pos2(0.0, 0.0), pos2(40.0, 0.0), pos2(40.0, 30.0), pos2(0.0, 30.0), middle];
            let vertices = corners.map(|corner| Vertex::untextured(corner, one)).to_vec();
            let indices = vec![0, 1, 4, 2, 1, 4, 2, 3, 4, 0, 3, 4];
            ui.painter().add(Mesh { indices, vertices, ..Mesh::default() });
        });
        prop_assert!(picture.pixels().all(|pixel| pixel.0 == [1, 0, 0, 255]));
    }
}

#[test]
fn text_is_drawn_at_its_layout_position() {
    let picture = picture(screen().with_size([120.0, 40.0]), |ui| {
        ui.painter().text(pos2(60.0, 20.0), Align2::CENTER_CENTER, "Unweave", FontId::proportional(24.0), ORANGE);
    });
    let lit = |column: u32| (0..40).filter(|row| picture.get_pixel(column, *row).0[0] > 121).count();
    let columns: Vec<u32> = (0..120).filter(|column| lit(*column) > 0).collect();
    let (first, last) = (columns[0], columns[columns.len() - 1]);
    assert!((10..20).contains(&first) && (100..110).contains(&last), "from {first} to {last}");
    assert!(columns.len() < (last - first) as usize, "letters have gaps between them");
    assert!((first..first + 4).any(|column| lit(column) > 10), "the U begins with an upright");
    assert!(picture.pixels().all(|pixel| pixel.0[0] <= ORANGE.r() && pixel.0[2] <= ORANGE.b()), "tinted by its colour");
}

#[test]
fn a_callback_is_an_error() {
    let mut harness = screen().build_ui(|ui| {
        let callback = egui::PaintCallback { rect: ui.max_rect(), callback: std::sync::Arc::new(()) };
        ui.painter().add(Shape::Callback(callback));
    });
    assert!(harness.render().is_err());
}

/// Some widgets, with the slider's handle at `gain`.
fn widgets<'a>(gain: f32) -> Harness<'a> {
    let view = move |ui: &mut Ui| {
        CentralPanel::default().frame(Frame::NONE.fill(Color32::from_rgb(14, 16, 20)).inner_margin(12)).show(
            ui,
            |ui| {
                ui.heading("Unweave");
                let _ = ui.button("Learn");
                ui.checkbox(&mut true, "Solo");
                ui.add(egui::Slider::new(&mut gain.clone(), 0.0..=100.0).show_value(false).text("Gain"));
                ui.add(egui::ProgressBar::new(0.4).desired_width(160.0));
            },
        );
    };
    let mut harness = screen().with_size([260.0, 150.0]).build_ui(view);
    harness.run();
    harness
}

#[test]
fn a_snapshot_matches_itself_and_fails_when_something_moves() {
    // With this variable set, differences are accepted.
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = SnapshotOptions::new().output_path(folder.path());
    assert!(widgets(40.0).try_snapshot_options("widgets", &options).is_err(), "there is none yet");
    rasterizer::save(&mut widgets(40.0), &folder.path().join("widgets.png"));
    for _ in 0..2 {
        widgets(40.0).try_snapshot_options("widgets", &options).unwrap();
    }
    // The handle's range is 92 points.
    let error = widgets(42.0).try_snapshot_options("widgets", &options).unwrap_err();
    assert!(error.to_string().contains("did not match"), "{error}");
    assert!(folder.path().join("widgets.diff.png").exists());
}
