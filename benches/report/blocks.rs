//! The time of every block of a piece, whatever else the machine did meanwhile.

use std::hint::black_box;
use std::time::Instant;

use crate::rounds::quantile;
use scenes::LoopedEngine;

/// Seconds of each block.
pub(crate) struct BlockTimes {
    /// Per block, the least that it took in any run: the same input costs the same work in every run, so what is more than
    /// this was an interruption.
    least: Vec<f64>,
    /// The worst of all, interruptions and all.
    pub(crate) worst_raw: f64,
}

impl BlockTimes {
    /// Plays all of the audio `runs` times, from the start each time.
    pub(crate) fn of(player: &mut LoopedEngine, block_len: usize, runs: usize) -> Self {
        let blocks = player.audio_len() / block_len;
        let (mut least, mut worst_raw) = (vec![f64::INFINITY; blocks], 0.0f64);
        for _ in 0..runs {
            player.rewind();
            for least in &mut least {
                player.load(block_len);
                let started = Instant::now();
                black_box(player.process());
                let seconds = started.elapsed().as_secs_f64();
                *least = least.min(seconds);
                worst_raw = worst_raw.max(seconds);
            }
        }
        Self { least, worst_raw }
    }

    /// The time that a share of the blocks keeps to.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        quantile(&self.least, share)
    }

    /// What all blocks take, one with another.
    pub(crate) fn mean(&self) -> f64 {
        self.least.iter().sum::<f64>() / self.least.len() as f64
    }

    /// Without the first blocks.
    pub(crate) fn after(mut self, blocks: usize) -> Self {
        self.least.drain(..blocks.min(self.least.len()));
        self
    }
}
