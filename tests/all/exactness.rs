//! What the engine promises of every sample: latency, sums, bits, and calm on any input.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use unweave::dsp::activations::ActivationSolver;
use unweave::dsp::bands::Bands;
use unweave::dsp::masks::SoftMasks;
use unweave::dsp::{Complex32, Covariance, Divergence, Engine, Format, Separator, Settings, StftLayout, Templates};

const SAMPLE_RATE: f32 = 48_000.0;
const DIVERGENCES: [Divergence; 3] = [Divergence::KullbackLeibler, Divergence::Euclidean, Divergence::ItakuraSaito];

fn layouts() -> impl Iterator<Item = StftLayout> {
    let symmetric =
        (8..=13).flat_map(|exponent| [(1 << exponent, 1 << exponent, 4), (1 << exponent, 1 << exponent, 2)]);
    let asymmetric = [(256, 16, 2), (2048, 128, 2), (2048, 512, 4), (4096, 1024, 2)];
    symmetric.chain(asymmetric).map(|(window_len, synthesis_len, overlap)| {
        StftLayout::asymmetric(window_len, synthesis_len, synthesis_len / overlap).unwrap()
    })
}

fn short() -> StftLayout {
    StftLayout::new(256, 64).unwrap()
}

/// Uniform noise from −½ to ½.
fn noise(channels: usize, len: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..channels).map(|_| (0..len).map(|_| rng.random_range(-0.5..0.5)).collect()).collect()
}

/// Two random templates for each of `components`, with random calibration and, in stereo, random places.
fn templates(layout: StftLayout, channels: usize, components: usize, seed: u64) -> Templates {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let plain = plain_templates(layout, channels, components, seed);
    let gains = (0..components * channels * layout.bins()).map(|_| rng.random_range(0.5..2.0)).collect();
    let mut place = || {
        let (angle, coherence, phase) =
            (rng.random_range(0.0f32..1.5), rng.random_range(0.0..1.0), rng.random_range(0.0..6.0));
        Covariance::new(angle.cos().powi(2), Complex32::from_polar(angle.cos() * angle.sin() * coherence, phase))
    };
    let places = (0..(channels - 1) * components * layout.bins()).map(|_| place()).collect();
    plain.with_calibration(gains).unwrap().with_covariances(places).unwrap()
}

/// Two random templates for each of `components`.
fn plain_templates(layout: StftLayout, channels: usize, components: usize, seed: u64) -> Templates {
    let format = Format::new(SAMPLE_RATE, layout, channels);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // To the fourth power: some bins far louder than others, as in music.
    let matrix = (0..2 * components * format.rows()).map(|_| rng.random_range(0.0f32..1.0).powi(4)).collect();
    let names = (0..components).map(|n| n.to_string()).collect();
    Templates::new(format, names, (0..2 * components).map(|n| n / 2).collect(), matrix).unwrap()
}

/// What came out: the mix, and the components' channels.
#[derive(Clone, Debug, PartialEq)]
struct Take {
    mix: Vec<Vec<f32>>,
    components: Vec<Vec<f32>>,
}

/// Plays `input` in host blocks of `block_lens`, over and over.
fn play(
    engine: &mut Engine,
    input: &[Vec<f32>],
    templates: Option<&Templates>,
    settings: &Settings,
    block_lens: &[usize],
) -> Take {
    let (channels, len) = (input.len(), input[0].len());
    let mut take =
        Take { mix: input.to_vec(), components: vec![vec![f32::NAN; len]; channels * engine.component_outputs()] };
    let mut start = 0;
    for &block_len in block_lens.iter().cycle() {
        if start == len {
            break;
        }
        let end = (start + block_len).min(len);
        let mut audio: Vec<&mut [f32]> = take.mix.iter_mut().map(|channel| &mut channel[start..end]).collect();
        let mut parts: Vec<&mut [f32]> = take.components.iter_mut().map(|channel| &mut channel[start..end]).collect();
        engine.process_components(&mut audio, &mut parts, templates, settings);
        start = end;
    }
    take
}

fn delayed(input: &[Vec<f32>], latency: usize) -> Vec<Vec<f32>> {
    input.iter().map(|channel| [&vec![0.0; latency][..], &channel[..channel.len() - latency]].concat()).collect()
}

