//! The report of a learning: how much each component explains, and warnings about poor separation.

use std::fmt;

use ndarray::{ArrayView2, Axis};

use super::progress::{Cancelled, Poll};
use crate::dsp::Templates;

/// Frames between polls.
const FRAMES_PER_POLL: usize = 256;

/// Above this mean cosine, two components are nearly the same.
const ALIKE: f32 = 0.93;
/// Captures softer than this are nearly silent: −60 dB of full scale.
const SOFT: f32 = 1e-3;
/// Below this share of the mix, a blind component is nearly silent.
const SMALL_SHARE: f32 = 1e-4;
/// With fewer frames per template, a template is a single moment of the sound rather than a repeated pattern.
const FRAMES_PER_TEMPLATE: usize = 4;

/// The learned components, and warnings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// In the model's order.
    pub components: Vec<ComponentReport>,
    /// Reasons for poor separation.
    pub warnings: Vec<Warning>,
    /// How blindly learned templates were grouped.
    pub grouped_by: Option<GroupedBy>,
    /// Where the way was chosen among several: how clearly it is better than the next, 0 to 1, by the criterion that chose
    /// it. It is not a probability.
    pub confidence: Option<f32>,
}

/// How templates became components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupedBy {
    /// What sounds alike.
    Timbre,
    /// What starts together.
    Hits,
    /// Not at all: one template for each component.
    OneTemplate,
}

impl GroupedBy {
    /// Its name in the output of the command.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timbre => "timbre",
            Self::Hits => "hits",
            Self::OneTemplate => "template",
        }
    }
}

/// One learned component.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentReport {
    /// Its name.
    pub name: String,
    /// Number of its templates.
    pub templates: usize,
    /// Whether it was learned as steady hum or noise.
    pub is_steady: bool,
    /// How much its templates explain; `None` for a component that was learned earlier.
    pub explained: Option<Explained>,
}

/// How much a component's templates explain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Explained {
    /// Share of its own capture: 1 − ‖V − WH‖² / ‖V‖².
    OfCapture(f32),
    /// Share of the mix: its activations, divided by the sum of all.
    OfMix(f32),
}

/// A reason for poor separation.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// Two components are nearly the same.
    Alike {
        /// One.
        first: String,
        /// The other.
        second: String,
        /// Their mean cosine, 0 to 1.
        likeness: f32,
    },
    /// A component is nearly silent in its capture.
    Soft {
        /// The component.
        name: String,
        /// The loudest sample of its capture in dBFS; for a blind component, its share of the mix in dB.
        level_db: f32,
    },
    /// Too few frames for so many templates.
    Short {
        /// The component, or the mix.
        name: String,
        /// Frames that are not silent.
        frames: usize,
        /// Templates learned from them.
        templates: usize,
        /// A sufficient length in seconds.
        enough_s: f32,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alike { first, second, likeness } => write!(
                f,
                "“{first}” and “{second}” sound nearly the same ({:.0} %): they cannot be separated; capture a passage where they differ, or merge them",
                likeness * 100.0
            ),
            Self::Soft { name, level_db } => {
                write!(
                    f,
                    "“{name}” is nearly silent in its capture ({level_db:.0} dB): capture a passage where it plays"
                )
            }
            Self::Short { name, frames, templates, enough_s } => write!(
                f,
                "{name}: {templates} templates from {frames} frames that are not silent: the capture is too short; capture {enough_s:.1} s or more, or learn fewer templates"
            ),
        }
    }
}

impl Report {
    /// Warns if a capture's loudest sample is softer than −60 dB.
    pub fn check_level(&mut self, name: &str, channels: &[Vec<f32>]) {
        let peak = channels.iter().flatten().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
        if peak < SOFT {
            self.warnings.push(Warning::Soft { name: name.into(), level_db: 20.0 * peak.log10() });
        }
    }

    /// Warns if a blind component holds less than −40 dB of the mix.
    pub fn check_share(&mut self, name: &str, share: f32) {
        if share < SMALL_SHARE {
            self.warnings.push(Warning::Soft { name: name.into(), level_db: 10.0 * share.max(1e-12).log10() });
        }
    }

    /// Warns if there are fewer than four frames for each of `wanted` templates.
    pub fn check_length(&mut self, name: &str, frames: usize, wanted: usize, hop_s: f32) {
        let enough = FRAMES_PER_TEMPLATE * wanted;
        if frames < enough {
            let (name, templates) = (name.into(), wanted.min(frames));
            self.warnings.push(Warning::Short { name, frames, templates, enough_s: enough as f32 * hop_s });
        }
    }

