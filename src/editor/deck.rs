//! The song player as the editor shows and moves it. Only the standalone program has one.

use std::path::Path;
use std::sync::Arc;

use super::action::SongAction;
use crate::editor::screen::SongView;
use crate::player::{PlayerControl, Song, SongState};

/// The player, and what of its song is drawn.
pub(super) struct Deck {
    player: PlayerControl,
    /// Of the song that was looked at last.
    drawn: Option<Outline>,
}

/// A song's lowest and highest sample at each of many places, as shares of its loudest.
struct Outline {
    song: Arc<Song>,
    peaks: Arc<[[f32; 2]]>,
}

impl Deck {
    pub(super) fn new(player: PlayerControl) -> Self {
        Self { player, drawn: None }
    }

    /// The player as it stands now.
    pub(super) fn view(&mut self) -> SongView {
        // Also frees songs that the audio thread has let go.
        let state = self.player.state();
        let song = self.player.song();
        let name = |path: &Path| path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let title = match state {
            SongState::Empty => "No song: Open… names one".into(),
            SongState::Loading(path) => format!("reading {} …", name(&path)),
            SongState::Failed(why) => why,
            SongState::Ready => song.as_ref().map_or_else(String::new, |song| name(song.path())),
        };
        SongView {
            title,
            overview: self.overview(song.as_ref()),
            seconds: song.as_ref().map_or(0.0, |song| song.seconds() as f32),
            position_s: self.player.position_s() as f32,
            looped: self.player.looped().map(|stretch| (stretch.from_s as f32, stretch.to_s as f32)),
            is_playing: self.player.is_playing(),
        }
    }

    fn overview(&mut self, song: Option<&Arc<Song>>) -> Arc<[[f32; 2]]> {
        let Some(song) = song else {
            self.drawn = None;
            return Arc::default();
        };
        match &self.drawn {
            Some(Outline { song: known, peaks }) if Arc::ptr_eq(known, song) => peaks.clone(),
            _ => {
                let loudest =
                    song.overview().iter().fold(1e-6f32, |loudest, peak| loudest.max(peak.max).max(-peak.min));
                let peaks = song.overview().iter().map(|peak| [peak.min / loudest, peak.max / loudest]);
                let peaks: Arc<[_]> = peaks.collect();
                self.drawn = Some(Outline { song: song.clone(), peaks: peaks.clone() });
                peaks
            }
        }
    }

    /// Opens a song and plays it.
    pub(super) fn open(&self, path: &Path) {
        self.player.open(path);
        self.player.play();
    }

    /// Does what a person asked for.
    pub(super) fn act(&self, action: SongAction) {
        match action {
            SongAction::Play => self.player.play(),
            SongAction::Pause => self.player.pause(),
            SongAction::Seek(seconds) => self.player.seek(seconds.into()),
            SongAction::Loop { from_s, to_s } => self.player.set_loop(from_s.into(), to_s.into()),
            SongAction::Unloop => self.player.clear_loop(),
        }
    }
}
