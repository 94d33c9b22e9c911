//! The demo's report: what was done, what to listen for, and figures.

use std::fmt::Write as _;

use super::score::{Score, difference_db, mean_db};
use super::{Approach, CAPTURE_S, Clip, Demo, FILL_S, Story};

impl Demo {
    /// The text of `report.md`.
    pub(super) fn report(&self, clip: &Clip, scores: &[Vec<Score>; 2]) -> String {
        let mut text = format!("# Unweave demo\n\n{}\n\n{}", self.how, introduction(clip));
        text += "| mean of the three parts | heard | not heard |\n|---|---|---|\n";
        for (story, scores) in self.stories.iter().zip(scores) {
            let name = match story.approach {
                Approach::Taught => "**taught**: each part was learned alone",
                Approach::Blind => "**blind**: all were learned from the mix",
            };
            let (heard, unheard) = (mean_db(scores, |s| s.heard_db), mean_db(scores, |s| s.unheard_db));
            let _ = writeln!(text, "| {name} | {} | {} |", db(heard), db(unheard));
        }
        let mix = [mean_db(&scores[0], |s| s.mix_heard_db), mean_db(&scores[0], |s| s.mix_unheard_db)];
        let _ = writeln!(text, "| the mix, not separated | {} | {} |\n", db(mix[0]), db(mix[1]));
        text += FIGURES;
        text += "![The mix before and after, in the colours of its parts](owners.png)\n\n";
        for (story, scores) in self.stories.iter().zip(scores) {
            text += &story.report(clip, scores);
        }
        text += "## How long it took\n\n| step | time |\n|---|---|\n";
        let steps = self.steps.iter().chain(self.stories.iter().flat_map(|story| &story.steps));
        for (step, time) in steps {
            let _ = writeln!(text, "| {step} | {:.2} s |", time.as_secs_f64());
        }
        text
    }
}

fn introduction(clip: &Clip) -> String {
    format!(
        "The clip is a groove of drums, bass and keys: six bars, {:.1} s. Unweave learns from the first four bars \
         ({CAPTURE_S} s, “heard”) and then plays all six. The last two bars (“not heard”) are the test: they have other \
         chords, bass notes that were not played before, busier hats and a tom fill.\n\n",
        clip.mix.seconds()
    )
}

/// What the figures mean.
const FIGURES: &str = "The figures are SI-SDR: by how much a part is louder than everything else in its file (the other parts, and damage). \
     At 0 dB both are equally loud; at 10 dB the rest has a third of the part's amplitude, at 20 dB a tenth. Compare with \
     the mix: there the other parts are louder than any one part.\n\n\
     Every sound is a WAV file. `mix.wav` is the input. `stems/` has the original parts, to compare with. `taught/` and \
     `blind/` have what Unweave made of the mix.\n\n";

impl Story {
    /// Its section of the report.
    fn report(&self, clip: &Clip, scores: &[Score]) -> String {
        let folder = self.approach.folder();
        let heading = match self.approach {
            Approach::Taught => "## 1. Taught: each part alone, then the mix",
            Approach::Blind => "## 2. Blind: nothing but the mix",
        };
        let mut text = format!(
            "{heading}\n\n{}\n\n| part | heard | the mix there | not heard | the mix there |\n|---|---|---|---|---|\n",
            self.how
        );
        let mut row = |name: &str, figures: [f64; 4]| {
            let _ = writeln!(text, "| {name} | {} |", figures.map(db).join(" | "));
        };
        let figures = |s: &Score| [s.heard_db, s.mix_heard_db, s.unheard_db, s.mix_unheard_db];
        scores.iter().for_each(|score| row(score.name, figures(score)));
        row("mean", std::array::from_fn(|index| mean_db(scores, |score| figures(score)[index])));
        text += "\nListen for:\n\n";
        text += &match self.approach {
            Approach::Taught => listen_taught(scores),
            Approach::Blind => listen_blind(scores),
        };
        let _ = writeln!(
            text,
            "- `{folder}/remix.wav`: the parts together again. Its largest difference from the mix is at {}, that of the \
             sum of the three files at {} of full scale: nothing is lost and nothing is added.\n\n\
             Latency: {} samples, {:.1} ms. {} templates in all.\n",
            db(difference_db(&clip.mix, std::slice::from_ref(&self.remix))),
            db(difference_db(&clip.mix, &self.components)),
            self.latency_samples,
            self.latency_samples as f64 / f64::from(clip.mix.sample_rate) * 1000.0,
            self.model.templates().owners().len(),
        );
        for (picture, what) in [
            ("W", "W: the spectra that each part is made of"),
            ("H", "H: how strongly each part sounds"),
            ("shares", "Each part's share of the sound"),
        ] {
            let _ = writeln!(text, "![{what}]({folder}/{picture}.png)");
        }
        text + "\n"
    }
}

fn listen_taught(scores: &[Score]) -> String {
    let before = |index: usize| db(scores[index].unheard_before_fill_db);
    let [drums, bass, keys] = [0, 1, 2].map(before);
    format!(
        "- `taught/keys.wav`: the electric piano alone, also from {CAPTURE_S} s on, where chords and a lick are played that \
         were never heard. It is panned to the left while drums and bass are in the centre, and Unweave makes use of that.\n\
         - `taught/drums.wav` and `taught/bass.wav`: kick and bass share the lowest octaves and the centre, so only their \
         spectra tell them apart. On the first beat of a bar, where both play, listen for a trace of each in the other.\n\
         - The tom fill at {FILL_S:.1} s: no tom was played in the four bars that were heard, so much of it goes to the bass. \
         Unweave can only find what it was taught. Until the fill, the bars that were not heard have {drums} for the drums, \
         {bass} for the bass and {keys} for the keys. Had toms been captured as well, most of the fill would be in the drums.\n"
    )
}

fn listen_blind(scores: &[Score]) -> String {
    let best = scores.iter().max_by(|a, b| a.unheard_db.total_cmp(&b.unheard_db)).map_or("keys", |score| score.name);
    format!(
        "- `blind/{best}.wav`: the part that comes out best. Compare it with `taught/{best}.wav`.\n\
         - The other files: other parts are softer in them, but still there. Nobody said what belongs together, so \
         Unweave groups spectra by how alike they sound, and here some groups hold two instruments.\n\
         - To do better without stems: learn again with another number of templates or components and keep what sounds \
         best, move templates between parts in the editor, or teach one part where it plays alone and let Rest learn the \
         others.\n"
    )
}

/// Decibels with one decimal, and a proper minus sign.
fn db(value: f64) -> String {
    format!("{value:.1} dB").replace('-', "−")
}
