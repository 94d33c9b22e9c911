//! Used by the other [`EventLoop`][super::EventLoop] implementations to spawn threads for running
//! tasks in the background without blocking the GUI thread.
//!
//! This is essentially a slimmed down version of the `LinuxEventLoop`.

use anymap3::Entry;
use nice_plug_core::nice_trace;
use parking_lot::Mutex;
use std::sync::{Arc, LazyLock, Weak};
use std::thread::{self, JoinHandle};

use super::MainThreadExecutor;
use crate::util::permit_alloc;

/// See the module's documentation. This is a background thread that can be used to run tasks on.
/// The implementation shares a single thread between all of a plugin's instances hosted in the same
/// process.
pub(crate) struct BackgroundThread<T, E> {
    /// The object that actually executes the task `T`. We'll send a weak reference to this to the
    /// worker thread whenever a task needs to be executed. This allows multiple plugin instances to
    /// share the same worker thread.
    executor: Weak<E>,
    /// A thread that act as our worker thread. When [`schedule()`][Self::schedule()] is called,
    /// this thread will be woken up to execute the task on the executor. When the last worker
    /// thread handle gets dropped the thread is shut down.
    worker_thread: Arc<WorkerThread<T, E>>,
}

/// A handle for the singleton worker thread. This lets multiple instances of the same plugin share
/// a worker thread, and when the last instance gets dropped the worker thread gets terminated.
struct WorkerThread<T, E> {
    /// The only sender, so the worker thread ends when this is dropped. `None` only while the
    /// `WorkerThread` is being dropped.
    tasks_sender: Option<crossbeam::channel::Sender<Message<T, E>>>,
    /// The thread's join handle. Joined when the WorkerThread is dropped.
    join_handle: Option<JoinHandle<()>>,
}

/// A new task for the event loop to execute along with the executor that should execute the task. A
/// reference to the executor is sent alongside because multiple plugin instances may share the same
/// background thread.
type Message<T, E> = (T, Weak<E>);

impl<T, E> BackgroundThread<T, E>
where
    T: Send + 'static,
    E: MainThreadExecutor<T> + 'static,
{
    pub fn get_or_create(executor: Weak<E>) -> Self {
        Self {
            executor,
            // The same worker thread can be shared by multiple instances. Lifecycle management
            // happens through reference counting.
            worker_thread: get_or_create_worker_thread(),
        }
    }

    pub fn schedule(&self, task: T) -> bool {
        // NOTE: This may check the current thread ID, which involves an allocation whenever this
        //       first happens on a new thread because of the way thread local storage works
        permit_alloc(|| {
            self.worker_thread
                .tasks_sender
                .as_ref()
                .is_some_and(|sender| sender.try_send((task, self.executor.clone())).is_ok())
        })
    }
}

// Rust does not allow us to use the `T` and `E` type variable in statics, so this is a
// workaround to have a singleton that also works if for whatever reason there are multiple `T`
// and `E`s in a single process (won't happen with normal plugin usage, but who knows).
static HANDLE_MAP: LazyLock<Mutex<anymap3::Map<dyn std::any::Any + Send>>> =
    LazyLock::new(|| Mutex::new(anymap3::Map::new()));

impl<T: Send + 'static, E: MainThreadExecutor<T> + 'static> WorkerThread<T, E> {
    fn spawn() -> Self {
        let (tasks_sender, tasks_receiver) =
            crossbeam::channel::bounded(super::TASK_QUEUE_CAPACITY);
        let join_handle = thread::Builder::new()
            .name(String::from("bg-worker"))
            .spawn(move || worker_thread(tasks_receiver))
            .expect("Could not spawn background worker thread");

        Self {
            join_handle: Some(join_handle),
            tasks_sender: Some(tasks_sender),
        }
    }
}

impl<T, E> Drop for WorkerThread<T, E> {
    fn drop(&mut self) {
        // The thread is shut down and joined when the handle is dropped. Nothing here may panic,
        // since this is called from the host when it drops the last plugin instance, and a panic
        // would take the host down with it.
        drop(self.tasks_sender.take());

        if let Some(join_handle) = self.join_handle.take() {
            // The worker thread holds a strong reference to an executor while it executes a task.
            // When the host drops that instance at this moment, then the instance, and this handle
            // with it, are dropped from the worker thread. A thread can't join itself, but it will
            // return on its own now that the channel is closed.
            if join_handle.thread().id() == thread::current().id() {
                return;
            }

            if join_handle.join().is_err() {
                crate::nice_error!("The background worker thread has panicked");
            }
        }
    }
}

