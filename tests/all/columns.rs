//! What an open editor sees of the sound, and that the sound knows nothing of it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::noise_model::{learned, noise};
use unweave::dsp::{Block, Column, Engine, Hop, HopObserver, Mode, Settings};
use unweave::link::{AudioLink, EditorLink, connect};
use unweave::model::PlaybackSettings;
use unweave::plugin::editor_feed::EditorFeed;

const RATE: f32 = 48_000.0;
/// Splits that no two blocks of one hop have in common.
const SPLITS: [&[usize]; 4] = [&[4096], &[64], &[1, 7, 333, 999], &[480, 512, 513]];

/// When an editor is open.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Open {
    Never,
    Always,
    /// It opens and closes with every third block.
    Sometimes,
}

/// An instance that plays.
struct ShownEngine {
    engine: Engine,
    feed: EditorFeed,
    settings: Settings,
    audio: AudioLink,
    link: EditorLink,
    columns: Vec<Column>,
}

impl ShownEngine {
    fn new(mode: Mode, sample_rate: f32, channels: usize) -> Self {
        let (audio, _learn, link) = connect();
        let layout = mode.layout(sample_rate);
        link.models.play_in(sample_rate, channels, PlaybackSettings::new(layout));
        let engine = Engine::new(layout, sample_rate, channels, 0);
        let mut settings = Settings::default();
        settings.mutes[1] = true;
        settings.gates_db[2] = Some(-20.0);
        Self { engine, feed: EditorFeed::new(sample_rate), settings, audio, link, columns: Vec::new() }
    }

    fn with_model(self, channels: usize) -> Self {
        self.link.models.replace(Some(Arc::new(learned(channels))));
        self
    }

    fn play(&mut self, input: &[Vec<f32>], split: &[usize], open: Open) -> Vec<Vec<f32>> {
        let mut output = input.to_vec();
        let (mut start, len) = (0, input[0].len());
        for (number, &block_len) in split.iter().cycle().enumerate() {
            if start == len {
                break;
            }
            match open {
                Open::Always if number == 0 => self.link.columns.open(),
                Open::Sometimes if number % 6 == 0 => self.link.columns.open(),
                Open::Sometimes if number % 6 == 3 => self.link.columns.close(),
                _ => {}
            }
            let end = (start + block_len).min(len);
            let mut block: Vec<&mut [f32]> = output.iter_mut().map(|channel| &mut channel[start..end]).collect();
            let block = Block { audio: &mut block, components: &mut [] };
            self.feed.process(&mut self.engine, &mut self.audio, block, &self.settings);
            self.columns.extend(std::iter::from_fn(|| self.link.columns.pop()));
            start = end;
        }
        output
    }
}

#[test]
fn an_instance_sounds_the_same_to_the_bit_while_its_editor_is_open() {
    for (mode, channels) in Mode::ALL.into_iter().flat_map(|mode| [(mode, 1), (mode, 2)]) {
        let input = noise(channels, 30_000);
        for is_learned in [false, true] {
            let player = || match ShownEngine::new(mode, RATE, channels) {
                player if is_learned => player.with_model(channels),
                player => player,
            };
            let expected = player().play(&input, &[4096], Open::Never);
            for (split, open) in SPLITS.into_iter().flat_map(|split| [(split, Open::Always), (split, Open::Sometimes)])
            {
                let mut shown = player();
                let output = shown.play(&input, split, open);
                assert!(output == expected, "{}, {channels} channels, blocks of {split:?}, {open:?}", mode.name());
                assert!(!shown.columns.is_empty());
            }
        }
    }
}

#[test]
fn nothing_is_drawn_while_no_editor_is_open() {
    let mut player = ShownEngine::new(Mode::Live, RATE, 1).with_model(1);
    player.play(&noise(1, 48_000), &[480], Open::Never);
    assert!(player.columns.is_empty());
}

/// Remembers when each hop was complete, by the sample, and draws it.
struct Record {
    start: usize,
    ends: Vec<usize>,
    columns: Vec<Column>,
}

impl HopObserver for Record {
    fn observe(&mut self, hop: &mut Hop<'_>) {
        self.ends.push(self.start + hop.offset());
        let mut column = Column { seconds: hop.activation_db(0), ..Column::default() };
        hop.draw(&mut column);
        self.columns.push(column);
    }
}

