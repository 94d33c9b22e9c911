//! Four small line charts in one picture.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

const SIZE: (u32, u32) = (1280, 900);
const LINE: RGBColor = RGBColor(0x1f, 0x6f, 0xb4);

/// One chart: microseconds over something.
pub(crate) struct Panel<'a> {
    pub(crate) title: &'a str,
    /// What x is.
    pub(crate) axis: &'a str,
    pub(crate) points: &'a [(f64, f64)],
}

/// Writes a PNG file.
pub(crate) fn draw(title: &str, panels: &[Panel<'_>; 4], path: &Path) -> Result<()> {
    let font = include_bytes!("../../assets/fonts/DejaVuSans.ttf");
    register_font("sans", FontStyle::Normal, font).map_err(|_| anyhow!("the shipped font does not parse"))?;
    let mut rgb = vec![0; (SIZE.0 * SIZE.1 * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut rgb, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let area = area.titled(title, ("sans", 24))?;
        for (panel, area) in panels.iter().zip(area.split_evenly((2, 2))) {
            draw_panel(panel, &area).map_err(|error| anyhow!("{}: {error}", panel.title))?;
        }
        area.present()?;
    }
    let file = File::create(path).with_context(|| format!("could not write {}", path.display()))?;
    let mut encoder = png::Encoder::new(BufWriter::new(file), SIZE.0, SIZE.1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    Ok(writer.finish()?)
}

fn draw_panel(
    panel: &Panel<'_>,
    area: &DrawingArea<BitMapBackend<'_>, plotters::coord::Shift>,
) -> Result<(), Box<dyn std::error::Error>> {
    let most = |values: &mut dyn Iterator<Item = f64>| 1.08 * values.fold(f64::MIN_POSITIVE, f64::max);
    let (x_most, y_most) =
        (most(&mut panel.points.iter().map(|(x, _)| *x)), most(&mut panel.points.iter().map(|(_, y)| *y)));
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(panel.title, ("sans", 18))
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..x_most, 0.0..y_most)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(panel.axis)
        .y_desc("median of a hop, µs")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .axis_desc_style(("sans", 15))
        .label_style(("sans", 14))
        .draw()?;
    chart.draw_series(LineSeries::new(panel.points.iter().copied(), LINE.stroke_width(2)))?;
    chart.draw_series(panel.points.iter().map(|&point| Circle::new(point, 4, LINE.filled())))?;
    Ok(())
}
