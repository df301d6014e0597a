//! Loading anew what is still served: one caller does it, everybody else has the old value meanwhile.
//!
//! ```text
//! due ── somebody of this process at it? ──▶ serve
//!   │
//!   ├─ the refresh lease, under a key of its own ── another process has it ──▶ serve, and do not ask for a while
//!   ├─ the value, again ── not the one that was read ──▶ serve
//!   ▼
//! body ── refill = compare-and-set on the value that was read
//! ```
//! The flag and the lease only save loads. What is right comes from the comparison: a value that was invalidated, or
//! replaced, since it was read is not replaced by this load. Without it: find, read, commit, invalidate, refill,
//! and the old value is there for good (5 steps).

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::call::Context;
use crate::entry::{self, Before, Entry, IDENTITY, Stored};
use crate::freshness::Due;
use crate::lease::{Guard, Lease};
use crate::lookup::Rare;
use crate::policy::Policy;
use crate::slot::{How, Slot};
use crate::store::{Filling, StoreError};

/// After a refresh that failed, and at most the lease: nobody tries again for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a process asks for a lease that another one has: a holder that died is replaced that much later.
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// How long the marker stays that takes the place of a value whose load found nothing to store.
const MARKER: Duration = Duration::from_millis(500);

/// At this many keys, those of which nothing is to be remembered any more are forgotten.
const MANY: usize = 1024;

/// How many refreshes of one cache run in the background at a time. Nobody waits for them, so nothing else would hold
/// back a caller that comes past many values that are due; what is over the bound is served old, and tried again later.
const BACKGROUND: usize = 64;

/// Which keys this process refreshes, and which ones nobody here asks about for a while.
#[derive(Debug)]
pub(crate) struct Refreshes {
    keys: Mutex<HashMap<Arc<str>, State>>,
    background: Arc<Semaphore>,
}

impl Default for Refreshes {
    fn default() -> Self {
        Self { keys: Mutex::default(), background: Arc::new(Semaphore::new(BACKGROUND)) }
    }
}

#[derive(Debug)]
enum State {
    Running,
    Resting(Instant),
}

impl Refreshes {
    fn keys(&self) -> MutexGuard<'_, HashMap<Arc<str>, State>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to try, for one at a time.
    fn attempt(self: &Arc<Self>, key: &Arc<str>) -> Option<Attempt> {
        let mut keys = self.keys();
        if keys.len() >= MANY {
            keys.retain(|_, state| !state.is_over());
        }
        match keys.entry(Arc::clone(key)) {
            Place::Occupied(state) if !state.get().is_over() => return None,
            Place::Occupied(mut state) => drop(state.insert(State::Running)),
            Place::Vacant(place) => drop(place.insert(State::Running)),
        }
        Some(Attempt { refreshes: Arc::clone(self), key: Arc::clone(key), rest: Duration::ZERO })
    }
}

impl State {
    fn is_over(&self) -> bool {
        matches!(self, Self::Resting(until) if *until <= Instant::now())
    }
}

/// This process's attempt at one key. Dropped, it lets others try, after a rest if one was asked for.
#[derive(Debug)]
struct Attempt {
    refreshes: Arc<Refreshes>,
    key: Arc<str>,
    rest: Duration,
}

impl Attempt {
    fn rest(mut self, rest: Duration) {
        self.rest = rest;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.rest = PAUSE;
        }
        let mut keys = self.refreshes.keys();
        if self.rest.is_zero() {
            keys.remove(&self.key);
        } else {
            keys.insert(Arc::clone(&self.key), State::Resting(Instant::now() + self.rest));
        }
    }
}

/// How long nobody tries after a refresh that failed.
fn pause(policy: &Policy) -> Duration {
    policy.lease.min(PAUSE)
}

