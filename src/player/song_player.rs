//! The position in the song, and the fades. Both are counted in samples, so that the sound does not depend on how
//! the stream is divided into blocks.

use std::ops::Range;

use super::commands::PlayCommands;
use super::song::Song;

/// Plays one song. At most two positions are audible at once: the current one, and for the length of a fade the one before a
/// jump.
#[derive(Debug, Default)]
pub(super) struct SongPlayer {
    /// The number of the song.
    pub(super) song: u64,
    /// The number of the last seek that was carried out.
    pub(super) seek: u64,
    /// The number of the last “play” whose song has ended.
    pub(super) ended_play: u64,
    /// The next sample to play.
    pub(super) position: usize,
    play: u64,
    /// The next sample at the position before the last jump …
    old_position: usize,
    /// … and the samples that are left of its fade.
    fade_left: usize,
    /// The gain in samples of a fade: from 0, the input alone, to the length of a fade, the song alone.
    level: usize,
}

impl SongPlayer {
    /// Whether the song is silent.
    pub(super) fn is_silent(&self) -> bool {
        self.level == 0
    }

    /// Starts the song of the commands. Only while this player is silent.
    pub(super) fn start(&mut self, commands: &PlayCommands) {
        (self.song, self.seek, self.play) = (commands.song, commands.seek, commands.play);
        (self.position, self.fade_left) = (commands.seek_to, 0);
    }

    /// Whether the song shall be heard.
    pub(super) fn is_playing(&self, commands: &PlayCommands) -> bool {
        commands.song == self.song && commands.is_playing && self.ended_play != commands.play
    }

    /// Writes over the beginning of `range` of `audio`. Returns the number of samples written: at least one.
    pub(super) fn fill(
        &mut self,
        song: &Song,
        commands: &PlayCommands,
        audio: &mut [&mut [f32]],
        range: Range<usize>,
    ) -> usize {
        if commands.song == self.song && self.fade_left == 0 {
            self.obey(song, commands);
        }
        let full = song.fade_len();
        let target = if self.is_playing(commands) { full } else { 0 };
        if self.level == 0 && target == 0 {
            self.fade_left = 0;
            return range.len();
        }
        let end = commands.loop_range.map_or(song.len(), |(_, to)| to);
        let until_end = Some(end.saturating_sub(self.position)).filter(|&len| len > 0);
        let mut len = range.len().min(until_end.unwrap_or(usize::MAX));
        if self.fade_left > 0 {
            len = len.min(self.fade_left);
        }
        if self.level != target {
            len = len.min(self.level.abs_diff(target));
        }
        let range = range.start..range.start + len;
        if self.fade_left == 0 && self.level == full && target == full {
            self.copy(song, audio, range);
        } else {
            self.mix(song, target, audio, range);
        }
        len
    }

    /// Carries out seeks, the loop and the end of the song.
    fn obey(&mut self, song: &Song, commands: &PlayCommands) {
        if self.seek != commands.seek {
            self.seek = commands.seek;
            self.jump(commands.seek_to, song);
        } else if self.play != commands.play && self.position >= song.len() {
            self.jump(0, song);
        }
        self.play = commands.play;
        match commands.loop_range {
            Some((from, to)) if self.position >= to => self.jump(from, song),
            None if self.position >= song.len() && commands.is_playing => self.ended_play = commands.play,
            _ => {}
        }
    }

    /// Continues at another position, with a crossfade unless the song is silent or already in one.
    fn jump(&mut self, to: usize, song: &Song) {
        if self.level > 0 && self.fade_left == 0 {
            (self.old_position, self.fade_left) = (self.position, song.fade_len());
        }
        self.position = to;
    }

    fn copy(&mut self, song: &Song, audio: &mut [&mut [f32]], range: Range<usize>) {
        let (start, len) = (self.position, range.len());
        for (channel, out) in audio.iter_mut().enumerate() {
            for (out, sample) in out[range.clone()].iter_mut().zip(samples_from(song, channel, start)) {
                *out = sample;
            }
        }
        self.position = start + len;
    }

    /// Crossfades linearly between the input, the song and the position before the last jump.
    fn mix(&mut self, song: &Song, target: usize, audio: &mut [&mut [f32]], range: Range<usize>) {
        let (full, len) = (song.fade_len() as f32, range.len());
        let (level, fade_left) = (self.level, self.fade_left);
        let level_at = |n: usize| if target >= level { (level + n).min(target) } else { level - n };
        for (channel, out) in audio.iter_mut().enumerate() {
            let old = samples_from(song, channel, self.old_position);
            let played = samples_from(song, channel, self.position);
            for (n, ((out, old), played)) in out[range.clone()].iter_mut().zip(old).zip(played).enumerate() {
                let old_gain = fade_left.saturating_sub(n) as f32 / full;
                let gain = level_at(n) as f32 / full;
                let sample = played * (1.0 - old_gain) + old * old_gain;
                *out = *out * (1.0 - gain) + sample * gain;
            }
        }
        self.level = level_at(len);
        (self.old_position, self.fade_left) = (self.old_position + len, fade_left.saturating_sub(len));
        self.position += len;
    }
}

/// The samples of a channel from `start`, then silence. A mono song plays in every channel.
fn samples_from(song: &Song, channel: usize, start: usize) -> impl Iterator<Item = f32> {
    let samples = song.channels().get(channel).or(song.channels().last()).map_or(&[][..], Vec::as_slice);
    samples.get(start..).unwrap_or_default().iter().copied().chain(std::iter::repeat(0.0))
}
