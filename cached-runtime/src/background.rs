//! One thread with a runtime of its own, for callers that have none: blocking functions, plain threads, other
//! executors. Started on first use.
//!
//! A blocking call polls the cache's futures on its *own* thread and only borrows this runtime's timers and sockets.
//! So it works on a current-thread runtime's own thread too, where `block_on` would panic.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::runtime::{self, Builder, EnterGuard, Handle};
use tokio::task::{self, unconstrained};

use crate::trace::CallSpan;

/// The background runtime; `None` where the system gave no thread.
fn handle() -> Option<&'static Handle> {
    static HANDLE: OnceLock<Option<Handle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let runtime = Builder::new_current_thread().enable_all().build().ok()?;
            let handle = runtime.handle().clone();
            std::thread::Builder::new()
                .name("cached-background".to_owned())
                .spawn(move || runtime.block_on(std::future::pending::<()>()))
                .ok()?;
            Some(handle)
        })
        .as_ref()
}

/// The caller's runtime, or else the background one.
pub(crate) fn here() -> Option<Handle> {
    Handle::try_current().ok().filter(equipped).or_else(|| handle().cloned())
}

/// Runs beside everything; never where the system gave no thread.
#[cfg(feature = "metrics")]
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    if let Some(handle) = handle() {
        handle.spawn(task);
    }
}

/// Where blocking bodies are run when nobody waits for them; `None` where the system gave no thread.
pub(crate) fn spawn_blocking(body: impl FnOnce() + Send + 'static) {
    if let Some(handle) = handle() {
        handle.spawn_blocking(body);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs `future` to its end on this thread. `None` where there is no background runtime.
pub(crate) fn block_on<F: Future>(future: F) -> Option<F::Output> {
    let _runtime = Entered::into(handle()?);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    // A task's budget is only given back by its scheduler, and this thread will not return to one: with it spent, answers
    // and timers alike would never be ready again.
    let mut future = pin!(unconstrained(future));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return Some(output),
            Poll::Pending => std::thread::park(),
        }
    }
}

thread_local! {
    /// The runtime that the code of ours which runs now is polled in. To ask tokio for it costs two additions in a line of
    /// memory that all threads of the runtime share, so it is asked once per call.
    static HERE: Cell<Option<runtime::Id>> = const { Cell::new(None) };
}

/// The runtime of the caller, if it is in one.
pub(crate) fn runtime() -> Option<runtime::Id> {
    HERE.get().or_else(|| Handle::try_current().ok().map(|here| here.id()))
}

/// The runtime that we know to be in, until this is dropped.
struct Known(Option<runtime::Id>);

impl Known {
    fn to_be(here: runtime::Id) -> Self {
        Self(HERE.replace(Some(here)))
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        HERE.set(self.0);
    }
}

/// In another runtime, until this is dropped. What is ours has to enter runtimes by this.
pub(crate) struct Entered<'h> {
    _known: Known,
    _runtime: EnterGuard<'h>,
}

impl<'h> Entered<'h> {
    pub(crate) fn into(runtime: &'h Handle) -> Self {
        Self { _known: Known::to_be(runtime.id()), _runtime: runtime.enter() }
    }
}

/// A future that is polled, and dropped, inside some tokio runtime: the caller's, or else the background one.
pub struct InRuntime<'f, T> {
    future: Pin<Box<dyn Future<Output = T> + Send + 'f>>,
    /// Of the call that it is a part of.
    span: CallSpan,
}

impl<'f, T> InRuntime<'f, T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'f) -> Self {
        let equipped = Equipped { future: Some(future), here: None, task: None };
        Self { future: Box::pin(equipped), span: CallSpan::default() }
    }

    pub(crate) fn within(self, span: CallSpan) -> Self {
        Self { span, ..self }
    }
}

impl<T> Future for InRuntime<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Self { future, span } = &mut *self;
        span.enter(|| future.as_mut().poll(cx))
    }
}

pin_project! {
    /// What is in the box.
    struct Equipped<F> {
        #[pin]
        future: Option<F>,
        // The runtime that it was polled in last.
        here: Option<Handle>,
        // The task, too: in the same one it is the same runtime, and need not be asked for.
        task: Option<task::Id>,
    }

    impl<F> PinnedDrop for Equipped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // What it has asked for it gives back on the same connection, whoever drops it.
            if this.future.is_some()
                && let Some(here) = this.here
            {
                let _runtime = Entered::into(here);
                this.future.set(None);
            }
        }
    }
}

impl<F: Future> Future for Equipped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let task = task::try_id();
        let (_known, _runtime);
        match this.here {
            Some(here) if task.is_some() && *this.task == task => _known = Known::to_be(here.id()),
            _ => match Handle::try_current().ok().filter(equipped) {
                Some(here) => {
                    _known = Known::to_be(here.id());
                    (*this.here, *this.task) = (Some(here), task);
                }
                // The task is not of that runtime.
                None => {
                    (*this.here, *this.task) = (handle().cloned(), None);
                    _runtime = this.here.as_ref().map(Entered::into);
                }
            },
        }
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let polled = future.poll(cx);
        if polled.is_ready() {
            this.future.set(None);
        }
        polled
    }
}

/// Whether a runtime has timers: in one without, every deadline would panic. It is the one that the caller is in.
fn equipped(here: &Handle) -> bool {
    thread_local! {
        static LAST: Cell<Option<(runtime::Id, bool)>> = const { Cell::new(None) };
    }
    match LAST.get() {
        Some((last, equipped)) if last == here.id() => equipped,
        _ => {
            // There is no other way to ask.
            let equipped = std::panic::catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok();
            LAST.set(Some((here.id(), equipped)));
            equipped
        }
    }
}
