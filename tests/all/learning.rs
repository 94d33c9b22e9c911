//! The fast updates against the textbook's: the same minimum, sooner, whatever the number of threads. Blind learning: its
//! progress, its alternatives, and how it is stopped.

use std::ops::ControlFlow;

use ndarray::{Array2, s};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unweave::dsp::Divergence;
use unweave::learn::nmf::Fixed;
use unweave::learn::report::GroupedBy;
use unweave::learn::{
    Alternatives, Capture, Factorization, FactorizeOptions, LearnError, LearnOptions, Method, Priority, Start, Threads,
    factorize, learn_alternatives, learn_blind, learn_blind_quickly,
};
use unweave::model::Model;
use unweave::model::settings::GroupBy;

const FAST: [Divergence; 2] = [Divergence::KullbackLeibler, Divergence::Euclidean];

/// Frames × rows: six spectra with a few peaks each, struck at random, and some noise.
fn music(frames: usize, rows: usize) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut w = Array2::from_elem((6, rows), 1e-3f32);
    let mut h = Array2::from_elem((frames, 6), 1e-3f32);
    for mut template in w.rows_mut() {
        (0..5).for_each(|_| template[rng.random_range(0..rows)] = rng.random_range(0.2..1.0));
    }
    for mut activations in h.columns_mut() {
        for _ in 0..frames / 12 {
            let (start, level) = (rng.random_range(0..frames), rng.random_range(0.1..1.0f32));
            (start..frames.min(start + 20)).for_each(|n| activations[n] += level * 0.8f32.powi((n - start) as i32));
        }
    }
    h.dot(&w).mapv(|x| x * rng.random_range(0.8f32..1.2))
}

