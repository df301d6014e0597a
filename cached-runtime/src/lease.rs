//! A lease: the right to fill one key, held from before it is asked for until it is given back.
//!
//! The mutual exclusion is for efficiency; correctness comes from the store comparing the token at the fill. So a lease
//! that is lost (expired, invalidated, taken over) costs a load, never a stale value.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{AbortHandle, unconstrained};
use tokio::time::{Instant, sleep};

use crate::background::{self, Entered};
use crate::entry::{self, Before, Ended, Placeholder};
use crate::policy::Policy;
use crate::slot::How;
use crate::store::{End, Ending, Filling, Store, StoreError};
use crate::token::Token;

/// The longest time a clock can add, and more than anybody waits.
const AGES: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The shortest time between two renewals, however short the lease.
const SHORTEST: Duration = Duration::from_millis(5);

/// Between attempts to give back a lease that the store did not take back: grows from the first to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(320));

/// How long the marker of a load that stored nothing stays: long enough for waiters to wake, poll or reconnect.
const MARKER: Duration = Duration::from_millis(500);

/// Given back on drop: the load was cancelled, panicked or never came about.
#[derive(Debug)]
pub(crate) struct Lease {
    held: Arc<Held>,
    /// The runtime whose connection sent the acquisition: a release on the same connection comes after it. `None`: there
    /// was none, and nothing was sent.
    runtime: Option<Handle>,
    armed: bool,
    watchdog: Option<AbortHandle>,
    /// Whether other processes may be waiting, and want to know how it ended.
    awaited: bool,
    failed: bool,
    /// What a load that failed leaves in place of the lease, other than a marker.
    left: Option<(Vec<u8>, Duration)>,
    /// Told whether the release was accepted.
    on_release: Option<OnRelease>,
}

/// A box, since a lease does not know what a flight is.
struct OnRelease(Box<dyn FnOnce(bool) + Send>);

impl std::fmt::Debug for OnRelease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnRelease")
    }
}

#[derive(Debug)]
struct Held {
    store: Arc<dyn Store>,
    key: Arc<str>,
    token: Token,
    placeholder: Placeholder,
    /// After this it has ended by itself.
    px: Duration,
    /// How long the marker of a load that stored nothing stays.
    marker: Duration,
    lost: AtomicBool,
}

impl Held {
    fn marker(&self, how: Ended) -> (Vec<u8>, Duration) {
        (entry::ended(&self.token, how), self.marker)
    }

    async fn release(&self, marker: Option<(Vec<u8>, Duration)>) -> Result<bool, StoreError> {
        self.store.release(&self.key, &self.placeholder, marker).await
    }

    /// Tries until the lease has ended by itself: a lost connection or a refused write is no reason to let the waiters
    /// sit out the rest of it.
    async fn release_at_last(&self, marker: Option<(Vec<u8>, Duration)>) {
        let ended = Instant::now() + self.px.min(AGES);
        let mut pause = RETRY.0;
        while Instant::now() + pause < ended {
            sleep(pause).await;
            if self.release(marker.clone()).await.is_ok() {
                return;
            }
            pause = (pause * 2).min(RETRY.1);
        }
    }
}

/// Gives a lease back that was asked for, unless the answer says otherwise.
pub(crate) trait Guard {
    /// The acquisition was answered, and not with the lease.
    fn disarm(&mut self);

    /// It was answered with the lease.
    fn acquired(self) -> Lease;
}

/// A lease that is asked for. Dropped before the answer, it is given back: a command whose future is dropped may still be
/// executed, so the guard must already be there to take it back.
///
/// Nothing but a token: with a hit it was only asked for. It is polled and dropped in the runtime that it was asked for
/// in ([`InRuntime`](crate::background::InRuntime)).
pub(crate) struct Asked<'c> {
    store: &'c Arc<dyn Store>,
    key: &'c Arc<str>,
    policy: &'c Policy,
    token: Token,
    placeholder: Placeholder,
    armed: bool,
}

impl<'c> Asked<'c> {
    /// Armed before the acquisition is sent.
    pub(crate) fn arm(store: &'c Arc<dyn Store>, key: &'c Arc<str>, policy: &'c Policy) -> Self {
        let token = Token::fresh();
        Self { store, key, policy, token, placeholder: entry::lease(&token, Before::Nothing), armed: true }
    }

    pub(crate) fn placeholder(&self) -> &Placeholder {
        &self.placeholder
    }

    fn lease(&self) -> Lease {
        Lease::of(self.store, self.key, self.policy, self.token, self.placeholder)
    }
}

impl Guard for Asked<'_> {
    fn disarm(&mut self) {
        self.armed = false;
    }

    fn acquired(mut self) -> Lease {
        self.armed = false;
        self.lease()
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if self.armed {
            drop(self.lease());
        }
    }
}

impl Lease {
    /// Armed before the acquisition is sent: a command whose future is dropped may still be executed, so the guard must
    /// already be there to take it back.
    pub(crate) fn arm(store: &Arc<dyn Store>, key: &Arc<str>, policy: &Policy, before: Before) -> Self {
        let token = Token::fresh();
        Self::of(store, key, policy, token, entry::lease(&token, before))
    }

    fn of(store: &Arc<dyn Store>, key: &Arc<str>, policy: &Policy, token: Token, placeholder: Placeholder) -> Self {
        let held = Held {
            store: Arc::clone(store),
            key: Arc::clone(key),
            token,
            placeholder,
            px: policy.lease,
            marker: MARKER,
            lost: AtomicBool::new(false),
        };
        Self {
            held: Arc::new(held),
            runtime: background::here(),
            armed: true,
            watchdog: None,
            awaited: policy.mutex,
            failed: false,
            left: None,
            on_release: None,
        }
    }

