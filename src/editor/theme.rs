//! The look of the editor: colours, fonts, and egui's style.

use std::sync::Arc;

use egui::epaint::text::{FontInsert, FontPriority, InsertFontFamily};
use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align, Align2, Color32, Context, CornerRadius, FontData, FontFamily, FontId, Galley, Margin, Pos2, Stroke,
    TextStyle, Ui, Visuals,
};

use crate::pictures::palette::COLORS;

/// The window's background.
pub const BACKGROUND: Color32 = Color32::from_rgb(0x0e, 0x10, 0x14);
/// The background of strips and buttons.
pub const PANEL: Color32 = Color32::from_rgb(0x16, 0x1a, 0x22);
/// The background of a chosen button, or one under the pointer.
pub const RAISED: Color32 = Color32::from_rgb(0x24, 0x2b, 0x38);
/// The background of meters and plots.
pub const SUNKEN: Color32 = Color32::from_rgb(0x0a, 0x0c, 0x10);
/// Borders.
pub const LINE: Color32 = Color32::from_rgb(0x2a, 0x31, 0x3e);
/// Text.
pub const TEXT: Color32 = Color32::from_rgb(0xe8, 0xec, 0xf2);
/// Less important text: contrast 5.6 : 1 on the background.
pub const FAINT: Color32 = Color32::from_rgb(0x87, 0x91, 0xa1);
/// Disabled controls and empty strips.
pub const DIM: Color32 = Color32::from_rgb(0x4a, 0x52, 0x60);
/// Recording and errors.
pub const RECORD: Color32 = Color32::from_rgb(0xff, 0x5d, 0x52);
/// Success.
pub const GOOD: Color32 = Color32::from_rgb(0x50, 0xdc, 0x96);
/// Notices and warnings.
pub const NOTE: Color32 = Color32::from_rgb(0xf2, 0xc1, 0x4e);
/// Sound that no component owns, because nothing is learned yet.
pub const UNOWNED: Color32 = Color32::from_rgb(0xc6, 0xcc, 0xd8);

/// The family of strong text.
const STRONG: &str = "strong";

/// A component's colour.
pub fn component_color(component: usize) -> Color32 {
    let [red, green, blue] = COLORS[component % COLORS.len()];
    Color32::from_rgb(red, green, blue)
}

/// Text of a size in points.
pub fn font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Strong text of a size in points.
pub fn strong(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(STRONG.into()))
}

/// Applies the fonts and the style.
pub fn apply(context: &Context) {
    let regular = FontData::from_static(include_bytes!("../../assets/fonts/Inter-Regular.otf"));
    let bold = FontData::from_static(include_bytes!("../../assets/fonts/Inter-SemiBold.otf"));
    let family = |family: FontFamily| InsertFontFamily { family, priority: FontPriority::Highest };
    let mut fonts = egui::FontDefinitions::default();
    // The fonts that egui ships supply other scripts and symbols.
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    fonts.families.insert(FontFamily::Name(STRONG.into()), fallback);
    context.set_fonts(fonts);
    context.add_font(FontInsert::new("Inter", regular, vec![family(FontFamily::Proportional)]));
    context.add_font(FontInsert::new("Inter SemiBold", bold, vec![family(FontFamily::Name(STRONG.into()))]));
    context.set_theme(egui::Theme::Dark);
    context.global_style_mut(|style| {
        style.visuals = visuals();
        style.text_styles = [
            (TextStyle::Body, font(13.0)),
            (TextStyle::Button, font(13.0)),
            (TextStyle::Small, font(11.0)),
            (TextStyle::Heading, strong(20.0)),
            (TextStyle::Monospace, font(13.0)),
        ]
        .into();
        style.spacing.item_spacing = egui::vec2(8.0, 8.0);
        style.spacing.button_padding = egui::vec2(10.0, 6.0);
        style.spacing.menu_margin = Margin::same(10);
        style.interaction.tooltip_delay = 0.6;
        style.interaction.selectable_labels = false;
        // Nothing but the sound's display moves by itself.
        style.animation_time = 0.0;
    });
}

fn visuals() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.override_text_color = Some(TEXT);
    visuals.panel_fill = BACKGROUND;
    visuals.window_fill = PANEL;
    visuals.window_stroke = Stroke::new(1.0, LINE);
    visuals.extreme_bg_color = SUNKEN;
    visuals.selection.bg_fill = Color32::from_rgb(0x2f, 0x4a, 0x70);
    visuals.selection.stroke = Stroke::new(1.0, TEXT);
    let widgets = &mut visuals.widgets;
    for (widget, fill) in [
        (&mut widgets.noninteractive, PANEL),
        (&mut widgets.inactive, PANEL),
        (&mut widgets.hovered, RAISED),
        (&mut widgets.active, RAISED),
        (&mut widgets.open, RAISED),
    ] {
        // The background of check boxes, which egui draws without a border in menus.
        widget.bg_fill = LINE;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, LINE);
        widget.fg_stroke = Stroke::new(1.0, TEXT);
        widget.corner_radius = CornerRadius::same(6);
        widget.expansion = 0.0;
    }
    visuals
}

/// Lays a text out on one line. The arrow “▼” of a menu is smaller than the text.
pub fn layout(ui: &Ui, text: &str, font: FontId, color: Color32) -> Arc<Galley> {
    let mut job = LayoutJob::default();
    for part in text.split_inclusive('▼') {
        let (text, arrow) = part.strip_suffix('▼').map_or((part, ""), |text| (text, "▼"));
        job.append(text, 0.0, TextFormat::simple(font.clone(), color));
        let small = FontId::new(font.size * 0.6, font.family.clone());
        let format = TextFormat { valign: Align::Center, ..TextFormat::simple(small, color) };
        job.append(arrow, 0.0, format);
    }
    ui.fonts_mut(|fonts| fonts.layout_job(job))
}

/// Writes a text; `align` says which point of it is at `at`.
pub fn write(ui: &Ui, (at, align): (Pos2, Align2), text: &str, font: FontId, color: Color32) {
    let galley = layout(ui, text, font, color);
    let rect = align.anchor_size(at, galley.size());
    ui.painter().galley(rect.min, galley, color);
}