fn bits(channels: &[Vec<f32>]) -> Vec<Vec<u32>> {
    channels.iter().map(|channel| channel.iter().map(|x| x.to_bits()).collect()).collect()
}

/// Energy of the error over the energy of what was expected, in dB.
fn error_db(found: &[Vec<f32>], expected: &[Vec<f32>]) -> f64 {
    let energy = |x: f64| x * x;
    let pairs = || found.iter().flatten().zip(expected.iter().flatten()).map(|(&x, &y)| (f64::from(x), f64::from(y)));
    let error: f64 = pairs().map(|(x, y)| energy(x - y)).sum();
    10.0 * (error / pairs().map(|(_, y)| energy(y)).sum::<f64>()).log10()
}

fn largest_jump(samples: &[f32]) -> f32 {
    samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

#[test]
fn an_impulse_arrives_after_exactly_the_latency_in_every_layout() {
    for layout in layouts() {
        let latency = layout.latency_samples();
        for channels in [1, 2] {
            let w = templates(layout, channels, 2, 1);
            let mut engine = Engine::new(layout, SAMPLE_RATE, channels, 0);
            assert_eq!(engine.latency_samples(), latency);
            // Before the fade to wet ends, within it, and after.
            for at in [0, 777, 2 * layout.window_len() + 1] {
                engine.reset();
                let mut input = vec![vec![0.0; at + 2 * layout.window_len()]; channels];
                input.iter_mut().for_each(|channel| channel[at] = 1.0);
                let take = play(&mut engine, &input, Some(&w), &Settings::default(), &[480]);
                for (sample, &value) in take.mix.iter().flat_map(|channel| channel.iter().enumerate()) {
                    let expected = if sample == at + latency { 1.0 } else { 0.0 };
                    // 1e-5: rounding of two f32 transforms, −100 dB of the impulse.
                    assert!((value - expected).abs() < 1e-5, "{layout:?} {channels} {at}: {value} at {sample}");
                }
            }
        }
    }
}

#[test]
fn with_every_gain_at_unity_the_output_is_the_delayed_input() {
    let mut worst = f64::NEG_INFINITY;
    for layout in layouts() {
        for channels in [1, 2] {
            let input = noise(channels, 6 * layout.window_len() + 1000, 3);
            let w = templates(layout, channels, 4, 4);
            let mut engine = Engine::new(layout, SAMPLE_RATE, channels, 0);
            let take = play(&mut engine, &input, Some(&w), &Settings::default(), &[512]);
            let error = error_db(&take.mix, &delayed(&input, layout.latency_samples()));
            worst = worst.max(error);
            // −120 dB: two f32 transforms round to about −135 dB.
            assert!(error < -120.0, "{layout:?} {channels}: {error} dB");
        }
    }
    println!("reconstruction: {worst:.1} dB at worst");
}

#[test]
fn with_nothing_learned_the_output_is_the_delayed_input_to_the_bit() {
    for layout in layouts() {
        for channels in [1, 2] {
            let input = noise(channels, 4 * layout.window_len() + 100, 5);
            let mut engine = Engine::new(layout, SAMPLE_RATE, channels, 1);
            let take = play(&mut engine, &input, None, &Settings::default(), &[100]);
            assert_eq!(bits(&take.mix), bits(&delayed(&input, layout.latency_samples())), "{layout:?} {channels}");
            assert!(take.components.iter().flatten().all(|&x| x == 0.0), "{layout:?} {channels}");
        }
    }
}

#[test]
fn templates_of_another_layout_or_other_channels_pass_the_sound_through() {
    let input = noise(2, 4000, 6);
    for (window_len, channels) in [(512, 2), (2048, 2), (256, 1)] {
        let other = StftLayout::new(window_len, window_len / 4).unwrap();
        let w = templates(other, channels, 3, 7);
        let mut settings = Settings::default();
        settings.mutes[0] = true;
        let mut engine = Engine::new(short(), SAMPLE_RATE, 2, 0);
        assert!(!engine.fits(&w));
        let take = play(&mut engine, &input, Some(&w), &settings, &[128]);
        assert_eq!(bits(&take.mix), bits(&delayed(&input, 256)), "{other:?} {channels}");
    }
}

#[test]
fn the_components_add_up_to_the_delayed_input_whatever_the_mixer_does() {
    let mut worst = f64::NEG_INFINITY;
    for layout in layouts() {
        for channels in [1, 2] {
            let input = noise(channels, 5 * layout.window_len(), 8);
            let w = templates(layout, channels, 4, 9);
            let mut settings = Settings { mix: 0.3, ..Settings::default() };
            (settings.gains[0], settings.mutes[1], settings.gates_db[2]) = (0.1, true, Some(40.0));
            let mut engine = Engine::new(layout, SAMPLE_RATE, channels, 4);
            let take = play(&mut engine, &input, Some(&w), &settings, &[480]);
            let mut sum = vec![vec![0.0; input[0].len()]; channels];
            for (index, part) in take.components.iter().enumerate() {
                sum[index % channels].iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
            let error = error_db(&sum, &delayed(&input, layout.latency_samples()));
            worst = worst.max(error);
            // −110 dB: as the whole, and the rounding of four masks.
            assert!(error < -110.0, "{layout:?} {channels}: {error} dB");
        }
    }
    println!("components: {worst:.1} dB at worst");
}

#[test]
fn bypass_fades_without_a_click_to_the_dry_bits() {
    let sine = |n: usize| (n as f32 * 0.03).sin() * 0.5;
    let input = vec![(0..48_000).map(sine).collect::<Vec<_>>()];
    let w = templates(short(), 1, 3, 10);
    let mut settings = Settings { output: 0.7, ..Settings::default() };
    settings.solos[1] = true;
    let mut engine = Engine::new(short(), SAMPLE_RATE, 1, 0);
    let (before, after) = (vec![input[0][..24_000].to_vec()], vec![input[0][24_000..].to_vec()]);
    let wet = play(&mut engine, &before, Some(&w), &settings, &[480]);
    assert_ne!(wet.mix[0][20_000..], delayed(&input, 256)[0][20_000..24_000]);
    settings.bypass = true;
    let dry = play(&mut engine, &after, Some(&w), &settings, &[480]);
    // 20 ms of fade, and two hops to notice.
    let settled = 960 + 128;
    assert_eq!(bits(&[dry.mix[0][settled..].to_vec()]), bits(&[delayed(&input, 256)[0][24_000 + settled..].to_vec()]));
    let whole = [&wet.mix[0][1000..], &dry.mix[0]].concat();
    // The sine moves by at most 0.015 a sample, and the fade by 0.5 in 960.
    assert!(largest_jump(&whole) < 0.02, "{}", largest_jump(&whole));
}

#[test]
fn digital_silence_is_silence_and_what_follows_it_is_whole() {
    for layout in layouts() {
        let (window_len, latency) = (layout.window_len(), layout.latency_samples());
        let mut input = noise(2, 12 * window_len, 40);
        input.iter_mut().for_each(|channel| channel[3 * window_len + 7..8 * window_len].fill(0.0));
        let w = templates(layout, 2, 3, 41);
        let mut engine = Engine::new(layout, SAMPLE_RATE, 2, 3);
        let take = play(&mut engine, &input, Some(&w), &Settings::default(), &[100]);
        let error = error_db(&take.mix, &delayed(&input, latency));
        assert!(error < -120.0, "{layout:?}: {error} dB");
        // Frames that reach into the sound before or after spread it over their window.
        let silence = 4 * window_len + latency + 7 + layout.hop_len()..7 * window_len + latency;
        let all = || take.mix.iter().chain(&take.components);
        assert!(all().all(|channel| channel[silence.clone()].iter().all(|&x| x == 0.0)), "{layout:?}");
        assert!(all().all(|channel| channel[..window_len].iter().any(|&x| x != 0.0)), "{layout:?}");
    }
}

#[test]
fn an_output_that_nobody_listens_to_changes_no_bit_of_the_others() {
    let (input, w) = (noise(2, 3000, 42), templates(short(), 2, 3, 43));
    let play_connected = |connected: [bool; 6]| {
        let mut engine = Engine::new(short(), SAMPLE_RATE, 2, 3);
        let mut mix = input.clone();
        let mut parts: Vec<Vec<f32>> = connected.iter().map(|&on| vec![7.0; if on { 3000 } else { 0 }]).collect();
        let mut audio: Vec<&mut [f32]> = mix.iter_mut().map(Vec::as_mut_slice).collect();
        let mut slices: Vec<&mut [f32]> = parts.iter_mut().map(Vec::as_mut_slice).collect();
        engine.process_components(&mut audio, &mut slices, Some(&w), &Settings::default());
        (bits(&mix), bits(&parts))
    };
    let (all_mix, all) = play_connected([true; 6]);
    let (some_mix, some) = play_connected([false, false, true, false, true, true]);
    assert_eq!(all_mix, some_mix);
    for lane in [2, 4, 5] {
        assert_eq!(all[lane], some[lane], "{lane}");
    }
}

#[test]
fn bypass_and_a_dry_mix_come_back_without_a_dip() {
    for layout in layouts() {
        let input = noise(2, 20 * layout.window_len(), 44);
        let w = templates(layout, 2, 3, 45);
        let mut engine = Engine::new(layout, SAMPLE_RATE, 2, 0);
        let (bypassed, dry) =
            (Settings { bypass: true, ..Settings::default() }, Settings { mix: 0.0, ..Settings::default() });
        let settings = [Settings::default(), bypassed, Settings::default(), dry, Settings::default()];
        let mut mix = vec![Vec::new(); 2];
        for (part, settings) in settings.iter().enumerate() {
            let range = 4 * part * layout.window_len()..4 * (part + 1) * layout.window_len();
            let part: Vec<Vec<f32>> = input.iter().map(|channel| channel[range.clone()].to_vec()).collect();
            let take = play(&mut engine, &part, Some(&w), settings, &[256]);
            mix.iter_mut().zip(take.mix).for_each(|(mix, part)| mix.extend(part));
        }
        let error = error_db(&mix, &delayed(&input, layout.latency_samples()));
        assert!(error < -120.0, "{layout:?}: {error} dB");
    }
}

#[test]
fn after_a_reset_the_same_input_gives_the_same_bits() {
    let w = templates(short(), 2, 3, 11);
    let mut settings = Settings { mix: 0.8, output: 0.5, ..Settings::default() };
    (settings.gains[0], settings.gates_db[1]) = (0.25, Some(10.0));
    let mut engine = Engine::new(short(), SAMPLE_RATE, 2, 3);
    let (other, input) = (noise(2, 3333, 12), noise(2, 5000, 13));
    let fresh = play(&mut engine, &input, Some(&w), &settings, &[64]);
    play(&mut engine, &other, Some(&templates(short(), 2, 2, 14)), &Settings::default(), &[100]);
    engine.reset();
    let again = play(&mut engine, &input, Some(&w), &settings, &[64]);
    assert_eq!((bits(&fresh.mix), bits(&fresh.components)), (bits(&again.mix), bits(&again.components)));
}

#[test]
fn everything_muted_is_silence_from_the_first_sample_on() {
    for layout in layouts() {
        let input = noise(1, 4 * layout.window_len(), 15);
        let w = templates(layout, 1, 3, 16);
        let settings = Settings { mutes: [true; 16], ..Settings::default() };
        let mut engine = Engine::new(layout, SAMPLE_RATE, 1, 0);
        let take = play(&mut engine, &input, Some(&w), &settings, &[512]);
        assert!(take.mix[0].iter().all(|&x| x == 0.0), "{layout:?}");
    }
}

#[test]
fn muting_everything_while_it_plays_ends_in_exact_silence() {
    let input = noise(2, 48_000, 17);
    let w = templates(short(), 2, 3, 18);
    let mut engine = Engine::new(short(), SAMPLE_RATE, 2, 0);
    play(&mut engine, &input, Some(&w), &Settings::default(), &[512]);
    let settings = Settings { mutes: [true; 16], ..Settings::default() };
    let take = play(&mut engine, &input, Some(&w), &settings, &[512]);
    // Gains reach −100 dB after 11.5 time constants of 10 ms, and the window passes.
    assert!(take.mix.iter().all(|channel| channel[6000..].iter().all(|&x| x == 0.0)));
}

#[test]
fn any_input_and_any_setting_give_finite_output() {
    let bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e38, -1e38, f32::MAX, 1e-40, -1e-45, 1e6, 1e-30];
    let w = templates(short(), 2, 3, 19);
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 1e38];
    for divergence in DIVERGENCES {
        for (mask_exponent, updates) in [(0.5, 0), (1.0, 1), (1.5, 20), (2.0, 200), (4.0, 20)] {
            for value in bad {
                let mut input = noise(2, 3000, 20);
                input[0][500] = value;
                input[1][1000..1600].fill(value);
                let mut settings = Settings { divergence, mask_exponent, updates, ..Settings::default() };
                for (component, value) in odd.into_iter().enumerate() {
                    settings.gains[component] = value;
                    settings.gates_db[component] = Some(value);
                }
                for (mix, output) in [(1.0, 1.0), (f32::NAN, f32::INFINITY), (f32::INFINITY, f32::NAN)] {
                    (settings.mix, settings.output) = (mix, output);
                    let mut engine = Engine::new(short(), SAMPLE_RATE, 2, 3);
                    let take = play(&mut engine, &input, Some(&w), &settings, &[480]);
                    let mut all = take.mix.iter().chain(&take.components).flatten();
                    assert!(all.all(|x| x.is_finite()), "{value} {settings:?}");
                    assert!((0..3).all(|component| engine.activation_db(component).is_finite()));
                }
            }
        }
    }
}

