//! The learning thread: one per instance, named and cancellable.
//!
//! It gives way to every other thread, so on a busy machine it may not run for hundreds of milliseconds, and a host that waited
//! for its end would stand still for as long; an unprivileged process can lower a thread's priority, but not raise it again.
//! Dropping a [`Learner`] therefore only asks the thread to end. It owns everything that it still uses, and ends at the next
//! poll, within milliseconds of its own time. A host may unload the plug-in's library before that, so the library must stay in
//! memory: `build.rs` links it with `-z nodelete`, and macOS never unloads a library with thread-local variables. Windows unloads
//! it, so there the drop waits.

pub mod captures;
pub mod edit;
pub mod history;
pub mod inbox;
pub mod recording;
pub mod refusal;

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{Builder, JoinHandle};

use crate::dsp::{Mode, StftLayout};
use crate::learn::blind::learn_blind_quickly;
use crate::learn::capture::{Capture, CaptureError};
use crate::learn::components::{ComponentCapture, LearnFrom, fresh_name, learn_component};
use crate::learn::error::LearnError;
use crate::learn::options::LearnOptions;
use crate::learn::progress::Iteration;
use crate::learn::report::Report;
use crate::learn::threads::{Priority, Threads, lower_priority};
use crate::link::{Command, EditorLink, LearnLink, LearnRequest, Models, Status};
use crate::model::Model;
use crate::model::settings::{LearnSettings, Steadiness, Target};
use captures::{Captures, CapturesOfModels};
use inbox::{Inbox, Interrupt, Task};
pub use refusal::Refusal;

/// The name of the component that learns what the others leave.
pub const REST: &str = "rest";

/// The owner of the learning thread.
pub struct Learner {
    link: EditorLink,
    thread: Option<JoinHandle<()>>,
}

impl Learner {
    /// Starts the thread. `options` say how to learn; what a capture's settings name goes before them.
    ///
    /// # Errors
    /// No thread could be started.
    pub fn start(link: LearnLink, editor: EditorLink, options: LearnOptions) -> io::Result<Self> {
        let (models, status) = (link.models.clone(), link.status.clone());
        let (inbox, captures) = (Inbox::new(link), CapturesOfModels::default());
        let worker = Worker { inbox, models, status, options, captures, is_quitting: false };
        let thread = Builder::new().name("unweave-learn".into()).spawn(move || worker.run())?;
        Ok(Self { link: editor, thread: Some(thread) })
    }
}

impl Drop for Learner {
    /// Asks the thread to end, and does not wait for it; see the module.
    fn drop(&mut self) {
        // The thread is gone already if it does not listen.
        let _ = self.link.requests.send(LearnRequest::Quit);
        if let Some(thread) = self.thread.take().filter(|_| cfg!(windows)) {
            let _ = thread.join();
        }
    }
}

struct Worker {
    inbox: Inbox,
    models: Arc<Models>,
    status: Arc<Status>,
    options: LearnOptions,
    captures: CapturesOfModels,
    /// A task was broken off because the owner is going.
    is_quitting: bool,
}

/// What a learning gives: the model, what to tell of it, and the captures it was learned from.
type Learned = (Model, Report, Captures);

/// Where a learned model goes.
enum Destination {
    /// It is to be kept or reverted.
    Review,
    /// It replaces this model, learned from the same captures for another window, if that is still there.
    Exchange(Arc<Model>),
}

impl Worker {
    fn run(mut self) {
        lower_priority();
        loop {
            match self.inbox.wait() {
                Interrupt::Quit => return,
                // Between learnings there is nothing to cancel, but a failure that was read.
                Interrupt::Cancel => {
                    self.inbox.report(Ok(()));
                    self.inbox.count_task();
                }
                Interrupt::Continue => {}
            }
            while let Some(task) = self.inbox.next_task() {
                self.act(task);
                self.inbox.count_task();
                if self.is_quitting {
                    return;
                }
            }
            self.models.prepare();
            self.follow_models();
        }
    }

