//! Edits of a learned model: component names, and the component that owns each template.

use super::captures::Captures;
use super::refusal::Refusal;
use crate::learn::capture::Capture;
use crate::learn::draft::Draft;
use crate::learn::error::LearnError;
use crate::learn::options::LearnOptions;
use crate::learn::progress::{OnProgress, Progress};
use crate::learn::report::Report;
use crate::model::{Codes, Model};

/// Returns the model with one component renamed. Spaces at the ends of `name` are dropped.
///
/// # Errors
/// There is no such component, or the name is empty, or another component has it.
pub fn renamed(model: &Model, component: usize, name: &str) -> Result<Model, Refusal> {
    let mut names = model.templates().components().to_vec();
    let (name, components) = (name.trim(), names.len());
    if component >= components {
        return Err(Refusal::NoComponent { number: component + 1, components });
    }
    if name.is_empty() {
        return Err(Refusal::EmptyName);
    }
    if names.iter().enumerate().any(|(index, known)| index != component && known == name) {
        return Err(Refusal::SameName(name.into()));
    }
    names[component] = name.into();
    Ok(model.with_names(names).map_err(LearnError::from)?)
}

/// Returns the model with a template moved to `component`. Calibrations and covariances do not change; see
/// [`measured`].
///
/// # Errors
/// There is no such template or component, or the template is the last one of its component.
pub fn moved(model: &Model, template: usize, component: usize) -> Result<Model, Refusal> {
    let (names, mut owners) = (model.templates().components(), model.templates().owners().to_vec());
    let Some(&owner) = owners.get(template) else {
        return Err(Refusal::NoTemplate { number: template + 1, templates: owners.len() });
    };
    if component >= names.len() {
        return Err(Refusal::NoComponent { number: component + 1, components: names.len() });
    }
    if owner != component && owners.iter().filter(|&&other| other == owner).count() == 1 {
        return Err(Refusal::LastTemplate { template: template + 1, component: names[owner].clone() });
    }
    owners[template] = component;
    Ok(model.with_owners(owners).map_err(LearnError::from)?)
}