#[test]
fn a_sample_that_is_no_number_is_silence_and_nothing_more() {
    let (mut broken, mut silent) = (noise(1, 3000, 21), noise(1, 3000, 21));
    (broken[0][700], silent[0][700]) = (f32::NAN, 0.0);
    let w = templates(short(), 1, 2, 22);
    let take = |input: &[Vec<f32>]| {
        play(&mut Engine::new(short(), SAMPLE_RATE, 1, 2), input, Some(&w), &Settings::default(), &[64])
    };
    assert_eq!(take(&broken), take(&silent));
}

#[test]
fn new_templates_in_the_middle_of_a_sound_do_not_click() {
    let sine = |n: usize| 0.5 * (n as f32 * 0.02).sin() + 0.2 * (n as f32 * 0.071).sin();
    for layout in [short(), StftLayout::default()] {
        let input = vec![(0..30_000).map(sine).collect::<Vec<_>>()];
        let (first, second) = (templates(layout, 1, 2, 23), templates(layout, 1, 5, 24));
        let mut settings = Settings::default();
        settings.mutes[0] = true;
        let settled = 10_000..30_000;
        let steady = [Some(&first), Some(&second), None].map(|w| {
            let take = play(&mut Engine::new(layout, SAMPLE_RATE, 1, 0), &input, w, &settings, &[480]);
            largest_jump(&take.mix[0][settled.clone()])
        });
        let mut engine = Engine::new(layout, SAMPLE_RATE, 1, 0);
        let mut whole = Vec::new();
        for w in [Some(&first), Some(&second), None, Some(&first)] {
            // 30000 samples are not whole periods: each take starts where the sine is near the end of the last.
            let start = whole.len();
            let next: Vec<Vec<f32>> = vec![(start..start + 30_000).map(sine).collect()];
            whole.extend(play(&mut engine, &next, w, &settings, &[480]).mix.remove(0));
        }
        let largest = steady.into_iter().fold(0.0, f32::max);
        let jump = largest_jump(&whole[10_000..]);
        println!("{layout:?}: jumps of {jump}, {largest} in the steady state");
        // Overlap-add crossfades the masks: no more than the steepest steady state, and a tenth for the fade's own slope.
        assert!(jump < 1.1 * largest, "{layout:?}: {jump}, {largest}");
    }
}