#[test]
fn an_observer_is_called_once_per_hop_at_its_last_sample_whatever_the_blocks() {
    let layout = Mode::Tight.layout(RATE);
    let templates = learned(1).for_playback(RATE, 1, PlaybackSettings::new(layout)).unwrap();
    let input = noise(1, 20_000);
    let observe = |split: &[usize]| {
        let mut engine = Engine::new(layout, RATE, 1, 0);
        let mut record = Record { start: 0, ends: Vec::new(), columns: Vec::new() };
        let (mut output, mut split) = (input.clone(), split.iter().cycle());
        while record.start < output[0].len() {
            let end = (record.start + split.next().unwrap()).min(output[0].len());
            let block = Block { audio: &mut [&mut output[0][record.start..end]], components: &mut [] };
            engine.process_observed(block, Some(&templates), &Settings::default(), &mut record);
            record.start = end;
        }
        let columns = record.columns.iter().map(|column| (column.levels, column.shares, column.seconds));
        (record.ends, columns.collect::<Vec<_>>(), output)
    };
    let (ends, columns, output) = observe(&[4096]);
    let hop_len = layout.hop_len();
    assert_eq!(ends, (1..=20_000 / hop_len).map(|hop| hop * hop_len - 1).collect::<Vec<_>>());
    for split in &SPLITS[1..] {
        assert!(observe(split) == (ends.clone(), columns.clone(), output.clone()), "blocks of {split:?}");
    }
}

#[test]
fn while_a_removed_model_fades_out_the_columns_show_the_input() {
    let input = noise(1, 40_000);
    let mut player = ShownEngine::new(Mode::Normal, RATE, 1).with_model(1);
    let play = |player: &mut ShownEngine, range: std::ops::Range<usize>| {
        player.play(&[input[0][range].to_vec()], &[512], Open::Always);
        std::mem::take(&mut player.columns)
    };
    let separated = play(&mut player, 0..20_480);
    player.link.models.replace(None);
    let fading = play(&mut player, 20_480..40_000);
    // White noise of the same strength: without the model its rows lie as high as with it.
    let mean = |column: &Column| column.levels.iter().map(|&level| f32::from(level)).sum::<f32>() / 256.0;
    let expected = mean(&separated[15]);
    for (number, column) in fading.iter().enumerate() {
        // 6 steps are 3 dB: the mean of 256 rows of noise varies by less than 1 dB.
        assert!((mean(column) - expected).abs() < 6.0, "column {number}: {} instead of {expected}", mean(column));
    }
}

#[test]
fn columns_come_every_10_ms_or_every_hop_if_that_is_longer_and_stand_for_all_of_the_time() {
    for sample_rate in [22_050.0, 44_100.0, 48_000.0, 96_000.0, 192_000.0] {
        for mode in Mode::ALL {
            let mut player = ShownEngine::new(mode, sample_rate, 1);
            player.play(&noise(1, sample_rate as usize), &[480], Open::Always);
            let hop_s = mode.layout(sample_rate).hop_len() as f32 / sample_rate;
            // As few hops as last 10 ms.
            let expected_s = (0.01 / hop_s).ceil() * hop_s;
            let seconds: Vec<f32> = player.columns.iter().map(|column| column.seconds).collect();
            assert!(
                seconds.iter().all(|seconds| (seconds - expected_s).abs() < 1e-6),
                "{} at {sample_rate} Hz: {expected_s} {seconds:?}",
                mode.name()
            );
            // Of one second; the last column is on its way.
            assert!((seconds.iter().sum::<f32>() - 1.0).abs() < 1.01 * expected_s);
        }
    }
}

#[test]
fn columns_and_meters_are_sane_whatever_comes_in() {
    let silence = vec![vec![0.0; 20_000]; 2];
    let mut broken = noise(2, 20_000);
    for (n, value) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-42].into_iter().enumerate() {
        broken[n % 2][n * 3000..n * 3000 + 600].fill(value);
    }
    let all_nan = vec![vec![f32::NAN; 20_000]; 2];
    let endless = vec![vec![f32::INFINITY; 20_000]; 2];
    for (sound, is_silent) in [(silence, true), (broken, false), (all_nan, true), (endless, true)] {
        for is_learned in [false, true] {
            let mut player = ShownEngine::new(Mode::Normal, RATE, 2);
            if is_learned {
                player = player.with_model(2);
            }
            player.play(&sound, &[480], Open::Always);
            assert!(player.columns.len() > 30);
            for column in &player.columns {
                assert!(column.seconds > 0.01 && column.seconds < 0.011);
                let activations = column.activations_db;
                // No louder than 1e6 in each of 1025 bins, and no softer than the floor of the meter.
                assert!(activations.iter().all(|db| (-201.0..190.0).contains(db)), "{activations:?}");
                assert!(!is_silent || column.levels.iter().all(|&level| level == 0));
                let shares = (0..column.components).map(|component| u32::from(column.shares[component][99]));
                assert!(column.levels[99] == 0 || shares.sum::<u32>() <= 255);
            }
            let meters = &player.link.meters;
            let input_db = meters.input_db.load(Relaxed);
            assert!((-120.0..=120.01).contains(&input_db), "{input_db} dB");
            assert!(meters.load.load(Relaxed).is_finite());
        }
    }
}
