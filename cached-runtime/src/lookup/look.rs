//! One look at the store: get or acquire, and what the answer means.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::call::Context;
use crate::entry::{self, Before, Entry, Header, Holds, IDENTITY, Stored};
use crate::lease::{Asked, Guard, Lease};
use crate::operation::Operation;
use crate::stats::Failed;
use crate::store::{Acquired, Condition, Observed, StoreError, Tracked};
use crate::tier::Watch;

use super::{Looked, Rare};

/// How long an entry stays that took the place of an unreadable one, before those who cannot read it take its place in
/// turn.
///
/// Two builds that share a version and cannot read each other's entries would else replace them with every call. Which
/// one is the newer, nobody knows: so whoever has stored last hits, and the other loads.
const STANDOFF: Duration = Duration::from_secs(60);

/// What an answer means.
pub(crate) enum Understood {
    Said(Looked),
    /// That this is to be taken over, by a lease which says what was there before.
    InTheWay(InWay, Before),
}

/// What is to be taken over.
pub(crate) enum InWay {
    /// An entry that begins so.
    Prefix(Bytes),
    /// A Redis value of another kind.
    ForeignKind,
}

impl Context {
    /// Whether somebody in this process loads it, or the store is not to be asked.
    pub(crate) fn is_loading(&self) -> bool {
        self.cache.flights.get(&self.flight).is_some() || self.cache.undelivered.concerns(&self.key, self.stamps.tags())
    }

    pub(super) fn fits(&self, stored: &Stored, rejected: Option<u64>) -> bool {
        stored.header.version == self.policy.version
            && Some(stored.header.fill) != rejected
            && (stored.header.holds == Holds::Queued || self.stamps.cover(stored.header.epoch, &stored.tags))
            && !self.policy.is_over(&stored.header)
            && (stored.header.holds != Holds::Failure || self.policy.error_ttl.is_some())
    }

    /// Whether what could not be read is to stay for now.
    pub(super) fn stands(&self, stored: &Stored, rejected: Option<u64>) -> bool {
        let Header { fill, version, displaced, created, epoch, .. } = stored.header;
        displaced
            && self.displaces
            && Some(fill) == rejected
            && version == self.policy.version
            && created.age() < STANDOFF
            && self.stamps.cover(epoch, &stored.tags)
    }

    /// Whether nobody is asked about it now: as after a failed acquisition, without one.
    pub(crate) fn is_given_up(&self) -> bool {
        let given_up = self.cache.store().given_up(&self.key);
        if given_up {
            self.counters.failed(Failed::GivenUp);
            self.cache.epoch.forget();
        }
        given_up
    }

    /// Get or acquire, and take over what cannot be read. `now` is what time it is.
    pub(super) async fn look_once(&mut self, rejected: Option<u64>, now: Instant) -> Looked {
        if self.cache.undelivered.concerns(&self.key, self.stamps.tags()) {
            self.cache.undelivered.deliver(self.cache.store());
            return self.away();
        }
        // Before anything is made that only a server could use.
        if self.is_given_up() {
            return self.away();
        }
        // Again with every look: those who follow this call may have come since the last one.
        self.stamps.recall(&self.cache.epoch, now);
        let (asks, sent) = (self.stamps.asks(&self.cache.epoch), now);
        let asked = Asked::arm(self.cache.store(), &self.key, &self.policy);
        let acquire = self.cache.store().acquire(&self.key, asked.placeholder(), self.policy.lease, &asks);
        let (acquired, watched) = match self.local {
            None => (acquire.await, None),
            // Boxed: else every function's look would carry room for it.
            Some(_) => Box::pin(self.watched(acquire)).await,
        };
        self.cache.operations.took(Operation::Get, sent);
        let (held, stamps) = match acquired {
            Ok(acquired) => (Ok(acquired.held), acquired.stamps),
            // What is in the way is going to be replaced, and that needs them.
            Err(StoreError::ForeignKind) if !asks.is_empty() => {
                (Err(StoreError::ForeignKind), self.cache.store().stamps(&asks).await.unwrap_or_default())
            }
            Err(error) => (Err(error), Vec::new()),
        };
        self.stamps.answered(&stamps, &self.cache.epoch, sent);
        let looked = match self.understand(asked, held, rejected) {
            Understood::Said(looked) => looked,
            Understood::InTheWay(observed, before) => self.take_over(observed, before).await,
        };
        if let (Looked::Value(stored), Some((watch, tracked)), Some(local)) = (&looked, watched, &mut self.local) {
            local.admission = local.admit(&self.key, &self.policy, watch, tracked, stored);
        }
        looked
    }