/// A refresh that is this call's. Dropped, it is given up for another caller to take on.
#[derive(Debug)]
pub(crate) struct Refresh {
    attempt: Attempt,
    lease: Lease,
    /// Held while it runs in the background.
    _permit: Option<OwnedSemaphorePermit>,
    /// What it may replace.
    replaces: [u8; IDENTITY],
    due: Due,
}

impl Context {
    /// Serves what was found, which is due for a refresh, and takes that on where nobody else has.
    pub(crate) fn serve_or_refresh(self: Box<Self>, stored: Stored, due: Due) -> Rare<'static, Slot> {
        Box::pin(async move {
            match self.refresh(&stored, due).await {
                Some(refresh) => Slot::refreshing(self, stored, refresh),
                None => self.serve(stored),
            }
        })
    }

    /// Whether nobody here loads it anew, or has tried a moment ago.
    pub(crate) fn is_to_refresh(&self) -> bool {
        self.cache.refreshes.keys().get(&self.key).is_none_or(State::is_over)
    }

    async fn refresh(&self, stored: &Stored, due: Due) -> Option<Refresh> {
        // What waits on behalf of a batch has no body of its own.
        if self.batch.is_some() {
            return None;
        }
        let attempt = self.cache.refreshes.attempt(&self.key)?;
        let permit = if self.policy.background {
            let Ok(permit) = Arc::clone(&self.cache.refreshes.background).try_acquire_owned() else {
                attempt.rest(ASK_AGAIN);
                return None;
            };
            Some(permit)
        } else {
            None
        };
        let key = self.cache.refresh_key(&self.key);
        let mut lease =
            Lease::arm(self.cache.store(), &key, &self.policy, Before::Nothing).pausing(pause(&self.policy));
        match self.cache.store().acquire(&key, lease.placeholder(), self.policy.lease, &[]).await {
            Ok(acquired) if acquired.held.is_none() => lease.keep(&self.policy),
            Ok(_) => {
                lease.disarm();
                attempt.rest(ASK_AGAIN.min(self.policy.lease));
                return None;
            }
            Err(error) => {
                self.counters.failed(&error);
                attempt.rest(ASK_AGAIN);
                return None;
            }
        }
        // Between the look and the lease somebody may have refreshed it, and once is enough.
        let held = self.cache.store().get(&self.key).await.ok()??;
        let same = matches!(Entry::parse(&held, self.cache.max_value), Entry::Value(now) if now.header.fill == stored.header.fill);
        same.then(|| Refresh { attempt, lease, _permit: permit, replaces: stored.header.identity(), due })
    }
}

impl Refresh {
    pub(crate) fn due(&self) -> Due {
        self.due
    }

    pub(crate) fn fill_id(&self) -> u64 {
        self.lease.token().fill_id()
    }

    /// Whatever ends it but a refill, a panic or a timeout too: it has failed.
    pub(crate) fn must_end_well(&mut self, policy: &Policy) {
        self.attempt.rest = pause(policy);
        self.lease.fails(true);
    }

    /// Puts what was loaded in place of what was read, if that is still there.
    pub(crate) async fn refill(mut self, cx: &Context, how: How) -> Result<bool, StoreError> {
        self.attempt.rest = Duration::ZERO;
        self.lease.fails(false);
        // Longer than a load may take, or somebody else is at it.
        if self.lease.is_lost() {
            return Ok(false);
        }
        let filling = match how {
            How::Fill(filling) => filling,
            // There is no such row any more, or it is not to be stored: what was read is out of date, and so is gone.
            How::Release(how) => {
                let ended = entry::ended(&self.lease.token(), how);
                Filling { value: ended.into(), px: Some(MARKER), tags: Vec::new() }
            }
        };
        cx.cache.store().refill(&cx.key, &self.replaces, &filling).await
    }

    /// The load failed: the old value stays, and nobody tries again for a while.
    pub(crate) fn fail(self, policy: &Policy) {
        self.attempt.rest(pause(policy));
        self.lease.fail(|_| ());
    }
}