    /// Warns about each pair of components that are nearly the same.
    pub fn check_likeness(&mut self, templates: &Templates) {
        let roots: Vec<Vec<f32>> = templates.full().templates().map(|w| w.iter().map(|x| x.sqrt()).collect()).collect();
        let of = |component: usize| {
            templates.owners().iter().zip(&roots).filter(move |(owner, _)| **owner == component).map(|(_, root)| root)
        };
        // Each template of one component against the nearest of the other, in both directions.
        let covered = |a: usize, b: usize| {
            let nearest = |root: &Vec<f32>| of(b).map(|other| crate::dsp::simd::dot(root, other)).fold(0.0, f32::max);
            of(a).map(nearest).sum::<f32>() / of(a).count().max(1) as f32
        };
        let names = templates.components();
        for second in 1..names.len() {
            for first in 0..second {
                let likeness = covered(first, second).min(covered(second, first));
                if likeness > ALIKE {
                    let (first, second) = (names[first].clone(), names[second].clone());
                    self.warnings.push(Warning::Alike { first, second, likeness });
                }
            }
        }
    }
}

/// 1 − ‖V − H W‖² / ‖V‖², from 0 to 1: the share of V (frames × rows) that the factorization explains.
///
/// # Errors
/// The poll asked to stop.
pub fn explained_share(
    v: ArrayView2<f32>,
    w: ArrayView2<f32>,
    h: ArrayView2<f32>,
    poll: Poll<'_>,
) -> Result<f32, Cancelled> {
    let energy = |values: &mut dyn Iterator<Item = f32>| values.map(|x| f64::from(x).powi(2)).sum::<f64>();
    let (mut error, mut total) = (0.0, 0.0);
    for (v, h) in v.axis_chunks_iter(Axis(0), FRAMES_PER_POLL).zip(h.axis_chunks_iter(Axis(0), FRAMES_PER_POLL)) {
        error += energy(&mut v.iter().zip(&h.dot(&w)).map(|(v, e)| v - e));
        total += energy(&mut v.iter().copied());
        poll()?;
    }
    Ok((1.0 - error / total.max(f64::MIN_POSITIVE)).max(0.0) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::Format;

    #[test]
    fn the_same_sound_under_two_names_is_warned_about_and_two_sounds_are_not() {
        let format = Format { sample_rate: 44_100.0, window_len: 256, channels: 1 };
        let bump = |centre: f32| (0..129).map(move |bin| (-(bin as f32 - centre).powi(2) / 20.0).exp());
        let matrix = [20.0, 60.0, 21.0, 60.0, 100.0].into_iter().flat_map(bump).collect();
        let names = ["a", "b", "c"].map(String::from).to_vec();
        let templates = Templates::new(format, names, vec![0, 0, 1, 1, 2], matrix).unwrap();
        let mut report = Report::default();
        report.check_likeness(&templates);
        let [Warning::Alike { first, second, likeness }] = report.warnings.as_slice() else {
            panic!("{:?}", report.warnings);
        };
        assert!((first.as_str(), second.as_str()) == ("a", "b") && *likeness > 0.97, "{likeness}");
    }

    #[test]
    fn soft_and_short_captures_are_warned_about_with_a_remedy() {
        let mut report = Report::default();
        report.check_level("loud", &[vec![0.0, -0.5]]);
        report.check_length("long", 64, 16, 0.01);
        report.check_share("large", 0.1);
        assert_eq!(report, Report::default());
        report.check_level("soft", &[vec![0.0, 1e-4]]);
        report.check_length("short", 10, 16, 0.01);
        report.check_share("small", 1e-6);
        let texts: Vec<String> = report.warnings.iter().map(Warning::to_string).collect();
        assert!(texts[0].contains("“soft”") && texts[0].contains("-80 dB"), "{texts:?}");
        assert!(texts[1].contains("10 templates from 10 frames") && texts[1].contains("0.6 s"), "{texts:?}");
        assert!(texts[2].contains("“small”"), "{texts:?}");
    }

    #[test]
    fn an_exact_factorization_explains_everything_and_half_of_it_explains_less() {
        let (w, h) = (ndarray::arr2(&[[1.0, 0.0], [0.0, 1.0]]), ndarray::arr2(&[[1.0, 1.0], [2.0, 0.5]]));
        let v = h.dot(&w);
        assert_eq!(explained_share(v.view(), w.view(), h.view(), &mut || Ok(())).unwrap(), 1.0);
        let half =
            explained_share(v.view(), w.slice(ndarray::s![..1, ..]), h.slice(ndarray::s![.., ..1]), &mut || Ok(()))
                .unwrap();
        assert!((half - 5.0 / 6.25).abs() < 1e-6, "{half}");
    }
}