/// Measures the model's calibrations, and the covariances of the components `touched`, again from its captures, in the
/// same way as learning. If captures are missing or have another format, the present values stay: they still describe
/// all templates except the moved ones.
///
/// # Errors
/// The callback requested a stop.
pub fn measured(
    model: &Model,
    touched: [usize; 2],
    captures: &Captures,
    options: &LearnOptions,
    on_progress: OnProgress<'_>,
) -> Result<Model, LearnError> {
    let (templates, learned) = (model.templates(), model.info());
    let format = templates.format();
    let fits =
        |capture: &&Capture| (capture.sample_rate(), capture.channels().len()) == (format.sample_rate, format.channels);
    let mut draft = Draft::of(model, format, learned.layout)?;
    for (component, capture) in draft.components.iter_mut().zip(&captures.alone) {
        component.capture = capture.as_ref().filter(fits);
    }
    draft.mix = captures.mix.as_ref().filter(fits);
    if draft.mix.is_some() {
        touched.into_iter().for_each(|index| draft.components[index].covariances.clear());
    }
    let options = LearnOptions {
        divergence: learned.divergence,
        custom_iterations: Some(learned.iterations),
        seed: learned.seed,
        extend_pitch: learned.extend_pitch,
        ..options.clone()
    };
    let mut progress = Progress::new(options.iterations(), on_progress);
    let (found, _) = draft.finish(&options, Report::default(), &mut progress)?;
    // A draft orders its templates by component: take only its measurements, and keep the model's templates.
    let Codes { templates: kept, energy_shares, .. } = Codes::clone(model.codes());
    let codes = Codes { templates: kept, energy_shares, ..Codes::clone(found.codes()) };
    let (names, owners) = (templates.components().to_vec(), templates.owners().to_vec());
    Ok(Model::from_codes(format, names, owners, codes.into(), learned.clone())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::{Divergence, Format, StftLayout, Templates};
    use crate::model::LearnInfo;

    fn model() -> Model {
        let layout = StftLayout::new(256, 64).unwrap();
        let format = Format::new(48_000.0, layout, 1);
        let matrix = (0..3 * format.rows()).map(|n| ((n as f32 * 0.37).sin() + 1.0).powi(6)).collect();
        let names = vec!["kick".into(), "snare".into()];
        let templates = Templates::new(format, names, vec![0, 1, 1], matrix).unwrap();
        let divergence = Divergence::default();
        let learned = LearnInfo { divergence, seed: 1, iterations: 1, layout, extend_pitch: true, steady: Vec::new() };
        Model::new(&templates, learned).unwrap()
    }

    #[test]
    fn a_component_takes_a_name_that_no_other_has_and_sounds_as_before() {
        let model = model();
        let named = renamed(&model, 1, "  clap ").unwrap();
        assert_eq!(named.templates().components(), ["kick", "clap"]);
        assert_eq!((named.codes(), named.templates().owners()), (model.codes(), model.templates().owners()));
        assert!(renamed(&model, 1, "snare").is_ok());
        let refused = |component: usize, name: &str| renamed(&model, component, name).unwrap_err();
        assert_eq!(refused(1, "kick "), Refusal::SameName("kick".into()));
        assert_eq!(refused(0, "   "), Refusal::EmptyName);
        assert_eq!(refused(2, "x"), Refusal::NoComponent { number: 3, components: 2 });
    }

    #[test]
    fn a_template_changes_its_component_unless_it_is_the_last_one_there() {
        let model = model();
        let changed = moved(&model, 2, 0).unwrap();
        assert_eq!((changed.templates().owners(), changed.codes()), ([0, 1, 0].as_slice(), model.codes()));
        let refused = |template: usize, component: usize| moved(&model, template, component).unwrap_err();
        assert_eq!(refused(0, 1), Refusal::LastTemplate { template: 1, component: "kick".into() });
        assert_eq!(refused(3, 1), Refusal::NoTemplate { number: 4, templates: 3 });
        assert_eq!(refused(1, 2), Refusal::NoComponent { number: 3, components: 2 });
        assert!(moved(&model, 0, 0).is_ok());
    }

    #[test]
    fn a_component_with_a_new_template_is_found_where_that_sounds_from() {
        // A low tone on the left, a middle and a high one on the right.
        let tone =
            |pitch: f32, n: usize| (n as f32 * pitch).sin() * if n / 3000 % 3 == pitch as usize { 0.5 } else { 0.1 };
        let left = (0..24_000).map(|n| tone(0.2, n)).collect();
        let right = (0..24_000).map(|n| tone(1.1, n) + tone(2.3, n)).collect();
        let mix = Capture::new(48_000.0, vec![left, right]).unwrap();
        let layout = StftLayout::new(256, 64).unwrap();
        let format = Format::new(48_000.0, layout, 2);
        let peak = |pitch: f32, side: usize| {
            let bin_0 = pitch / std::f32::consts::TAU * 256.0;
            let level =
                move |row: usize| if row / 129 == side { (-((row % 129) as f32 - bin_0).powi(2)).exp() } else { 0.0 };
            (0..format.rows()).map(move |row| level(row) + 1e-4)
        };
        let matrix = peak(0.2, 0).chain(peak(1.1, 1)).chain(peak(2.3, 1)).collect();
        let templates = Templates::new(format, vec!["a".into(), "b".into()], vec![0, 0, 1], matrix).unwrap();
        let (divergence, steady) = (Divergence::default(), Vec::new());
        let learned = LearnInfo { divergence, seed: 1, iterations: 1, layout, extend_pitch: false, steady };
        let model = Model::new(&templates, learned).unwrap();
        let captures = Captures { mix: Some(mix), ..Captures::default() };
        let measure = |model: &Model| {
            let go_on: OnProgress<'_> = &mut |_| std::ops::ControlFlow::Continue(());
            measured(model, [0, 1], &captures, &LearnOptions::default(), go_on).unwrap()
        };
        let before = measure(&model);
        let after = measure(&moved(&before, 1, 1).unwrap());
        assert_eq!(
            (after.templates().owners(), &after.codes().templates),
            ([0, 1, 1].as_slice(), &model.codes().templates)
        );
        // The first component no longer sounds from the right, in the bin of the moved template.
        let bin = (1.1 / std::f32::consts::TAU * 256.0) as usize;
        let left_of_a = |model: &Model| model.templates().covariances()[bin].left;
        assert!(left_of_a(&before) < 0.2 && left_of_a(&after) > 0.5, "{} {}", left_of_a(&before), left_of_a(&after));
    }
}