#[test]
fn the_activations_of_a_frame_do_not_depend_on_earlier_frames() {
    let w = templates(short(), 2, 4, 25);
    let spectrum = |seed: u64| -> Vec<Complex32> {
        let parts = noise(2, 2 * 129, seed);
        parts[0].iter().zip(&parts[1]).map(|(&re, &im)| Complex32 { re, im }).collect()
    };
    for divergence in DIVERGENCES {
        let settings = Settings { divergence, ..Settings::default() };
        let mut fresh = Separator::new(short(), SAMPLE_RATE);
        fresh.separate_frame(&spectrum(0), &w, &settings);
        let mut worn = Separator::new(short(), SAMPLE_RATE);
        worn.separate_frame(&vec![Complex32 { re: 1e9, im: 0.0 }; 258], &w, &settings);
        for seed in 1..20 {
            worn.separate_frame(&spectrum(seed), &w, &settings);
        }
        worn.separate_frame(&spectrum(0), &w, &settings);
        assert_eq!(fresh.activations()[..8], worn.activations()[..8], "{divergence:?}");
    }
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let switches = prop::array::uniform16(any::<bool>());
    (prop::array::uniform16(0.0f32..4.0), switches, switches, 0.0f32..=1.0, 0.0f32..2.0, 0usize..3).prop_map(
        |(gains, mutes, gated, mix, output, divergence)| Settings {
            gains,
            mutes,
            solos: gated.map(|is_on| !is_on),
            gates_db: gated.map(|is_on| is_on.then_some(20.0)),
            mix,
            output,
            divergence: DIVERGENCES[divergence],
            updates: 3,
            ..Settings::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn any_split_into_host_blocks_gives_the_same_bits(
        block_lens in prop::collection::vec(
            prop_oneof![prop::sample::select(vec![1usize, 7, 32, 64, 480, 1024, 4096]), 1usize..5000], 1..12),
        (exponent, shorter, overlap) in (8u32..=11, prop::sample::select(vec![0, 0, 2, 4]), prop::sample::select(vec![2usize, 4])),
        channels in 1usize..=2,
        (first, second) in (any_settings(), any_settings()),
    ) {
        let layout = StftLayout::asymmetric(1 << exponent, 1 << (exponent - shorter), (1 << (exponent - shorter)) / overlap).unwrap();
        let w = templates(layout, channels, 3, 26);
        let (input, more) = (noise(channels, 7001, 27), noise(channels, 6007, 28));
        let takes = [&[usize::MAX >> 1][..], &block_lens].map(|block_lens| {
            let mut engine = Engine::new(layout, SAMPLE_RATE, channels, 3);
            let before = play(&mut engine, &input, Some(&w), &first, block_lens);
            let after = play(&mut engine, &more, Some(&w), &second, block_lens);
            [bits(&before.mix), bits(&before.components), bits(&after.mix), bits(&after.components)]
        });
        prop_assert!(takes[0] == takes[1]);
    }

    #[test]
    fn masks_lie_between_zero_and_one_and_sum_to_one_in_every_bin(
        components in 1usize..=16,
        (seed, exponent) in (any::<u64>(), prop::sample::select(vec![0.5f32, 1.0, 1.5, 2.0, 3.3])),
        activations in prop::collection::vec(
            prop_oneof![Just(0.0f32), Just(1e-12), Just(1e-40), 0.0f32..1.0, 0.0f32..1e9], 32),
    ) {
        let w = templates(short(), 1, components, seed);
        let mut masks = SoftMasks::new(129, 16);
        masks.update(&w, &activations[..2 * components], exponent);
        let mut sums = [0.0f64; 129];
        for component in 0..components {
            for (sum, &share) in sums.iter_mut().zip(masks.component(component, 129)) {
                prop_assert!((0.0..=1.0).contains(&share), "{}", share);
                *sum += f64::from(share);
            }
        }
        // 2e-6: the f32 sum of 16 shares, rounded at each step.
        prop_assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 2e-6), "{:?}", sums);
    }

    #[test]
    fn activations_are_finite_and_never_negative(
        // Up to what an engine's loudest sample (1e6) can sum to in a window of 256, with room to spare.
        magnitudes in prop::collection::vec(
            prop_oneof![Just(0.0f32), Just(1e-40), Just(1e-12), 0.0f32..1.0, 0.0f32..1e10], 129),
        is_sparse in any::<bool>(),
        (updates, seed) in (0usize..100, any::<u64>()),
    ) {
        let format = Format::new(SAMPLE_RATE, short(), 1);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut value = |n: usize| if is_sparse && n % 7 != 3 { 0.0 } else { rng.random_range(0.0f32..1.0) + 1e-6 };
        let matrix: Vec<f32> = (0..5 * 129).map(&mut value).collect();
        let names = vec!["all".to_owned()];
        let w = Templates::with_bands(format, names, vec![0; 5], matrix, Bands::full(129)).unwrap();
        for divergence in DIVERGENCES {
            let mut activations = [f32::NAN; 5];
            ActivationSolver::new(129).solve(&magnitudes, w.banded(), divergence, updates, &mut activations);
            prop_assert!(activations.iter().all(|h| h.is_finite() && *h >= 0.0), "{:?} {:?}", divergence, activations);
        }
    }
}
