//! Connects the editor's song bar to the song player. Only the standalone program has one.

use std::path::Path;
use std::sync::Arc;

use super::action::SongAction;
use crate::editor::screen::SongView;
use crate::player::{PlayerControl, Song, SongState};

/// The player, and the waveform drawn for its song.
pub(super) struct Playback {
    player: PlayerControl,
    /// The waveform of the song that was drawn last.
    waveform: Option<Waveform>,
}

/// The lowest and highest sample in each of many equal parts of a song, relative to its loudest sample.
struct Waveform {
    song: Arc<Song>,
    peaks: Arc<[[f32; 2]]>,
}

impl Playback {
    pub(super) fn new(player: PlayerControl) -> Self {
        Self { player, waveform: None }
    }

    /// The current state of the player.
    pub(super) fn view(&mut self) -> SongView {
        // Also frees songs that the audio thread no longer uses.
        let state = self.player.state();
        let song = self.player.song();
        let name = |path: &Path| path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let title = match state {
            SongState::Empty => "No song loaded: press Open…".into(),
            SongState::Loading(path) => format!("Reading {} …", name(&path)),
            SongState::Failed(why) => why,
            SongState::Ready => song.as_ref().map_or_else(String::new, |song| name(song.path())),
        };
        SongView {
            title,
            overview: self.overview(song.as_ref()),
            seconds: song.as_ref().map_or(0.0, |song| song.seconds() as f32),
            position_s: self.player.position_s() as f32,
            loop_range: self.player.loop_range().map(|range| (range.from_s as f32, range.to_s as f32)),
            is_playing: self.player.is_playing(),
        }
    }

    fn overview(&mut self, song: Option<&Arc<Song>>) -> Arc<[[f32; 2]]> {
        let Some(song) = song else {
            self.waveform = None;
            return Arc::default();
        };
        match &self.waveform {
            Some(Waveform { song: known, peaks }) if Arc::ptr_eq(known, song) => peaks.clone(),
            _ => {
                let loudest =
                    song.overview().iter().fold(1e-6f32, |loudest, peak| loudest.max(peak.max).max(-peak.min));
                let peaks = song.overview().iter().map(|peak| [peak.min / loudest, peak.max / loudest]);
                let peaks: Arc<[_]> = peaks.collect();
                self.waveform = Some(Waveform { song: song.clone(), peaks: peaks.clone() });
                peaks
            }
        }
    }

    /// Opens a song and plays it.
    pub(super) fn open(&self, path: &Path) {
        self.player.open(path);
        self.player.play();
    }

    /// Carries out what the user asked for.
    pub(super) fn perform(&self, action: SongAction) {
        match action {
            SongAction::Play => self.player.play(),
            SongAction::Pause => self.player.pause(),
            SongAction::Seek(seconds) => self.player.seek(seconds.into()),
            SongAction::Loop { from_s, to_s } => self.player.set_loop(from_s.into(), to_s.into()),
            SongAction::Unloop => self.player.clear_loop(),
        }
    }
}
