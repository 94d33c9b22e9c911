//! Groups blindly learned templates into components by timbre, panning and time.

pub mod likeness;

use ndarray::{Array2, ArrayView2, Axis};

use crate::dsp::Format;
use crate::learn::progress::{Cancelled, Poll};
use crate::model::settings::GroupBy;
use likeness::Likenesses;

/// Exponent of the size in the merging cost: small templates merge first.
const SIZE_EXPONENT: f64 = 0.25;
/// The Hits grouping is chosen if the activations within its groups have a mean correlation above this. Measured on 28 mixes with 3 seeds each: drum kits and single notes were at or above 0.44, everything else
/// at or below 0.34.
const STRUCK_TOGETHER: f64 = 0.4;
/// Similarity measures that each voting grouping combines.
const LIKENESSES_PER_VOTE: u32 = 3;

/// Templates grouped into components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// The component of each template.
    pub owners: Vec<usize>,
    /// How they were grouped: never [`GroupBy::Auto`].
    pub by: GroupBy,
}

/// Groups templates (rows of `w`, each of `format.rows()`; columns of `h`, frames × templates), into `groups` components,
/// numbered from the loudest; one per template if there are fewer templates.
///
/// # Errors
/// The poll asked to stop.
pub fn group_templates(
    format: Format,
    (w, h): (ArrayView2<f32>, ArrayView2<f32>),
    (groups, by): (usize, GroupBy),
    poll: Poll<'_>,
) -> Result<Grouping, Cancelled> {
    let weights = weights(h);
    let likenesses = Likenesses::new(format, w, h, poll)?;
    let (owners, by) = match by {
        GroupBy::Timbre => (group_by_timbre(&likenesses, &weights, groups, poll)?, GroupBy::Timbre),
        GroupBy::Hits => (group_by_hits(&likenesses, &weights, groups), GroupBy::Hits),
        GroupBy::Auto => {
            let hits = group_by_hits(&likenesses, &weights, groups);
            let struck_together = mean_within(&likenesses.activation, &hits).is_some_and(|mean| mean > STRUCK_TOGETHER);
            match struck_together {
                true => (hits, GroupBy::Hits),
                false => (group_by_timbre(&likenesses, &weights, groups, poll)?, GroupBy::Timbre),
            }
        }
    };
    Ok(Grouping { owners: loudest_first(&owners, &weights), by })
}

/// Groups templates like [`group_templates`]: by timbre, and by hits.
///
/// # Errors
/// The poll asked to stop.
pub fn groupings(
    format: Format,
    (w, h): (ArrayView2<f32>, ArrayView2<f32>),
    groups: usize,
    poll: Poll<'_>,
) -> Result<[Grouping; 2], Cancelled> {
    let weights = weights(h);
    let likenesses = Likenesses::new(format, w, h, poll)?;
    let timbre = group_by_timbre(&likenesses, &weights, groups, poll)?;
    let hits = group_by_hits(&likenesses, &weights, groups);
    Ok([
        Grouping { owners: loudest_first(&timbre, &weights), by: GroupBy::Timbre },
        Grouping { owners: loudest_first(&hits, &weights), by: GroupBy::Hits },
    ])
}

/// Each template's share of all activations. Every template gets some weight, so that averages are defined.
fn weights(h: ArrayView2<f32>) -> Vec<f64> {
    let energies = h.map(|&x| f64::from(x)).sum_axis(Axis(0));
    let total = energies.sum().max(f64::MIN_POSITIVE);
    energies.iter().map(|energy| (energy / total).max(1e-9)).collect()
}

/// The attack and the decay of a hit differ in timbre but start together.
fn group_by_hits(likenesses: &Likenesses, weights: &[f64], groups: usize) -> Vec<usize> {
    let Likenesses { spectrum, activation, transposed, pan, .. } = likenesses;
    let likeness =
        [spectrum, activation, transposed].map(squared).iter().fold(Array2::zeros(pan.dim()), |sum, x| sum + x);
    merge(&(likeness / 3.0 * squared(pan)), weights, groups)
}

