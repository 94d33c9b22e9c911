//! How the cost of a hop grows: with templates, bins, updates and components.

use std::path::Path;

use anyhow::Result;
use unweave::dsp::StftLayout;

use crate::blocks::BlockTimes;
use crate::chart::{self, Panel};
use crate::report::{Report, Table};
use scenes::{LoopedEngine, chord, tones};

const HOPS: usize = 60;

/// Measures, and draws `growth.png`.
pub(crate) fn measure(runs: usize, folder: &Path, report: &mut Report) -> Result<()> {
    let normal = StftLayout::default();
    let time = |layout: StftLayout, components: usize, each: usize, updates: usize| {
        let notes = chord(HOPS * layout.hop_len());
        let player = LoopedEngine::new(layout, tones(layout, components, each), [notes.clone(), notes]);
        let blocks = BlockTimes::of(&mut player.with_updates(updates), layout.hop_len(), runs);
        // The first windows are not full yet.
        blocks.after(4).quantile(0.5) * 1e6
    };
    let templates = [2, 4, 8, 16, 32, 64].map(|each| (4.0 * each as f64, time(normal, 4, each, 20)));
    let updates = [1, 2, 5, 10, 20, 50, 100].map(|updates| (updates as f64, time(normal, 4, 16, updates)));
    let components =
        [1, 2, 4, 8, 16].map(|components| (components as f64, time(normal, components, 64 / components, 20)));
    let mut bins = Vec::new();
    for window_len in [512, 1024, 2048, 4096, 8192, 16_384] {
        let layout = StftLayout::new(window_len, window_len / 4)?;
        bins.push((layout.bins() as f64, time(layout, 4, 16, 20)));
    }
    let panels = [
        Panel { title: "Templates of 4 components, window 2048", axis: "learned templates in all", points: &templates },
        Panel { title: "Bins, hop a quarter of the window, 64 templates", axis: "bins of a channel", points: &bins },
        Panel { title: "Updates of H a frame, 64 templates", axis: "updates", points: &updates },
        Panel { title: "Components that share 64 templates", axis: "components", points: &components },
    ];
    chart::draw("Cost of a hop: stereo, tonal templates with copies and places", &panels, &folder.join("growth.png"))?;
    for panel in &panels {
        let mut table = Table::new(&format!("Growth: {}", panel.title), panel.axis, &["a hop, µs"]);
        panel.points.iter().for_each(|(x, y)| table.row(&x.to_string(), &[*y]));
        report.table(table);
    }
    Ok(())
}
