//! Changes of a learned model: names, and which component owns which template.

use super::refusal::Refusal;
use crate::model::Model;

/// The model, with a component called `name`, which may begin and end in no space.
///
/// # Errors
/// No such component, or a name that is empty or another component's.
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
    Ok(model.with_names(names).map_err(super::components::LearnError::from)?)
}

/// The model, with a template owned by `component`. Calibrations and places stay as they are: both are averages over all
/// templates of a component, where one of them counts for little; and what was captured alone is where its component
/// sounds from whoever owns which template. Learning again from the captures gives components their own templates back.
///
/// # Errors
/// No such template or component, or the last template of its component.
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
    Ok(model.with_owners(owners).map_err(super::components::LearnError::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::{Divergence, Format, StftLayout, Templates};
    use crate::model::Learned;

    fn model() -> Model {
        let layout = StftLayout::new(256, 64).unwrap();
        let format = Format::new(48_000.0, layout, 1);
        let matrix = (0..3 * format.rows()).map(|n| ((n as f32 * 0.37).sin() + 1.0).powi(6)).collect();
        let names = vec!["kick".into(), "snare".into()];
        let templates = Templates::new(format, names, vec![0, 1, 1], matrix).unwrap();
        let divergence = Divergence::default();
        let learned = Learned { divergence, seed: 1, iterations: 1, layout, extend_pitch: true, steady: Vec::new() };
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
}