/// Each similarity fails on some kind of music: timbre separates a drum's attack from its decay, activations separate the notes
/// of one instrument. So each three of the six vote with a grouping, and the final similarity of two templates is the share of
/// these twenty groupings that join them. Panning counts in all.
fn group_by_timbre(
    likenesses: &Likenesses,
    weights: &[f64],
    groups: usize,
    poll: Poll<'_>,
) -> Result<Vec<usize>, Cancelled> {
    let Likenesses { mfcc, spectrum, activation, onset, shape, transposed, pan } = likenesses;
    let mut voters: Vec<Array2<f64>> = [mfcc, spectrum, activation, onset, shape].map(squared).into();
    // Not squared: even copies of one spectrum are not identical after transposition.
    voters.push(transposed.clone());
    let pan = squared(pan);
    let mut together = Array2::<f64>::zeros(pan.dim());
    let mut votes = 0.0;
    for chosen in (0..1u32 << voters.len()).filter(|chosen| chosen.count_ones() == LIKENESSES_PER_VOTE) {
        let chosen = voters.iter().enumerate().filter(|(index, _)| chosen >> index & 1 == 1).map(|(_, voter)| voter);
        let likeness = chosen.fold(Array2::zeros(pan.dim()), |sum, voter| sum + voter) / f64::from(LIKENESSES_PER_VOTE);
        let owners = merge(&(likeness * &pan), weights, groups);
        together.indexed_iter_mut().filter(|((i, j), _)| owners[*i] == owners[*j]).for_each(|(_, votes)| *votes += 1.0);
        votes += 1.0;
        poll()?;
    }
    Ok(merge(&(together / votes), weights, groups))
}

fn squared(likeness: &Array2<f64>) -> Array2<f64> {
    likeness.mapv(|x| x * x)
}