    pub(crate) fn token(&self) -> Token {
        self.held.token
    }

    pub(crate) fn placeholder(&self) -> &Placeholder {
        &self.held.placeholder
    }

    /// Leaves a marker for so long where its load fails, whoever waits for it: until then it is nobody's.
    pub(crate) fn pausing(mut self, pause: Duration) -> Self {
        if let Some(held) = Arc::get_mut(&mut self.held) {
            held.marker = pause;
        }
        self.awaited = true;
        self
    }

    /// Whether the load counts as failed when this is dropped.
    pub(crate) fn fails(&mut self, fails: bool) {
        self.failed = fails;
    }

    /// Whether it ended before its load did.
    pub(crate) fn is_lost(&self) -> bool {
        self.held.lost.load(Ordering::Relaxed)
    }

    /// Renews at a third of the lease until the load ends or has taken too long.
    pub(crate) fn keep(&mut self, policy: &Policy) {
        let held = Arc::clone(&self.held);
        let (lease, patience) = (policy.lease, policy.load_timeout);
        let watchdog = async move {
            let began = Instant::now();
            loop {
                sleep((lease / 3).max(SHORTEST).min(patience.saturating_sub(began.elapsed()))).await;
                if began.elapsed() >= patience {
                    held.lost.store(true, Ordering::Relaxed);
                    let _ = held.release(None).await;
                    return;
                }
                match held.store.renew(&held.key, &held.placeholder, lease).await {
                    Ok(true) => {}
                    Ok(false) => {
                        held.lost.store(true, Ordering::Relaxed);
                        return;
                    }
                    // The lease may outlast the trouble: try again in a third.
                    Err(_) => {}
                }
            }
        };
        self.watchdog = self.runtime.as_ref().map(|runtime| runtime.spawn(watchdog).abort_handle());
    }

    /// Puts the value in the lease's place; false when the lease was gone.
    pub(crate) async fn fill(&mut self, filling: &Filling) -> Result<bool, StoreError> {
        if self.held.lost.load(Ordering::Relaxed) {
            return Ok(false);
        }
        // Armed until the answer is there: after a timeout the release that follows finds either the lease or the value.
        let filled = self.held.store.fill(&self.held.key, &self.held.placeholder, filling).await?;
        self.armed = false;
        Ok(filled)
    }

    /// Gives the lease back because nothing is to be stored; false when it was gone.
    pub(crate) async fn release(&mut self, how: Ended) -> Result<bool, StoreError> {
        let released = self.held.release(self.awaited.then(|| self.held.marker(how))).await?;
        self.armed = false;
        Ok(released && !self.held.lost.load(Ordering::Relaxed))
    }

    /// What [`Self::fill`] and [`Self::release`] would send, to be sent with others. `None`: the lease is lost.
    pub(crate) fn ending(&self, how: &How) -> Option<Ending> {
        let how = match how {
            How::Fill(_) if self.held.lost.load(Ordering::Relaxed) => return None,
            How::Fill(filling) => End::Fill(filling.clone()),
            How::Release(how) => {
                let marker = self.awaited.then(|| self.held.marker(*how));
                End::Release(marker)
            }
        };
        Some(Ending { key: Arc::clone(&self.held.key), lease: self.held.placeholder, how })
    }

    /// It was sent, and answered.
    pub(crate) fn ended(&mut self) {
        self.armed = false;
    }

    /// Leaves this in its place when the load has failed, and lets it live so long.
    pub(crate) fn leave(&mut self, left: (Vec<u8>, Duration)) {
        self.left = Some(left);
    }

    /// Gives the lease back because the load failed, without waiting for it; `then` learns whether it was still held:
    /// only then was nothing invalidated since the load began.
    pub(crate) fn fail(mut self, then: impl FnOnce(bool) + Send + 'static) {
        self.failed = true;
        self.on_release = Some(OnRelease(Box::new(then)));
    }
}

impl Guard for Lease {
    fn disarm(&mut self) {
        self.armed = false;
    }

    fn acquired(self) -> Lease {
        self
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.abort();
        }
        let on_release = self.on_release.take();
        let lost = self.held.lost.load(Ordering::Relaxed);
        let released = move |accepted: bool| {
            if let Some(OnRelease(then)) = on_release {
                then(accepted && !lost);
            }
        };
        let Some(runtime) = self.runtime.as_ref().filter(|_| self.armed) else {
            return released(false);
        };
        // A cancelled load leaves nothing: one waiter takes over. After a failed one the waiters load in parallel;
        // in turn they would fail one after another.
        let failed = self.failed || std::thread::panicking();
        let marker = (failed && self.awaited).then(|| self.held.marker(Ended::Unstored));
        let marker = self.left.take().filter(|_| failed).or(marker);
        let held = Arc::clone(&self.held);
        // Not one that may never have been acquired: in an outage there is one with every call.
        let acquired = self.watchdog.is_some();
        let mut release = Box::pin(unconstrained({
            let held = Arc::clone(&held);
            let marker = marker.clone();
            async move { held.release(marker).await }
        }));
        // Polled once here, so that it is on its way before whatever this task sends next. No more than that: a runtime
        // that is shutting down has no timers.
        let _runtime = Entered::into(runtime);
        let first = match release.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(accepted)) => return released(accepted),
            Poll::Ready(Err(_)) if !acquired => return released(false),
            first => first,
        };
        // Where the runtime is gone nothing is sent, and the lease expires.
        runtime.spawn(async move {
            let answer = match first {
                Poll::Ready(answer) => answer,
                Poll::Pending => release.await,
            };
            released(answer.as_ref().is_ok_and(|accepted| *accepted));
            if answer.is_err() && acquired {
                held.release_at_last(marker).await;
            }
        });
    }
}
