//! Single-flight: at most one load per key in this process, and who may share its result.
//!
//! **The adoption rule.** A waiter may take a load's result only if its own call began before the load did, or if it
//! joined before the fill was sent *and* the store accepted the fill. Otherwise an invalidation may have completed
//! before the waiter's call and after the load read the database. Counterexamples: blind adoption (start, read,
//! write, invalidate, join, fill: 7 steps; 151 stale reads in 10 s); adoption after the fill was sent, which
//! [`Lead::seal`] prevents (37 in 10 s). What stamps invalidate leaves the lease where it is, so an accepted fill says
//! nothing about tags, and about a clear only that there was none until the load read the epoch: a waiter that came
//! after the load began compares that epoch with its own. Hits are never shared, so the hit path touches none of this.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::runtime;
use tokio::sync::Notify;

use crate::adoption::Adoption;
use crate::crowd::{Crowd, Leaving, Seat};
use crate::form::Form;
use crate::outcome::SharedError;
use crate::stamp::Stamp;

/// A loaded value, as followers get it.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) form: Form,
    pub(crate) version: u32,
    /// `None` is an absence.
    pub(crate) payload: Option<Bytes>,
}

/// How a flight ended.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// With a value or an absence; `accepted` says that the store took it (or the release, where nothing was to be
    /// stored), so that no invalidation came between acquiring and filling, and under which epoch.
    Loaded { shared: Shared, accepted: Option<Stamp> },
    /// With an error, a panic, or a value that cannot be shared; `accepted` as above, for the release.
    Failed { error: Option<SharedError>, accepted: Option<Stamp> },
    /// Without an answer: the caller went away, or the lease it waited for ended.
    Abandoned,
}

/// What a follower makes of an outcome.
#[derive(Debug)]
pub(crate) enum Landing {
    Shared(Shared),
    Error(SharedError),
    /// Load at once, in parallel with whoever else was waiting: never one after another.
    LoadAlone,
    /// Look again: the result is too old for this call.
    Again,
}

#[derive(Debug)]
struct State {
    /// The clock's reading when the load (or the re-read that found the value) began; 0 before.
    began: u64,
    sealed: bool,
    outcome: Option<Outcome>,
}

/// One load in progress.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) id: u64,
    /// The runtime whose task leads; `None` for a thread. A blocking call on that runtime's thread must not wait.
    pub(crate) runtime: Option<runtime::Id>,
    /// It loads for want of the store.
    storeless: AtomicBool,
    adoption: Adoption,
    state: Mutex<State>,
    landed: Notify,
    followers: Arc<Crowd>,
}

impl Flight {
    pub(crate) fn is_storeless(&self) -> bool {
        self.storeless.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end. `arrival` is the clock's reading when the waiting call began, `epoch` the epoch if it was
    /// known then. The seat is for the call to keep while it only returns what it got.
    pub(crate) async fn landing(&self, arrival: u64, epoch: Option<Stamp>) -> (Landing, Seat) {
        let seat = Seat::take(&self.followers);
        let sealed = self.state().sealed;
        let outcome = loop {
            let mut landed = std::pin::pin!(self.landed.notified());
            landed.as_mut().enable();
            if let Some(outcome) = self.state().outcome.clone() {
                break outcome;
            }
            landed.await;
        };
        let joined_before = arrival < self.state().began;
        let may_adopt = |accepted: Option<Stamp>| joined_before || self.adoption.allows(sealed, accepted, epoch);
        let landing = match outcome {
            Outcome::Loaded { shared, accepted } if may_adopt(accepted) => Landing::Shared(shared),
            // "No such row" is an answer like any other: the same rule.
            Outcome::Failed { error: Some(error), accepted } if may_adopt(accepted) => Landing::Error(error),
            Outcome::Failed { .. } => Landing::LoadAlone,
            Outcome::Loaded { .. } | Outcome::Abandoned => Landing::Again,
        };
        (landing, seat)
    }
}

/// A number that no flight has had.
pub(crate) fn fresh_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// All flights of one cache.
#[derive(Debug)]
pub(crate) struct Flights {
    pub(crate) adoption: Adoption,
    shards: [Mutex<Shard>; 64],
    hasher: RandomState,
    /// Flights in the shards: while there are none, a call looks at nothing else.
    count: AtomicUsize,
    /// Counts beginnings of loads. Reading it is how a call says when it came.
    clock: AtomicU64,
    /// Tells those who know that a flight must come that one came.
    took_off: Notify,
}

/// The flights of some of the keys.
#[derive(Debug, Default)]
struct Shard {
    flights: HashMap<String, Arc<Flight>>,
    /// Who was given the last one's result, until the next one takes off. Those of whom nobody is left are forgotten with
    /// the next landing.
    leaving: HashMap<String, Leaving>,
}

impl Flights {
    pub(crate) fn new(adoption: Adoption) -> Self {
        Self {
            adoption,
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            count: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
            took_off: Notify::new(),
        }
    }