/// The mean over all pairs of templates with the same owner; `None` if there are none.
fn mean_within(likeness: &Array2<f64>, owners: &[usize]) -> Option<f64> {
    let pairs = likeness.indexed_iter().filter(|((i, j), _)| i < j && owners[*i] == owners[*j]);
    let (sum, count) = pairs.fold((0.0, 0), |(sum, count), (_, x)| (sum + x, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// The cluster of each template after the cheapest pairs have merged until `groups` are left. The cost of merging a and b
/// is (1 − s) · (a b / (a + b))^¼: s the average likeness of their templates, weighted; a and b their weights.
fn merge(likeness: &Array2<f64>, weights: &[f64], groups: usize) -> Vec<usize> {
    let mut weights = weights.to_vec();
    let mut owners: Vec<usize> = (0..weights.len()).collect();
    let mut clusters = owners.clone();
    // Σ wᵢ wⱼ sᵢⱼ over the pairs between two clusters: these add up when clusters merge, averages do not.
    let mut sums = Array2::from_shape_fn(likeness.dim(), |(i, j)| weights[i] * weights[j] * likeness[[i, j]]);
    let cost = |sum: f64, a: f64, b: f64| (1.0 - sum / (a * b)) * (a * b / (a + b)).powf(SIZE_EXPONENT);
    // Kept, because only those of the merged cluster change.
    let mut costs = Array2::from_shape_fn(sums.dim(), |(i, j)| cost(sums[[i, j]], weights[i], weights[j]));
    while clusters.len() > groups.max(1) {
        let (kept, absorbed) = cheapest(&costs, &clusters);
        let added = sums.row(absorbed).to_owned();
        sums.row_mut(kept).zip_mut_with(&added, |sum, x| *sum += x);
        sums.column_mut(kept).zip_mut_with(&added, |sum, x| *sum += x);
        weights[kept] += weights[absorbed];
        owners.iter_mut().filter(|owner| **owner == absorbed).for_each(|owner| *owner = kept);
        clusters.retain(|&cluster| cluster != absorbed);
        for &other in &clusters {
            let cost = cost(sums[[kept, other]], weights[kept], weights[other]);
            costs[[kept, other]] = cost;
            costs[[other, kept]] = cost;
        }
    }
    owners
}

/// The first of the cheapest pairs of `clusters`, which are at least two.
fn cheapest(costs: &Array2<f64>, clusters: &[usize]) -> (usize, usize) {
    let mut cheapest = (f64::INFINITY, clusters[0], clusters[1]);
    for (n, &a) in clusters.iter().enumerate() {
        let costs = costs.row(a);
        for &b in &clusters[n + 1..] {
            if costs[b] < cheapest.0 {
                cheapest = (costs[b], a, b);
            }
        }
    }
    (cheapest.1, cheapest.2)
}

fn loudest_first(owners: &[usize], weights: &[f64]) -> Vec<usize> {
    let mut clusters = owners.to_vec();
    clusters.sort_unstable();
    clusters.dedup();
    let weight_of = |cluster: usize| -> f64 {
        owners.iter().zip(weights).filter(|(owner, _)| **owner == cluster).map(|(_, weight)| weight).sum()
    };
    clusters.sort_by(|&a, &b| weight_of(b).total_cmp(&weight_of(a)));
    owners.iter().filter_map(|owner| clusters.iter().position(|cluster| cluster == owner)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group_templates(format: Format, w: ArrayView2<f32>, h: ArrayView2<f32>, groups: usize, by: GroupBy) -> Grouping {
        super::group_templates(format, (w, h), (groups, by), &mut || Ok(())).unwrap()
    }

    const FORMAT: Format = Format { sample_rate: 44_100.0, window_len: 2048, channels: 2 };

    /// A bump around bin `centre`, in the right channel by the part `right`; the narrower, the larger `sharpness`.
    fn template(centre: f32, sharpness: f32, right: f32) -> Vec<f32> {
        let bin = |n: usize| (-((n as f32 + 1.0) / centre).ln().powi(2) * sharpness).exp();
        let left = (0..1025).map(|n| bin(n) * (1.0 - right));
        left.chain((0..1025).map(|n| bin(n) * right)).collect()
    }

    fn matrix(templates: &[Vec<f32>]) -> Array2<f32> {
        Array2::from_shape_fn((templates.len(), FORMAT.rows()), |(template, row)| templates[template][row])
    }

    /// Six spectra that have nothing in common, even transposed by an octave.
    fn strangers() -> Array2<f32> {
        matrix(&[3.0, 9.0, 27.0, 81.0, 243.0, 729.0].map(|centre| template(centre, 40.0, 0.5)))
    }

    /// Three drums: the rings, low and unlike each other, and then the attacks: combs of noise, each of its own bins.
    fn drums() -> Array2<f32> {
        let ring = |centre| template(centre, 40.0, 0.5);
        let attack = |drum: usize| {
            (0..2050)
                .map(|row| if (200..900).contains(&(row % 1025)) && row % 1025 % 31 == 13 * drum { 0.5 } else { 0.0 })
                .collect()
        };
        matrix(&[ring(3.0), ring(9.0), ring(27.0), attack(0), attack(1), attack(2)])
    }

    /// Activations of three drums, one hit every 16 frames: three rings, and then their three attacks.
    fn struck() -> Array2<f32> {
        const HITS: [usize; 12] = [0, 2, 1, 0, 0, 2, 1, 1, 0, 1, 2, 0];
        Array2::from_shape_fn((16 * HITS.len(), 6), |(frame, template)| {
            let decay = if template < 3 { 0.75f32 } else { 0.35 };
            if HITS[frame / 16] == template % 3 { decay.powi((frame % 16) as i32) } else { 0.0 }
        })
    }

    #[test]
    fn timbre_separates_low_from_high_and_left_from_right_templates() {
        let bumps = [(10.0, 0.5), (300.0, 0.5), (12.0, 0.5), (280.0, 0.5), (11.0, 0.5), (300.0, 0.9)];
        let w = matrix(&bumps.map(|(centre, right)| template(centre, 4.0, right)));
        // Low and high take turns; the low ones sound longest, and the right one least: only its place tells it apart.
        let turns = [(0, 30, 1.0), (30, 50, 1.0), (0, 30, 1.0), (30, 50, 1.0), (0, 30, 1.0), (30, 50, 0.5)];
        let h = Array2::from_shape_fn((600, 6), |(frame, template)| {
            let (from, to, level) = turns[template];
            let decay = |frame: usize| level * (0.9f32.powi(frame as i32) + 0.1);
            if (from..to).contains(&(frame % 60)) { decay(frame % 60 - from) } else { 0.0 }
        });
        let grouping = group_templates(FORMAT, w.view(), h.view(), 3, GroupBy::Timbre);
        assert_eq!(grouping, Grouping { owners: vec![0, 1, 0, 1, 0, 2], by: GroupBy::Timbre });
    }

    #[test]
    fn timbre_separates_templates_that_start_together() {
        let w = matrix(&[10.0, 11.0, 12.0, 280.0, 300.0, 320.0].map(|centre| template(centre, 4.0, 0.5)));
        let grouping = group_templates(FORMAT, w.view(), struck().view(), 2, GroupBy::Timbre);
        assert_eq!(grouping.owners, [0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn hits_join_the_attack_and_the_decay_of_a_drum_and_are_chosen_for_drums() {
        let expected = Grouping { owners: vec![0, 1, 2, 0, 1, 2], by: GroupBy::Hits };
        for by in [GroupBy::Hits, GroupBy::Auto] {
            assert_eq!(group_templates(FORMAT, drums().view(), struck().view(), 3, by), expected, "{by:?}");
        }
    }

    #[test]
    fn timbre_joins_the_attacks_of_all_drums() {
        let owners = group_templates(FORMAT, drums().view(), struck().view(), 3, GroupBy::Timbre).owners;
        assert!(owners[3..].iter().all(|owner| *owner == owners[3]), "{owners:?}");
    }

    #[test]
    fn timbre_is_chosen_for_held_notes_that_overlap() {
        let periods = [97, 131, 157, 173, 191, 211];
        let h = Array2::from_shape_fn((900, 6), |(frame, template)| {
            if (frame + 20 * template) % periods[template] < periods[template] / 2 { 1.0 } else { 0.0 }
        });
        let group = |by| group_templates(FORMAT, strangers().view(), h.view(), 3, by);
        assert_eq!(group(GroupBy::Auto), group(GroupBy::Timbre));
        assert_eq!(group(GroupBy::Auto).by, GroupBy::Timbre);
    }

    #[test]
    fn timbre_is_chosen_where_every_template_is_a_group_of_its_own() {
        let grouping = group_templates(FORMAT, strangers().view(), struck().view(), 6, GroupBy::Auto);
        assert_eq!(grouping.by, GroupBy::Timbre);
    }

    #[test]
    fn the_similarity_of_clusters_is_the_weighted_mean_of_their_templates() {
        // 0 and 1 merge first; then 2 is like them by 0.6 and 0.2, averaged, and 3 is like 2 by 0.5.
        let likeness = ndarray::arr2(&[
            [1.0, 0.9, 0.6, 0.0], //
            [0.9, 1.0, 0.2, 0.0],
            [0.6, 0.2, 1.0, 0.5],
            [0.0, 0.0, 0.5, 1.0],
        ]);
        assert_eq!(merge(&likeness, &[1.0; 4], 2), [0, 0, 2, 2]);
        // Merging with the heavy 3 costs much, and 0 outweighs 1: the average is 0.598.
        assert_eq!(merge(&likeness, &[1.0, 0.005, 1.0, 9.0], 2), [0, 0, 0, 3]);
    }

    #[test]
    fn the_mean_within_groups_is_over_their_pairs() {
        let likeness = ndarray::arr2(&[[1.0, 0.2, 0.9], [0.2, 1.0, 0.6], [0.9, 0.6, 1.0]]);
        assert_eq!(mean_within(&likeness, &[0, 0, 1]), Some(0.2));
        // 1e-12: three sums of f64.
        assert!((mean_within(&likeness, &[4, 4, 4]).unwrap() - 1.7 / 3.0).abs() < 1e-12);
        assert_eq!(mean_within(&likeness, &[0, 1, 2]), None);
    }

    #[test]
    fn there_are_as_many_components_as_asked_for_and_the_loudest_is_first() {
        let w = matrix(&[10.0, 20.0, 40.0, 80.0, 160.0].map(|centre| template(centre, 4.0, 0.5)));
        let h = Array2::from_shape_fn((50, 5), |(frame, template)| ((frame * (template + 2)) % 7 * template) as f32);
        for (by, groups) in GroupBy::ALL.into_iter().flat_map(|by| (1..=5).map(move |groups| (by, groups))) {
            let Grouping { owners, by: used } = group_templates(FORMAT, w.view(), h.view(), groups, by);
            let loudness = |group: usize| -> f32 {
                h.columns().into_iter().zip(&owners).filter(|(_, owner)| **owner == group).map(|(h, _)| h.sum()).sum()
            };
            assert!((1..groups).all(|group| loudness(group) <= loudness(group - 1)), "{by:?} {owners:?}");
            assert!((0..groups).all(|group| owners.contains(&group)), "{by:?} {owners:?}");
            assert!(owners.iter().all(|&owner| owner < groups), "{by:?} {owners:?}");
            assert!(if by == GroupBy::Auto { used != by } else { used == by });
        }
    }

    #[test]
    fn even_silent_or_very_few_templates_and_frames_make_the_groups_asked_for() {
        let (w, h) = (strangers(), struck());
        let (silent_w, silent_h) = (Array2::zeros(w.dim()), Array2::zeros(h.dim()));
        for by in GroupBy::ALL {
            let count = |w: ArrayView2<f32>, h: ArrayView2<f32>, groups: usize| {
                let mut owners = group_templates(FORMAT, w, h, groups, by).owners;
                owners.sort_unstable();
                owners.dedup();
                assert_eq!(owners, (0..owners.len()).collect::<Vec<_>>());
                owners.len()
            };
            assert_eq!(count(silent_w.view(), h.view(), 3), 3);
            assert_eq!(count(w.view(), silent_h.view(), 3), 3);
            assert_eq!(count(w.view(), h.slice(ndarray::s![..2, ..]), 3), 3);
            assert_eq!(count(w.view(), h.slice(ndarray::s![..1, ..]), 3), 3);
            assert_eq!(count(w.view(), h.view(), 6), 6);
            assert_eq!(count(w.slice(ndarray::s![..1, ..]), h.slice(ndarray::s![.., ..1]), 1), 1);
            assert_eq!(count(w.slice(ndarray::s![..1, ..]), h.slice(ndarray::s![.., ..1]), 2), 1);
        }
    }

    #[test]
    fn the_same_templates_are_grouped_the_same_again() {
        let w =
            Array2::from_shape_fn((24, FORMAT.rows()), |(template, row)| ((template * 31 + row) * 7919 % 101) as f32);
        let h = Array2::from_shape_fn((100, 24), |(frame, template)| ((template * 17 + frame) * 6007 % 97) as f32);
        for by in GroupBy::ALL {
            let group = || group_templates(FORMAT, w.view(), h.view(), 4, by);
            assert_eq!(group(), group());
        }
    }
}