    fn act(&mut self, task: Task) {
        match task {
            Task::Learn(capture, settings) => {
                let learned = capture.and_then(|capture| self.learn(capture, settings));
                self.end(learned, Destination::Review);
            }
            Task::Request(LearnRequest::Do(Command::LearnAgain, settings)) => {
                let learned = self.learn_again(settings);
                self.end(learned, Destination::Review);
            }
            Task::Request(request) => {
                let done = self.answer(request);
                self.follow_models();
                self.report(done);
            }
            Task::Play(playback, stream) => {
                if let Some(sample_rate) = self.models.play_like(playback, stream) {
                    self.learn_for(playback.layout, sample_rate);
                }
            }
            Task::FollowWindow => {
                if let Some((playback, sample_rate)) = self.models.playback() {
                    self.learn_for(playback.layout, sample_rate);
                }
            }
        }
    }

    /// Does what needs no learning from the start.
    fn answer(&mut self, request: LearnRequest) -> Result<(), Refusal> {
        match request {
            LearnRequest::Do(Command::Clear, _) => self.captures.clear(),
            LearnRequest::Do(command @ (Command::Keep | Command::Revert | Command::Compare), _) => {
                self.inbox.switch(command)?;
            }
            LearnRequest::Rename { component, name } => self.rename(component, &name)?,
            LearnRequest::Move { template, component } => self.move_template(template, component)?,
            LearnRequest::Replace(model) => self.models.review(model),
            // The inbox makes other tasks of these, or none.
            LearnRequest::Do(Command::LearnLast | Command::LearnAgain | Command::Cancel, _) | LearnRequest::Quit => {}
        }
        Ok(())
    }

    /// Shows how a task ended.
    fn report(&self, done: Result<(), Refusal>) {
        self.status.end();
        self.inbox.report(done);
    }

    /// The model that plays, with a component called otherwise.
    fn rename(&mut self, component: usize, name: &str) -> Result<(), Refusal> {
        let model = self.models.current().ok_or(Refusal::NoModel)?;
        let changed = edit::renamed(&model, component, name)?;
        self.exchange(&model, changed);
        Ok(())
    }

    /// A changed model stands where the model was, and has its captures.
    fn exchange(&mut self, model: &Arc<Model>, changed: Model) {
        let changed = Arc::new(changed);
        self.captures.keep(changed.clone(), self.captures.of(Some(model)));
        self.models.exchange(model, changed);
    }

    /// The model that plays, with a template in another component.
    fn move_template(&mut self, template: usize, component: usize) -> Result<(), Refusal> {
        let model = self.models.current().ok_or(Refusal::NoModel)?;
        let changed = edit::moved(&model, template, component)?;
        let captures = self.captures.of(Some(&model));
        let Some(settings) = captures.settings else {
            self.exchange(&model, changed);
            return Ok(());
        };
        self.status.begin();
        let options = options(&self.options, settings);
        let touched = [model.templates().owners()[template], component];
        let mut on_progress = listening(&mut self.inbox, &self.status, &mut self.is_quitting, (&options, settings));
        let measured = edit::measured(&changed, touched, &captures, &options, &mut on_progress)?;
        drop(on_progress);
        self.exchange(&model, measured);
        Ok(())
    }

    /// Captures whose model is gone go too.
    fn follow_models(&mut self) {
        let slots = self.models.slots();
        self.captures.retain(&slots);
        self.status.learned_s.store(self.captures.of(slots.current.as_ref()).seconds(), Relaxed);
    }

    /// Learns from a new capture.
    fn learn(&mut self, capture: Capture, settings: LearnSettings) -> Result<Learned, Refusal> {
        let known = self.models.current();
        let captures = self.captures.of(known.as_ref());
        let captures = captures.with(capture, rest_of(&captures, known.as_deref()), settings)?;
        let (model, report) = self.learn_from(&captures, known.as_deref(), settings)?;
        Ok((model, report, captures))
    }