fn learn(v: &Array2<f32>, options: &FactorizeOptions) -> Factorization {
    factorize(v.view(), options, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn last(learned: &Factorization) -> f64 {
    learned.losses.last().unwrap().1
}

#[test]
fn sixty_fast_iterations_reach_the_loss_of_a_hundred_of_the_textbook() {
    let v = music(300, 257);
    for divergence in FAST {
        let options = FactorizeOptions { templates: 8, divergence, ..FactorizeOptions::default() };
        let textbook = learn(&v, &FactorizeOptions { method: Method::Textbook, iterations: 100, ..options.clone() });
        let fast = learn(&v, &options);
        assert_eq!((options.iterations, fast.losses.last().unwrap().0), (60, 60));
        assert!(last(&fast) <= last(&textbook), "{divergence:?}: {} {}", last(&fast), last(&textbook));
        // Both start from the same loss, computed in two ways.
        assert!((fast.losses[0].1 / textbook.losses[0].1 - 1.0).abs() < 1e-5, "{divergence:?}");
    }
}

#[test]
fn the_same_seed_learns_the_same_whatever_the_number_of_threads() {
    // Enough work for four threads in every phase.
    let v = music(700, 1025);
    for divergence in FAST {
        let learn = |threads| {
            let threads = Threads::new(threads, Priority::Normal);
            let options = FactorizeOptions { templates: 72, divergence, iterations: 6, threads, ..Default::default() };
            learn(&v, &options)
        };
        let alone = learn(1);
        for threads in [2, 4] {
            let shared = learn(threads);
            assert!(shared.w == alone.w && shared.h == alone.h, "{divergence:?}, {threads} threads");
            assert_eq!(shared.losses, alone.losses);
        }
    }
}

#[test]
fn fixed_templates_stay_to_the_bit_and_held_ones_keep_their_level() {
    let v = music(200, 129);
    for (divergence, method) in FAST.into_iter().flat_map(|d| [(d, Method::Fast), (d, Method::Textbook)]) {
        let mut w = learn(&v, &FactorizeOptions { templates: 3, iterations: 5, ..Default::default() }).w;
        // Powers of two, so that the templates still sum to one after it is divided by.
        w.rows_mut().into_iter().for_each(|mut row| row.fill(1.0 / 128.0));
        w.slice_mut(s![1, 64..]).fill(0.0);
        w.slice_mut(s![2, ..64]).fill(0.0);
        w.column_mut(128).fill(0.0);
        let sums = w.sum_axis(ndarray::Axis(1));
        let fixed = Some(Fixed { w: w.clone(), levels: vec![Some(0.25), None, Some(2.0)] });
        let options =
            FactorizeOptions { templates: 4, divergence, method, iterations: 15, fixed, ..Default::default() };
        let learned = learn(&v, &options);
        assert_eq!(learned.w.nrows(), 7);
        for k in 0..3 {
            assert_eq!(learned.w.row(k), w.row(k).mapv(|x| x / sums[k]), "{divergence:?} {method:?} {k}");
        }
        for (k, level) in [(0, 0.25), (2, 2.0)] {
            assert!(learned.h.column(k).iter().all(|&h| h == level * sums[k]), "{divergence:?} {method:?} {k}");
        }
        let (free, level) = (learned.h.column(1), learned.h[[0, 1]]);
        assert!(free.iter().any(|&h| h != level));
        assert!(last(&learned) < learned.losses[0].1);
    }
}

#[test]
fn everything_fixed_learns_activations_alone() {
    let v = music(60, 65);
    let w = learn(&v, &FactorizeOptions { templates: 6, ..Default::default() }).w;
    for divergence in FAST {
        let fixed = Some(Fixed { w: w.slice(s![..5, ..]).to_owned(), levels: vec![] });
        let learned = learn(&v, &FactorizeOptions { templates: 1, divergence, fixed, ..Default::default() });
        assert!(last(&learned) < learned.losses[0].1 && learned.w.iter().chain(&learned.h).all(|x| x.is_finite()));
    }
}

#[test]
fn extreme_levels_and_silence_give_finite_factors() {
    for level in [1e-9, 1.0, 1e6] {
        let mut v = music(40, 33) * level;
        v.row_mut(7).fill(0.0);
        v.column_mut(5).fill(0.0);
        for divergence in FAST {
            let learned = learn(&v, &FactorizeOptions { templates: 9, divergence, ..Default::default() });
            assert!(learned.w.iter().chain(&learned.h).all(|x| x.is_finite() && *x >= 0.0), "{level} {divergence:?}");
            assert!(last(&learned) <= learned.losses[0].1, "{level} {divergence:?} {:?}", learned.losses);
        }
    }
}

#[test]
fn the_word_to_stop_is_heard_within_an_iteration_that_takes_long() {
    let v = music(1200, 1025);
    for divergence in FAST {
        let mut heard = Vec::new();
        let start = Start::Random;
        let options = FactorizeOptions { templates: 128, divergence, iterations: 3, start, ..Default::default() };
        factorize(v.view(), &options, &mut |iteration| {
            heard.push(iteration.done);
            ControlFlow::Continue(())
        })
        .unwrap();
        // Two half-steps of two products of 157 million multiply-adds: a question every 25 million.
        let in_second = heard.iter().filter(|&&done| done == 1).count();
        assert!(in_second > 20 && heard.is_sorted() && heard.last() == Some(&3), "{divergence:?}: {heard:?}");
        let mut left = heard.len() / 2;
        let stopped = factorize(v.view(), &options, &mut |_| {
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(stopped.is_err() && left == 0);
    }
}

/// Notes that hop between left and right, and some noise.
fn stereo(samples: usize) -> Capture {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut sample = |n: usize, side: usize| {
        let tone = (n as f32 * [0.03, 0.05, 0.11, 0.31][n / 3000 % 4]).sin();
        tone * if n / 3000 % 2 == side { 0.8 } else { 0.2 } + rng.random_range(-0.01..0.01f32)
    };
    let channels = [0, 1].map(|side| (0..samples).map(|n| sample(n, side)).collect());
    Capture::new(44_100.0, channels.into()).unwrap()
}

#[test]
fn the_word_to_stop_is_heard_in_every_phase_and_progress_never_falls() {
    let capture = stereo(60_000);
    let options = LearnOptions { templates: 4, custom_iterations: Some(5), ..LearnOptions::default() };
    let mut heard = Vec::new();
    let learned = learn_blind_quickly(&capture, 3, &options, &mut |iteration| {
        heard.push((iteration.done, iteration.total));
        ControlFlow::Continue(())
    });
    // Five steps for the factorization, and as many for the rehearsal.
    assert!(learned.is_ok() && heard.is_sorted() && heard.last() == Some(&(10, 10)), "{heard:?}");
    // The spectrogram and k-means before the first step, grouping and rehearsal after the fifth.
    let calls = |step: usize| heard.iter().filter(|(done, _)| *done == step).count();
    assert!(calls(0) > 15 && calls(5) > 40, "{heard:?}");
    for stop in 0..heard.len() {
        let mut calls = 0;
        let stopped = learn_blind_quickly(&capture, 3, &options, &mut |_| {
            calls += 1;
            if calls > stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((stopped.err(), calls), (Some(LearnError::Cancelled), stop + 1));
    }
}

/// Calls until a learning of alternatives is done, each as (done, total).
fn progress_of_alternatives(capture: &Capture, options: &LearnOptions) -> Vec<(usize, usize)> {
    let mut heard = Vec::new();
    let learned = learn_alternatives(capture, 3, options, &mut |iteration| {
        heard.push((iteration.done, iteration.total));
        ControlFlow::Continue(())
    });
    assert!(learned.is_ok());
    heard
}

#[test]
fn the_choice_among_alternatives_can_be_stopped_in_every_phase_and_its_progress_never_falls() {
    let capture = stereo(40_000);
    let options = LearnOptions { templates: 3, custom_iterations: Some(3), ..LearnOptions::default() };
    let heard = progress_of_alternatives(&capture, &options);
    let total = heard[0].1;
    assert!(heard.is_sorted() && heard.iter().all(|(_, all)| *all == total), "{heard:?}");
    assert_eq!(heard.last(), Some(&(total, total)));
    // Every eleventh call: all phases have many more.
    for stop in (0..heard.len()).step_by(11) {
        let mut calls = 0;
        let stopped = learn_alternatives(&capture, 3, &options, &mut |_| {
            calls += 1;
            if calls > stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((stopped.err(), calls), (Some(LearnError::Cancelled), stop + 1));
    }
}

#[test]
fn alternatives_differ_and_the_same_seed_gives_the_same_ones_on_any_number_of_threads() {
    let capture = stereo(120_000);
    let learn = |seed: u64, threads: usize| {
        let threads = Threads::new(threads, Priority::Low);
        let options =
            LearnOptions { templates: 6, custom_iterations: Some(4), seed, threads, ..LearnOptions::default() };
        let go_on = &mut |_| ControlFlow::Continue(());
        let Alternatives { chosen: (model, report), others } =
            learn_alternatives(&capture, 3, &options, go_on).unwrap();
        assert!(report.confidence.is_some_and(|confidence| (0.0..=1.0).contains(&confidence)));
        let models = [model].into_iter().chain(others.into_iter().map(|(model, _)| model));
        let sound = |model: Model| {
            (model.codes().clone(), model.templates().owners().to_vec(), model.templates().covariances().to_vec())
        };
        models.map(sound).collect::<Vec<_>>()
    };
    let first = learn(1, 1);
    assert!((2..=3).contains(&first.len()), "{}", first.len());
    assert!((1..first.len()).all(|index| first[index].0 != first[0].0));
    assert!(first == learn(1, 4) && first != learn(2, 4));
}

#[test]
fn a_grouping_that_the_user_chose_is_the_one_that_is_used_and_has_no_alternatives() {
    let capture = stereo(60_000);
    for (group_by, expected) in [(GroupBy::Timbre, GroupedBy::Timbre), (GroupBy::Hits, GroupedBy::Hits)] {
        let options = LearnOptions { templates: 3, custom_iterations: Some(3), group_by, ..LearnOptions::default() };
        let go_on = &mut |_| ControlFlow::Continue(());
        let Alternatives { chosen: (model, report), others } =
            learn_alternatives(&capture, 3, &options, go_on).unwrap();
        assert_eq!((report.grouped_by, report.confidence, others.len()), (Some(expected), None, 0));
        let (quick, _) = learn_blind_quickly(&capture, 3, &options, go_on).unwrap();
        assert_eq!(model.codes(), quick.codes());
    }
}

#[test]
fn a_model_is_the_same_whatever_the_number_of_threads_even_where_that_changes() {
    // Enough work for four threads, from k-means to the places.
    let capture = stereo(260_000);
    let learn = |threads: &Threads, after: usize| {
        let options = LearnOptions {
            templates: 32,
            custom_iterations: Some(3),
            threads: threads.clone(),
            ..LearnOptions::default()
        };
        let mut on_progress = |_| {
            threads.allow(after);
            ControlFlow::Continue(())
        };
        let (model, _) = learn_blind(&capture, 3, &options, &mut on_progress).unwrap();
        (format!("{:?}", model.codes()), model.templates().covariances().to_vec())
    };
    let alone = learn(&Threads::default(), 1);
    for (before, after) in [(4, 4), (4, 1), (1, 3)] {
        let shared = learn(&Threads::new(before, Priority::Low), after);
        assert!(shared == alone, "{before}, then {after}");
    }
}
