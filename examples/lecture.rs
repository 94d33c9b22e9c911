//! The experiment of Chris Tralie's lecture notes (*Week 10: Nonnegative Matrix Factorization*, Ursinus CS 372) on any
//! file, with this crate: the shortest tour of it.
//!
//! ```text
//! cargo run --release --no-default-features --example lecture -- song.wav@10-20 out [kl|euclidean]
//! ```
//!
//! writes out/loss.png, out/loss.csv, out/spectrogram.png, and for each component k out/k.wav and out/template-k.wav.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, ensure};
use ndarray::{Array2, s};
use unweave::dsp::{Complex32, Divergence, Stft, StftLayout, Window};
use unweave::files::audio::{AudioFile, Source};
use unweave::learn::{Capture, Factorization, FactorizeOptions, Method, Start, factorize};
use unweave::pictures;
use unweave::pictures::griffin_lim::{resynthesize, template_sound};

/// K, the components.
const COMPONENTS: usize = 3;
const UPDATES: usize = 100;
const WINDOW: Window = Window::BlackmanHarris;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    ensure!((2..=3).contains(&arguments.len()), "usage: lecture FILE[@FROM-TO] FOLDER [kl|euclidean]");
    let source: Source = arguments[0].parse().unwrap_or_else(|error| match error {});
    let folder = Path::new(&arguments[1]);
    let name = arguments.get(2).map_or("euclidean", String::as_str);
    let divergence = Divergence::named(name).with_context(|| format!("“{name}” is neither kl nor euclidean"))?;
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot be created", folder.display()))?;
    run(&AudioFile::read_source(&source)?, divergence, folder)
}

pub(crate) fn run(audio: &AudioFile, divergence: Divergence, folder: &Path) -> anyhow::Result<()> {
    let layout = StftLayout::new(2048, 512)?;
    let samples = mono(audio);

    // V = |X|, the magnitudes of the short-time Fourier transform.
    let capture = Capture::new(audio.sample_rate as f32, vec![samples.clone()])?;
    let v = capture.spectrogram(layout, WINDOW)?;
    pictures::spectrogram("V = |STFT|", &v)?.save(&folder.join("spectrogram.png"))?;

    // V ≈ WH from a random start. For the squared error ½ Σ (V − WH)², Lee and Seung's updates are
    //     H ← H · (Wᵀ V) / (Wᵀ W H)         W ← W · (V Hᵀ) / (W H Hᵀ),
    // for Kullback-Leibler, Σ V ln(V/WH) − V + WH,
    //     H ← H · (Wᵀ (V/WH)) / (Wᵀ 1)      W ← W · ((V/WH) Hᵀ) / (1 Hᵀ).
    let options = FactorizeOptions {
        templates: COMPONENTS,
        divergence,
        iterations: UPDATES,
        method: Method::Textbook,
        start: Start::Random,
        loss_every: 1,
        ..FactorizeOptions::default()
    };
    let learned = factorize(v.magnitudes.view(), &options, &mut |_| ControlFlow::Continue(()))?;
    save_losses(&learned, folder)?;

    for k in 0..COMPONENTS {
        // The Wiener filter: component k is X · W_k H_k / WH, so the components add up to X.
        let mask = wiener(&learned, k);
        let filtered = spectra(&samples, layout) * mask.mapv(Complex32::from);
        save(audio, resynthesize(&filtered, layout, WINDOW), &folder.join(format!("{}.wav", k + 1)))?;

        // What W_k sounds like: Griffin-Lim finds a phase for it.
        let template = learned.w.row(k).to_vec();
        let sound = template_sound(&template, audio.sample_rate as f32, layout, WINDOW, options.seed);
        save(audio, sound, &folder.join(format!("template-{}.wav", k + 1)))?;
    }
    Ok(())
}

fn mono(audio: &AudioFile) -> Vec<f32> {
    let sum = |n: usize| audio.channels.iter().map(|channel| channel[n]).sum::<f32>();
    (0..audio.len()).map(|n| sum(n) / audio.channels.len() as f32).collect()
}

/// X, frames × bins.
fn spectra(samples: &[f32], layout: StftLayout) -> Array2<Complex32> {
    let mut stft = Stft::new(layout, WINDOW);
    let frames = samples.windows(layout.window_len()).step_by(layout.hop_len());
    let mut spectra = Array2::zeros((frames.len(), layout.bins()));
    for (frame, row) in frames.zip(spectra.exact_chunks_mut((1, layout.bins()))) {
        if let Some(row) = row.into_slice() {
            stft.analyze(frame, row);
        }
    }
    spectra
}

/// W_k H_k / WH, frames × bins.
fn wiener(learned: &Factorization, k: usize) -> Array2<f32> {
    let part = learned.h.slice(s![.., k..=k]).dot(&learned.w.slice(s![k..=k, ..]));
    part / (learned.h.dot(&learned.w) + f32::MIN_POSITIVE)
}

fn save(audio: &AudioFile, samples: Vec<f32>, path: &Path) -> anyhow::Result<()> {
    Ok(AudioFile { sample_rate: audio.sample_rate, channels: vec![samples] }.write(path)?)
}

fn save_losses(learned: &Factorization, folder: &Path) -> anyhow::Result<()> {
    let rows: String = learned.losses.iter().map(|(done, loss)| format!("{done},{loss}\n")).collect();
    fs::write(folder.join("loss.csv"), format!("updates,loss\n{rows}")).context("loss.csv cannot be written")?;
    let title = format!("Loss after each update, K = {COMPONENTS}");
    Ok(pictures::losses(&title, &learned.losses)?.save(&folder.join("loss.png"))?)
}
