//! What was measured, as a table for people and as numbers for machines.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::rounds::Ratio;

/// What a number must keep to, and what it aims at.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    must: f64,
    aim: f64,
    side: Side,
}

#[derive(Clone, Copy)]
enum Side {
    AtLeast,
    AtMost,
}

impl Bounds {
    pub(crate) const fn at_least(must: f64, aim: f64) -> Self {
        Self { must, aim, side: Side::AtLeast }
    }

    pub(crate) const fn at_most(must: f64, aim: f64) -> Self {
        Self { must, aim, side: Side::AtMost }
    }

    fn verdict(self, value: f64) -> &'static str {
        let keeps = |bound: f64| match self.side {
            Side::AtLeast => value >= bound,
            Side::AtMost => value <= bound,
        };
        match (keeps(self.must), keeps(self.aim)) {
            (true, true) => "✓ aim",
            (true, false) => "✓ must",
            (false, _) => "✗",
        }
    }
}

/// One measured number.
pub(crate) struct Row {
    name: String,
    value: f64,
    unit: &'static str,
    bounds: Option<Bounds>,
    /// Where the middle half of the rounds lies.
    quartiles: Option<[f64; 2]>,
}

impl Row {
    /// A number that nothing is asked of.
    pub(crate) fn plain(name: &str, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, bounds: None, quartiles: None }
    }

    pub(crate) fn bounded(name: &str, value: f64, unit: &'static str, bounds: Bounds) -> Self {
        Self { bounds: Some(bounds), ..Self::plain(name, value, unit) }
    }

    /// How many times faster.
    pub(crate) fn times(name: &str, ratio: Ratio, bounds: Bounds) -> Self {
        Self { quartiles: Some(ratio.quartiles), ..Self::bounded(name, ratio.of_medians, "×", bounds) }
    }

    /// A ratio in percent.
    pub(crate) fn share(name: &str, ratio: Ratio, bounds: Bounds) -> Self {
        let quartiles = ratio.quartiles.map(|quartile| 100.0 * quartile);
        Self { quartiles: Some(quartiles), ..Self::bounded(name, 100.0 * ratio.of_medians, "%", bounds) }
    }

    fn text(&self) -> String {
        let with_unit = |value: f64| format!("{} {}", rounded(value), self.unit).trim().to_owned();
        let [must, aim] =
            self.bounds.map_or([String::new(), String::new()], |bounds| [bounds.must, bounds.aim].map(with_unit));
        let spread = self.quartiles.map(|[low, high]| format!(" ({}–{})", rounded(low), rounded(high)));
        let verdict = self.bounds.map_or("", |bounds| bounds.verdict(self.value));
        let measured = with_unit(self.value) + &spread.unwrap_or_default();
        format!("| {} | {must} | {aim} | {measured} | {verdict} |", self.name)
    }

    fn json(&self) -> Value {
        let mut json = json!({ "name": self.name, "value": self.value, "unit": self.unit });
        if let Some(bounds) = self.bounds {
            json["must"] = json!(bounds.must);
            json["aim"] = json!(bounds.aim);
            json["verdict"] = json!(bounds.verdict(self.value));
        }
        if let Some(quartiles) = self.quartiles {
            json["quartiles"] = json!(quartiles);
        }
        json
    }
}

/// Numbers that belong together.
pub(crate) struct Table {
    title: String,
    /// What a row is, then what its numbers are.
    columns: Vec<String>,
    rows: Vec<(String, Vec<f64>)>,
}

