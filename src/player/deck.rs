//! The deck: where in the song it plays, and how loud. Everything is counted in samples, so that the sound does not depend
//! on where host blocks end.

use std::ops::Range;

use super::orders::Orders;
use super::song::Song;

/// Plays one song. At most two places sound at once: the one that plays, and for the length of a fade the one that it
/// leapt away from.
#[derive(Debug, Default)]
pub(super) struct Deck {
    /// The number of the song.
    pub(super) song: u64,
    /// The last seek that was followed.
    pub(super) seek: u64,
    /// The last “play” whose song has ended.
    pub(super) ended_play: u64,
    /// The sample that plays next.
    pub(super) at: usize,
    play: u64,
    /// The next sample of the place that is left …
    left_at: usize,
    /// … and for how many samples it is still heard.
    left_len: usize,
    /// How loud: 0 is silent, the fade's length is the song alone.
    level: usize,
}

impl Deck {
    /// Whether nothing sounds.
    pub(super) fn is_silent(&self) -> bool {
        self.level == 0
    }

    /// Takes up the song that is ordered, while nothing sounds.
    pub(super) fn take_up(&mut self, orders: &Orders) {
        (self.song, self.seek, self.play) = (orders.song, orders.seek, orders.play);
        (self.at, self.left_len) = (orders.seek_to, 0);
    }

    /// Whether the song is to be heard.
    pub(super) fn is_playing(&self, orders: &Orders) -> bool {
        orders.song == self.song && orders.is_playing && self.ended_play != orders.play
    }

    /// Plays the start of `range` of `audio` over what is there. How many samples it played: at least one.
    pub(super) fn fill(
        &mut self,
        song: &Song,
        orders: &Orders,
        audio: &mut [&mut [f32]],
        range: Range<usize>,
    ) -> usize {
        if orders.song == self.song && self.left_len == 0 {
            self.follow(song, orders);
        }
        let full = song.fade_len();
        let target = if self.is_playing(orders) { full } else { 0 };
        if self.level == 0 && target == 0 {
            self.left_len = 0;
            return range.len();
        }
        let end = orders.stretch.map_or(song.len(), |(_, to)| to);
        let until_end = Some(end.saturating_sub(self.at)).filter(|&len| len > 0);
        let mut len = range.len().min(until_end.unwrap_or(usize::MAX));
        if self.left_len > 0 {
            len = len.min(self.left_len);
        }
        if self.level != target {
            len = len.min(self.level.abs_diff(target));
        }
        let range = range.start..range.start + len;
        if self.left_len == 0 && self.level == full && target == full {
            self.copy(song, audio, range);
        } else {
            self.mix(song, target, audio, range);
        }
        len
    }

    /// Seeks, loops and ends: whatever happens between two samples.
    fn follow(&mut self, song: &Song, orders: &Orders) {
        if self.seek != orders.seek {
            self.seek = orders.seek;
            self.leap(orders.seek_to, song);
        } else if self.play != orders.play && self.at >= song.len() {
            self.leap(0, song);
        }
        self.play = orders.play;
        match orders.stretch {
            Some((from, to)) if self.at >= to => self.leap(from, song),
            None if self.at >= song.len() && orders.is_playing => self.ended_play = orders.play,
            _ => {}
        }
    }

    /// Goes on elsewhere. While nothing sounds there is nothing to fade, and two leaps at once are one.
    fn leap(&mut self, to: usize, song: &Song) {
        if self.level > 0 && self.left_len == 0 {
            (self.left_at, self.left_len) = (self.at, song.fade_len());
        }
        self.at = to;
    }

    fn copy(&mut self, song: &Song, audio: &mut [&mut [f32]], range: Range<usize>) {
        let (start, len) = (self.at, range.len());
        for (channel, out) in audio.iter_mut().enumerate() {
            for (out, sample) in out[range.clone()].iter_mut().zip(samples_from(song, channel, start)) {
                *out = sample;
            }
        }
        self.at = start + len;
    }

    /// A sample of the input, the song and the place that is left, faded into each other in straight lines.
    fn mix(&mut self, song: &Song, target: usize, audio: &mut [&mut [f32]], range: Range<usize>) {
        let (full, len) = (song.fade_len() as f32, range.len());
        let (level, left_len) = (self.level, self.left_len);
        let level_at = |n: usize| if target >= level { (level + n).min(target) } else { level - n };
        for (channel, out) in audio.iter_mut().enumerate() {
            let left = samples_from(song, channel, self.left_at);
            let played = samples_from(song, channel, self.at);
            for (n, ((out, left), played)) in out[range.clone()].iter_mut().zip(left).zip(played).enumerate() {
                let left_gain = left_len.saturating_sub(n) as f32 / full;
                let gain = level_at(n) as f32 / full;
                let sample = played * (1.0 - left_gain) + left * left_gain;
                *out = *out * (1.0 - gain) + sample * gain;
            }
        }
        self.level = level_at(len);
        (self.left_at, self.left_len) = (self.left_at + len, left_len.saturating_sub(len));
        self.at += len;
    }
}

/// The samples of a channel from one on, and silence after the end. A mono song is the same in every channel.
fn samples_from(song: &Song, channel: usize, start: usize) -> impl Iterator<Item = f32> {
    let samples = song.channels().get(channel).or(song.channels().last()).map_or(&[][..], Vec::as_slice);
    samples.get(start..).unwrap_or_default().iter().copied().chain(std::iter::repeat(0.0))
}