    /// Learns once more from all captures of the model that plays, component by component.
    fn learn_again(&mut self, settings: LearnSettings) -> Result<Learned, Refusal> {
        let known = self.models.current().ok_or(Refusal::NoCaptures)?;
        self.learn_model_again(&known, settings)
    }

    /// The same, from the captures of this model.
    fn learn_model_again(&mut self, known: &Arc<Model>, settings: LearnSettings) -> Result<Learned, Refusal> {
        let captures = self.captures.of(Some(known));
        let mut learned = None;
        for target in captures.targets() {
            let before = learned.as_ref().map_or(&**known, |(model, _)| model);
            let steadiness = match target {
                Target::Component(index) if is_steady(known, index) => Steadiness::Steady,
                _ => Steadiness::Varying,
            };
            let (model, report) =
                self.learn_from(&captures, Some(before), LearnSettings { target, steadiness, ..settings })?;
            // Whoever named a component wants to find that name again.
            let model = if target == Target::All { named_like(model, known) } else { model };
            learned = Some((model, report));
        }
        let (model, report) = learned.ok_or(Refusal::NoCaptures)?;
        Ok((model, report, captures))
    }

    /// Learns once more where the window that plays lasts longer or shorter than the one that the model was learned with.
    fn learn_for(&mut self, layout: StftLayout, sample_rate: f32) {
        let Some(model) = self.models.current() else { return };
        let Some(settings) = self.captures.of(Some(&model)).settings.filter(|_| self.options.layout.is_none()) else {
            return;
        };
        let octaves = |window_len: usize, sample_rate: f32| (window_len as f32 / sample_rate).log2();
        let learned = octaves(model.info().layout.window_len(), model.templates().format().sample_rate);
        // Windows are powers of two, and rates lie between them.
        if (octaves(layout.window_len(), sample_rate) - learned).round() != 0.0 {
            let mode = Mode::ALL.into_iter().find(|mode| mode.layout(sample_rate) == layout);
            let settings = LearnSettings { mode: mode.unwrap_or(settings.mode), ..settings };
            let learned = self.learn_model_again(&model, settings);
            self.end(learned, Destination::Exchange(model));
        }
    }

    /// Learns the target from the captures in `captures`.
    fn learn_from(
        &mut self,
        captures: &Captures,
        known: Option<&Model>,
        settings: LearnSettings,
    ) -> Result<(Model, Report), LearnError> {
        self.status.clear_error();
        self.status.begin();
        let options = options(&self.options, settings);
        let mut on_progress = listening(&mut self.inbox, &self.status, &mut self.is_quitting, (&options, settings));
        let silent = || LearnError::Capture { name: "the capture".into(), error: CaptureError::Empty };
        let part = |name: Option<String>, otherwise: String, capture: &Capture| {
            let templates = settings.templates.map(usize::from);
            let name = name.unwrap_or(otherwise);
            ComponentCapture { name, capture: capture.clone(), templates, steadiness: settings.steadiness }
        };
        let name = |index: usize| known.and_then(|model| model.templates().components().get(index).cloned());
        match settings.target {
            Target::All => {
                let mix = captures.mix.as_ref().ok_or_else(silent)?;
                learn_blind_quickly(mix, usize::from(settings.components), &options, &mut on_progress)
            }
            Target::Component(index) => {
                let index = usize::from(index);
                let capture = captures.alone.get(index).and_then(Option::as_ref).ok_or_else(silent)?;
                let names = known.map(|model| model.templates().components()).unwrap_or_default();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let part = part(name(index), fresh_name(index, &names), capture);
                learn_component(known, index, LearnFrom::Alone(&part), &captures.alone, &options, &mut on_progress)
            }
            Target::Rest => {
                let index = captures.rest.unwrap_or_default();
                let part = part(name(index), REST.into(), captures.mix.as_ref().ok_or_else(silent)?);
                learn_component(known, index, LearnFrom::Mix(&part), &captures.alone, &options, &mut on_progress)
            }
        }
    }