/// Either acquire a handle for an existing worker thread or create one if it does not yet exists.
/// This allows multiple plugin instances to share a worker thread. Reference counting happens
/// automatically as part of this function and `WorkerThreadHandle`'s lifecycle.
fn get_or_create_worker_thread<T, E>() -> Arc<WorkerThread<T, E>>
where
    T: Send + 'static,
    E: MainThreadExecutor<T> + 'static,
{
    let mut handle_map = HANDLE_MAP.lock();

    match handle_map.entry::<Weak<WorkerThread<T, E>>>() {
        Entry::Occupied(mut entry) => {
            let weak = entry.get_mut();
            if let Some(arc) = weak.upgrade() {
                arc
            } else {
                let arc = Arc::new(WorkerThread::spawn());
                *weak = Arc::downgrade(&arc);
                arc
            }
        }
        Entry::Vacant(entry) => {
            let arc = Arc::new(WorkerThread::spawn());
            entry.insert(Arc::downgrade(&arc));
            arc
        }
    }
}

/// The worker thread used in [`EventLoop`] that executes incoming tasks on the event loop's
/// executor.
fn worker_thread<T, E>(tasks_receiver: crossbeam::channel::Receiver<Message<T, E>>)
where
    T: Send,
    E: MainThreadExecutor<T> + 'static,
{
    // This returns when the last `WorkerThread` handle has been dropped
    while let Ok((task, executor)) = tasks_receiver.recv() {
        match executor.upgrade() {
            Some(e) => e.execute(task, true),
            // The instance that has scheduled this task is gone, but other instances of the plugin
            // may still share this thread. So this must not shut down the thread.
            None => nice_trace!("Dropped a task because its executor is no longer alive"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::time::Duration;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    /// The worker thread is shared by all executors of the same type, so every test uses another `N`.
    struct Instance<const N: usize> {
        background_thread: OnceLock<BackgroundThread<Task, Self>>,
        dropped: Sender<()>,
    }

    enum Task {
        /// Block the worker thread until the sender is used or dropped, after having sent a message.
        Block(Sender<()>, Receiver<()>),
        Report(Sender<()>),
    }

    impl<const N: usize> Instance<N> {
        fn new() -> (Arc<Self>, Receiver<()>) {
            let (dropped, is_dropped) = mpsc::channel();
            let instance = Arc::new(Self {
                background_thread: OnceLock::new(),
                dropped,
            });
            let background_thread = BackgroundThread::get_or_create(Arc::downgrade(&instance));
            assert!(instance.background_thread.set(background_thread).is_ok());

            (instance, is_dropped)
        }

        fn schedule(&self, task: Task) {
            assert!(self.background_thread.get().unwrap().schedule(task));
        }

        /// Keep the worker thread busy until the returned sender is dropped.
        fn block(&self) -> Sender<()> {
            let (blocked, is_blocked) = mpsc::channel();
            let (unblock, wait) = mpsc::channel();
            self.schedule(Task::Block(blocked, wait));
            is_blocked.recv_timeout(TIMEOUT).unwrap();

            unblock
        }

        fn assert_executes_tasks(&self) {
            let (report, is_executed) = mpsc::channel();
            self.schedule(Task::Report(report));
            is_executed.recv_timeout(TIMEOUT).unwrap();
        }
    }

    impl<const N: usize> Drop for Instance<N> {
        fn drop(&mut self) {
            drop(self.background_thread.take());
            let _ = self.dropped.send(());
        }
    }

    impl<const N: usize> MainThreadExecutor<Task> for Instance<N> {
        fn execute(&self, task: Task, _is_gui_thread: bool) {
            match task {
                Task::Block(blocked, wait) => {
                    blocked.send(()).unwrap();
                    let _ = wait.recv_timeout(TIMEOUT);
                }
                Task::Report(report) => report.send(()).unwrap(),
            }
        }
    }

    #[test]
    fn tasks_of_a_dropped_instance_do_not_end_the_thread() {
        let (first, _) = Instance::<0>::new();
        let (second, _) = Instance::<0>::new();

        let unblock = first.block();
        second.schedule(Task::Report(mpsc::channel().0));
        drop(second);
        drop(unblock);

        first.assert_executes_tasks();
    }

    #[test]
    fn an_instance_may_be_dropped_on_the_worker_thread() {
        let (instance, is_dropped) = Instance::<1>::new();

        let unblock = instance.block();
        drop(instance);
        drop(unblock);
        is_dropped.recv_timeout(TIMEOUT).unwrap();

        Instance::<1>::new().0.assert_executes_tasks();
    }
}