    /// Where values are kept in this process too: in the same round trip, has the server tell us when this one changes.
    async fn watched(
        &self,
        acquire: impl Future<Output = Result<Acquired, StoreError>>,
    ) -> (Result<Acquired, StoreError>, Option<(Watch, Vec<Option<Tracked>>)>) {
        let local = self.local.as_ref();
        let watch = local.and_then(|local| Some((local, local.watch(&self.key, &self.stamps, &self.cache.epoch)?)));
        let Some((local, watch)) = watch else { return (acquire.await, None) };
        let (acquired, tracked) = watch.beside(&local.tier, self.cache.store(), acquire).await;
        (acquired, tracked.map(|tracked| (watch, tracked)))
    }

    /// What the answer to an acquisition means.
    pub(crate) fn understand(
        &self,
        mut asked: impl Guard,
        held: Result<Option<Bytes>, StoreError>,
        rejected: Option<u64>,
    ) -> Understood {
        use Understood::{InTheWay, Said};
        let held = match held {
            Ok(held) => held,
            Err(StoreError::ForeignKind) => {
                asked.disarm();
                self.counters.unreadable.add();
                return InTheWay(InWay::ForeignKind, Before::Nothing);
            }
            // The lease is still armed: the command may have been executed without our hearing of it.
            Err(error) => {
                self.counters.failed(&error);
                // Whatever answers next may be another server.
                self.cache.epoch.forget();
                return Said(self.away());
            }
        };
        if let Some(outage) = self.cache.outage.as_ref().filter(|outage| !outage.is_empty())
            && self.cache.store().condition() == Condition::Up
        {
            outage.end();
        }
        let Some(bytes) = held else {
            return Said(if self.stamps.known() { Looked::Leased(asked.acquired()) } else { Looked::Unleased });
        };
        asked.disarm();
        match Entry::parse(&bytes, self.cache.max_value) {
            Entry::Value(stored) if self.fits(&stored, rejected) => Said(Looked::Value(stored)),
            // A load would read the row that it is about to replace.
            Entry::Value(stored) if stored.header.holds == Holds::Queued => {
                self.counters.unreadable.add();
                Said(Looked::Unleased)
            }
            // A lower version never overwrites a higher one: in a rolling deploy the two would thrash. Unless that was
            // invalidated by its stamps.
            Entry::Value(stored)
                if stored.header.version > self.policy.version
                    && self.stamps.cover(stored.header.epoch, &stored.tags) =>
            {
                Said(Looked::Unleased)
            }
            Entry::Value(stored) if stored.header.holds == Holds::Failure => {
                InTheWay(InWay::Prefix(bytes.slice(..IDENTITY)), Before::Ended)
            }
            Entry::Value(stored) if self.stands(&stored, rejected) => {
                self.counters.unreadable.add();
                Said(Looked::Unleased)
            }
            Entry::Value(stored) => {
                // What was invalidated by its stamps is as good as gone, and so is what is too old.
                if self.stamps.cover(stored.header.epoch, &stored.tags) && !self.policy.is_over(&stored.header) {
                    self.counters.unreadable.add();
                }
                InTheWay(InWay::Prefix(bytes.slice(..IDENTITY)), Before::Nothing)
            }
            // It is on its way to the database, and somebody else can read it.
            Entry::Corrupt if entry::is_queued(&bytes) => {
                self.counters.unreadable.add();
                Said(Looked::Unleased)
            }
            Entry::Corrupt => {
                self.counters.unreadable.add();
                InTheWay(InWay::Prefix(bytes.slice(..bytes.len().min(64))), Before::Nothing)
            }
            Entry::Ended(..) => InTheWay(InWay::Prefix(bytes), Before::Ended),
            Entry::Lease(token, before) => Said(Looked::Held(token, before)),
            Entry::Writer => Said(Looked::Unleased),
        }
    }

    /// A lease in place of what was observed, if it is still there.
    pub(crate) fn take_over(&self, in_way: InWay, before: Before) -> Rare<'_, Looked> {
        Box::pin(async move {
            let observed = match &in_way {
                InWay::Prefix(begins) => Observed::Prefix(begins),
                InWay::ForeignKind => Observed::ForeignKind,
            };
            if !self.stamps.known() {
                return Looked::Unleased;
            }
            // A token of its own: one that was already sent once must not be sent again (see `Token`).
            let mut lease = Lease::arm(self.cache.store(), &self.key, &self.policy, before);
            match self.cache.store().takeover(&self.key, observed, lease.placeholder(), self.policy.lease).await {
                Ok(true) => Looked::Leased(lease),
                Ok(false) => {
                    lease.disarm();
                    Looked::Again
                }
                Err(error) => {
                    self.counters.failed(&error);
                    self.away()
                }
            }
        })
    }
}