impl Table {
    pub(crate) fn new(title: &str, row: &str, numbers: &[&str]) -> Self {
        let columns = std::iter::once(&row).chain(numbers).map(|&column| column.to_owned()).collect();
        Self { title: title.into(), columns, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, name: &str, numbers: &[f64]) {
        self.rows.push((name.into(), numbers.to_vec()));
    }

    fn text(&self) -> String {
        let mut text = format!(
            "\n## {}\n\n| {} |\n|{}\n",
            self.title,
            self.columns.join(" | "),
            "---|".repeat(self.columns.len())
        );
        for (name, numbers) in &self.rows {
            let numbers: Vec<String> = numbers.iter().map(|&number| rounded(number)).collect();
            let _ = writeln!(text, "| {name} | {} |", numbers.join(" | "));
        }
        text
    }

    fn json(&self) -> Value {
        let rows: Vec<Value> =
            self.rows.iter().map(|(name, numbers)| json!({ "name": name, "numbers": numbers })).collect();
        json!({ "title": self.title, "columns": self.columns, "rows": rows })
    }
}

/// A heading, and its rows.
struct Section {
    heading: String,
    rows: Vec<Row>,
}

/// Everything, in the order it was measured.
pub(crate) struct Report {
    /// What measured it.
    command: &'static str,
    facts: Vec<String>,
    sections: Vec<Section>,
    tables: Vec<Table>,
}

const METHOD: &str = "Everything runs in one process and one Python process, one thread each. What is compared is measured in \
turns, round after round, on the same arrays; a ratio is that of the medians, in brackets the middle half of the ratios of \
single rounds. “To the same loss” is to 1e-5 of what scikit-learn's float64 updates reach, computed in float64 from W and H; \
ours is timed for the fewest updates that reach it, with all that the call does. NumPy's updates have their outputs \
preallocated and W in the order that suits its BLAS best; all three end with the same H to 1e-4. Of hops and blocks the least \
time of several runs of the same input is taken, block by block, so that interruptions do not count.";

impl Report {
    pub(crate) fn new(command: &'static str, facts: Vec<String>) -> Self {
        Self { command, facts, sections: Vec::new(), tables: Vec::new() }
    }

    /// Rows from now on are of this.
    pub(crate) fn heading(&mut self, heading: &str) {
        println!("\n{heading}");
        self.sections.push(Section { heading: heading.into(), rows: Vec::new() });
    }

    pub(crate) fn add(&mut self, row: Row) {
        println!("{}", row.text());
        if let Some(section) = self.sections.last_mut() {
            section.rows.push(row);
        }
    }

    pub(crate) fn table(&mut self, table: Table) {
        print!("{}", table.text());
        self.tables.push(table);
    }

    /// Writes `report.md` and `report.json`.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        for (name, text) in [("report.md", self.text()), ("report.json", format!("{:#}\n", self.json()))] {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))?;
        }
        Ok(())
    }

    fn text(&self) -> String {
        let mut text = format!("# Speed\n\nBy `{}`.\n\n", self.command);
        for fact in &self.facts {
            let _ = writeln!(text, "- {fact}");
        }
        let _ = writeln!(text, "\n{METHOD}\n\n| | must | aim | measured | |\n|---|---|---|---|---|");
        for Section { heading, rows } in &self.sections {
            let _ = writeln!(text, "| **{heading}** | | | | |");
            for row in rows {
                let _ = writeln!(text, "{}", row.text());
            }
        }
        self.tables.iter().for_each(|table| text.push_str(&table.text()));
        text + "\n![How the cost of a hop grows](growth.png)\n"
    }

    fn json(&self) -> Value {
        let section = |section: &Section| {
            let rows: Vec<Value> = section.rows.iter().map(Row::json).collect();
            json!({ "heading": section.heading, "rows": rows })
        };
        json!({
            "command": self.command,
            "facts": self.facts,
            "sections": self.sections.iter().map(section).collect::<Vec<_>>(),
            "tables": self.tables.iter().map(Table::json).collect::<Vec<_>>(),
        })
    }
}

/// Three figures, or all before the point.
fn rounded(value: f64) -> String {
    let places = if value == value.round() { 0 } else { (2 - value.abs().log10().floor() as i32).clamp(0, 4) };
    format!("{value:.*}", places as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_knows_which_side_is_good() {
        let more = Bounds::at_least(6.0, 9.0);
        assert_eq!([5.9, 6.0, 9.1].map(|value| more.verdict(value)), ["✗", "✓ must", "✓ aim"]);
        let less = Bounds::at_most(10.0, 5.0);
        assert_eq!([10.1, 10.0, 4.0].map(|value| less.verdict(value)), ["✗", "✓ must", "✓ aim"]);
        assert_eq!(more.verdict(f64::NAN), "✗");
    }

    #[test]
    fn numbers_have_three_figures() {
        assert_eq!([0.012_34, 1.234, 123.4, 1234.5, 8.0].map(rounded), ["0.0123", "1.23", "123", "1234", "8"]);
    }
}