    /// Plays what was learned, or says why nothing was.
    fn end(&mut self, learned: Result<Learned, Refusal>, destination: Destination) {
        let done = learned.map(|(model, report, captures)| {
            let model = Arc::new(model);
            let is_taken = match &destination {
                Destination::Review => self.models.review_since(model.clone(), self.inbox.task_loads()),
                Destination::Exchange(old) => self.models.exchange(old, model.clone()),
            };
            if is_taken {
                self.captures.keep(model, captures);
                self.status.warn(report.warnings.iter().map(ToString::to_string).collect());
            }
        });
        self.follow_models();
        self.report(done);
        self.status.learns_ended.fetch_add(1, Relaxed);
    }
}

/// What happens while it learns: it tells how far it is, and listens.
fn listening<'a>(
    inbox: &'a mut Inbox,
    status: &'a Status,
    is_quitting: &'a mut bool,
    (options, settings): (&'a LearnOptions, LearnSettings),
) -> impl FnMut(Iteration) -> ControlFlow<()> + 'a {
    options.threads.allow(allowed_threads(settings, status));
    move |iteration| {
        options.threads.allow(allowed_threads(settings, status));
        status.progress.store(iteration.done as f32 / iteration.total as f32, Relaxed);
        iteration.loss.into_iter().for_each(|loss| status.record_loss(loss as f32));
        // What comes meanwhile must not fill the ring.
        match inbox.read_during_task() {
            Interrupt::Continue => ControlFlow::Continue(()),
            Interrupt::Cancel => ControlFlow::Break(()),
            Interrupt::Quit => {
                *is_quitting = true;
                ControlFlow::Break(())
            }
        }
    }
}

/// The component that is the rest, or would be: the one that it was, or is called so, else one more.
fn rest_of(captures: &Captures, known: Option<&Model>) -> usize {
    let names = known.map(|model| model.templates().components()).unwrap_or_default();
    let called_so = || names.iter().position(|name| name == REST);
    captures.rest.or_else(called_so).unwrap_or(names.len())
}

fn is_steady(model: &Model, component: u8) -> bool {
    model.info().steady.contains(&usize::from(component))
}

/// The model, with the names that the components of `known` have, if there are as many.
fn named_like(model: Model, known: &Model) -> Model {
    model.with_names(known.templates().components().to_vec()).unwrap_or(model)
}

/// How to learn: what the settings name goes before `base`.
fn options(base: &LearnOptions, settings: LearnSettings) -> LearnOptions {
    let usual = match settings.target {
        Target::All => LearnOptions::BLIND_TEMPLATES,
        Target::Component(_) | Target::Rest => LearnOptions::GUIDED_TEMPLATES,
    };
    LearnOptions {
        templates: settings.templates.map_or(usual, usize::from),
        divergence: settings.divergence,
        mode: settings.mode,
        group_by: settings.group_by,
        extend_pitch: settings.extend_pitch,
        threads: Threads::new(1, Priority::Low),
        ..base.clone()
    }
}

/// How many threads may learn just now.
fn allowed_threads(settings: LearnSettings, status: &Status) -> usize {
    match settings.threads {
        0 if status.is_playing.load(Relaxed) => 1,
        0 => Threads::cores(),
        most => most.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_cores_learn_until_the_host_plays_and_never_more_than_the_user_allows() {
        let settings = |threads: u8| LearnSettings { threads, ..LearnSettings::default() };
        let status = Status::default();
        let allowed = |threads: u8| allowed_threads(settings(threads), &status);
        assert_eq!([0, 1, 3].map(allowed), [Threads::cores(), 1, 3]);
        status.is_playing.store(true, Relaxed);
        assert_eq!([0, 1, 3].map(allowed), [1, 1, 3]);
    }
}
