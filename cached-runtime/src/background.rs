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

use tokio::runtime::{self, Builder, Handle};
use tokio::task::unconstrained;

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
    if equipped() { Handle::try_current().ok() } else { handle().cloned() }
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
    let _runtime = handle()?.enter();
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

/// A future that is polled inside some tokio runtime: the caller's, or else the background one.
pub struct InRuntime<'f, T> {
    future: Pin<Box<dyn Future<Output = T> + Send + 'f>>,
    /// Of the call that it is a part of.
    span: CallSpan,
}

impl<'f, T> InRuntime<'f, T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'f) -> Self {
        Self { future: Box::pin(future), span: CallSpan::default() }
    }

    pub(crate) fn within(self, span: CallSpan) -> Self {
        Self { span, ..self }
    }
}

impl<T> Future for InRuntime<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let _runtime = if equipped() { None } else { handle().map(Handle::enter) };
        let Self { future, span } = &mut *self;
        span.enter(|| future.as_mut().poll(cx))
    }
}

/// Whether this thread is in a runtime, and that has timers: in one without, every deadline would panic.
fn equipped() -> bool {
    thread_local! {
        static LAST: Cell<Option<(runtime::Id, bool)>> = const { Cell::new(None) };
    }
    let Ok(here) = Handle::try_current().map(|here| here.id()) else {
        return false;
    };
    match LAST.get() {
        Some((last, equipped)) if last == here => equipped,
        _ => {
            // There is no other way to ask.
            let equipped = std::panic::catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok();
            LAST.set(Some((here, equipped)));
            equipped
        }
    }
}