    /// When a call comes, relative to loads: a load that begins later has `began > arrival`.
    pub(crate) fn arrival(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// By the key alone, without the tags behind it: an invalidated key has all of its flights in one shard.
    fn shard(&self, flight: &str) -> MutexGuard<'_, Shard> {
        let key = flight.split_once('\0').map_or(flight, |(key, _)| key);
        let index = usize::try_from(self.hasher.hash_one(key) % 64).unwrap_or(0);
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "testing")]
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// The flight of `key`, if there is one.
    pub(crate) fn get(&self, key: &str) -> Option<Arc<Flight>> {
        if self.count.load(Ordering::SeqCst) == 0 {
            return None;
        }
        self.shard(key).flights.get(key).cloned()
    }

    /// The flight of `key`, waiting a moment for one that is about to come: the reply that gave its leader the lease
    /// has arrived, but the leader's task has not run yet.
    pub(crate) async fn expect(&self, key: &str, patience: std::time::Duration) -> Option<Arc<Flight>> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let mut took_off = std::pin::pin!(self.took_off.notified());
            took_off.as_mut().enable();
            if let Some(flight) = self.get(key) {
                return Some(flight);
            }
            tokio::time::timeout_at(deadline, took_off).await.ok()?;
        }
    }

    /// Leads a flight, unless somebody else does.
    pub(crate) fn lead(self: &Arc<Self>, key: &str, runtime: Option<runtime::Id>) -> Result<Lead, Arc<Flight>> {
        let mut shard = self.shard(key);
        if let Some(flight) = shard.flights.get(key) {
            return Err(Arc::clone(flight));
        }
        Ok(self.take_off(&mut shard, key, runtime))
    }

    /// Leads a flight for want of the store, unless somebody else leads one.
    pub(crate) fn lead_storeless(self: &Arc<Self>, key: &str, runtime: Option<runtime::Id>) -> Option<Lead> {
        let mut shard = self.shard(key);
        if shard.flights.contains_key(key) {
            return None;
        }
        let lead = self.take_off(&mut shard, key, runtime);
        lead.flight.storeless.store(true, Ordering::Relaxed);
        Some(lead)
    }

    /// Leads a flight in place of any other: for the call that has just got the lease. Whoever follows the other one
    /// goes on doing so. Not where that loads for want of the store: it would be a second load at a time.
    pub(crate) fn replace(self: &Arc<Self>, key: &str, runtime: Option<runtime::Id>) -> Option<Lead> {
        let mut shard = self.shard(key);
        if shard.flights.get(key).is_some_and(|flight| flight.is_storeless()) {
            return None;
        }
        Some(self.take_off(&mut shard, key, runtime))
    }

    fn take_off(self: &Arc<Self>, shard: &mut Shard, key: &str, runtime: Option<runtime::Id>) -> Lead {
        let flight = Arc::new(Flight {
            id: fresh_id(),
            runtime,
            storeless: AtomicBool::new(false),
            adoption: self.adoption,
            state: Mutex::new(State { began: 0, sealed: false, outcome: None }),
            landed: Notify::new(),
            followers: Arc::default(),
        });
        if shard.flights.insert(key.to_owned(), Arc::clone(&flight)).is_none() {
            self.count.fetch_add(1, Ordering::SeqCst);
        }
        self.took_off.notify_waiters();
        let leaving = shard.leaving.remove(key);
        Lead { flights: Arc::clone(self), flight, key: key.to_owned(), landed: false, leaving }
    }

    /// The flights of a key, with whatever tags.
    pub(crate) fn of(&self, key: &str) -> Vec<(String, Arc<Flight>)> {
        if self.count.load(Ordering::SeqCst) == 0 {
            return Vec::new();
        }
        let is_of =
            |flight: &str| flight.strip_prefix(key).is_some_and(|tags| tags.is_empty() || tags.starts_with('\0'));
        let shard = self.shard(key);
        let flights = shard.flights.iter().filter(|(name, _)| is_of(name));
        flights.map(|(name, flight)| (name.clone(), Arc::clone(flight))).collect()
    }

    /// Nobody joins this flight any more: its key was invalidated since, so its result is of no use to later calls.
    pub(crate) fn detach(&self, key: &str, flight: &Arc<Flight>) {
        self.detach_from(&mut self.shard(key), key, flight);
    }

    fn detach_from(&self, shard: &mut Shard, key: &str, flight: &Arc<Flight>) {
        if shard.flights.get(key).is_some_and(|current| Arc::ptr_eq(current, flight)) {
            shard.flights.remove(key);
            self.count.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// The leader's side of a flight. Dropped before it landed: abandoned, or failed if that is a panic.
#[derive(Debug)]
pub(crate) struct Lead {
    flights: Arc<Flights>,
    flight: Arc<Flight>,
    key: String,
    landed: bool,
    /// Those who may be about to follow.
    leaving: Option<Leaving>,
}

impl Lead {
    pub(crate) fn id(&self) -> u64 {
        self.flight.id
    }

    /// Lets those who have just been given the last load's result ask again before this one begins: see [`Crowd`].
    /// Whoever is alone does not wait.
    pub(crate) async fn gather(&mut self) {
        if let Some(leaving) = self.leaving.take() {
            leaving.gather(&self.flight.followers).await;
        }
    }

    /// What was waited for will not come: the store is away.
    pub(crate) fn goes_storeless(&self) {
        self.flight.storeless.store(true, Ordering::Relaxed);
    }

    /// Everybody who has come until now may share what is read from now on.
    pub(crate) fn begin(&self) {
        self.flight.state().began = self.flights.clock.fetch_add(1, Ordering::SeqCst) + 1;
    }

    /// Before the fill is sent: later joiners may come after an invalidation that the fill did not see.
    pub(crate) fn seal(&self) {
        self.flight.state().sealed = true;
    }

    /// The leader's own seat, among its followers: it may ask again as well.
    pub(crate) fn land(mut self, outcome: Outcome) -> Seat {
        self.end(outcome)
    }

    fn end(&mut self, outcome: Outcome) -> Seat {
        self.landed = true;
        let leaving = Leaving::of(&self.flight.followers);
        let seat = Seat::take(&self.flight.followers);
        let mut shard = self.flights.shard(&self.key);
        self.flights.detach_from(&mut shard, &self.key, &self.flight);
        if let Some(leaving) = leaving {
            shard.leaving.retain(|_, other| other.is_leaving());
            shard.leaving.insert(self.key.clone(), leaving);
        }
        drop(shard);
        self.flight.state().outcome = Some(outcome);
        self.flight.landed.notify_waiters();
        seat
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if !self.landed && !self.flights.adoption.tells() {
            self.flights.detach(&self.key, &self.flight);
        } else if !self.landed {
            // A panicking load is a failed one: were it merely abandoned, each waiter in turn would lead and panic.
            let outcome = if std::thread::panicking() {
                Outcome::Failed { error: None, accepted: None }
            } else {
                Outcome::Abandoned
            };
            drop(self.end(outcome));
        }
    }
}

#[cfg(test)]
mod tests;
