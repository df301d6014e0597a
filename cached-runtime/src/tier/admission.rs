//! How a value gets into the local tier: never after its own invalidation.
//!
//! ```text
//! before anything is sent     the stripe's number
//! beside the acquisition      CLIENT CACHING YES; GETRANGE key: from here on the server tells of changes
//! the same fill in both       what the call got is what the server watches
//! in the end                  insert, if the stripe's number is still the same
//! ```

use std::any::{Any, TypeId};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::line::{Absent, Line};
use super::watched::Watched;
use super::{Kept, Tier};
use crate::entry::{self, Holds, Stored};
use crate::key::Key;
use crate::policy::Policy;
use crate::stamp::{Epoch, Stamps};
use crate::store::{Acquired, Store, StoreError, Tracked};
use crate::ticks;

/// What a call has to wait for a tracked read longer than for its own, at most; and as long again as that took.
const PATIENCE: Duration = Duration::from_millis(5);

/// What one call would keep, and how.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) tier: Arc<Tier>,
    pub(crate) tags: Box<[Key]>,
    /// The longest that a value is kept.
    pub(crate) at_most: Duration,
    pub(crate) admission: Option<Admission>,
}

/// A look at the store that the server is asked to remember.
pub(crate) struct Watch {
    stripe: u64,
    sent: u64,
    stamps: Vec<(Arc<str>, Arc<Watched>)>,
    /// The key, and those of the stamps that have to be read.
    asked: Vec<Arc<str>>,
}

/// The right to keep what a call got, unless it changes before.
#[derive(Debug)]
pub(crate) struct Admission {
    tier: Arc<Tier>,
    stripe: u64,
    line: Line,
}

impl Candidate {
    /// Before the look. `None`: a key that looks like one of the cache's own.
    pub(crate) fn watch(&self, key: &Arc<str>, stamps: &Stamps, epoch: &Epoch) -> Option<Watch> {
        let sent = ticks::now();
        let stripe = self.tier.stripe(self.tier.name(key)?);
        let mut asked = vec![Arc::clone(key)];
        let names = stamps.relied_on(epoch).map(|name| {
            let (watched, ask) = self.tier.names.watch(name, sent);
            if ask {
                asked.push(Arc::clone(name));
            }
            (Arc::clone(name), watched)
        });
        let stamps = names.collect();
        Some(Watch { stripe, sent, stamps, asked })
    }

    /// After it: whether what was found may be kept.
    pub(crate) fn admit(
        &self,
        key: &str,
        policy: &Policy,
        watch: Watch,
        tracked: Vec<Option<Tracked>>,
        found: &Stored,
    ) -> Option<Admission> {
        let Watch { stripe, sent, stamps, asked } = watch;
        let mut tracked = tracked.into_iter();
        let Tracked { begins, left, pulse } = tracked.next()??;
        // An error is remembered by the store alone, and what is queued is about to change.
        if matches!(found.header.holds, Holds::Failure | Holds::Queued) || *begins != found.header.identity() {
            return None;
        }
        let now = ticks::now();
        for (name, tracked) in asked.iter().skip(1).zip(tracked) {
            let Some((_, watched)) = stamps.iter().find(|(watched, _)| watched == name) else { continue };
            let tracked = tracked?;
            watched.answered(u64::from_le_bytes(tracked.begins[..].try_into().ok()?), &tracked.pulse);
        }
        let of_now = |(name, watched): &(Arc<str>, Arc<Watched>)| watched.is(found.carried(name), now);
        if !stamps.iter().all(of_now) {
            return None;
        }
        let name = self.tier.name(key)?;
        // What the store says is by its own clock, and for as long as it keeps the entry: its stale time is not served
        // from here.
        let left = left.map(|left| left.saturating_sub(found.header.stale));
        let kept = [left, policy.fresh_for(&found.header)].into_iter().flatten().fold(self.at_most, Duration::min);
        if kept.is_zero() {
            return None;
        }
        let mut stamps = stamps.into_iter().map(|(_, watched)| watched);
        let line = Line {
            key: name.into(),
            tags: self.tags.clone(),
            version: policy.version,
            kind: TypeId::of::<Absent>(),
            until: ticks::after(sent, kept),
            pulse,
            epoch: stamps.next()?,
            stamps: stamps.collect(),
            // An entry's own overhead, roughly: the map's slot, and what is allocated for it.
            weight: (name.len() + found.payload.len() + 256) as u64,
        };
        Some(Admission { tier: Arc::clone(&self.tier), stripe, line })
    }
}

impl Watch {
    /// Runs the look with the tracked read beside it, on a connection of its own. `None` where nothing was found that
    /// could be kept, or the read takes much longer than the look.
    pub(crate) async fn beside(
        &self,
        tier: &Arc<Tier>,
        store: &Arc<dyn Store>,
        look: impl Future<Output = Result<Acquired, StoreError>>,
    ) -> (Result<Acquired, StoreError>, Option<Vec<Option<Tracked>>>) {
        let listener = tier.listener();
        let (mut look, mut read) = (pin!(look), pin!(store.track(&self.asked, &listener)));
        let began = Instant::now();
        let mut tracked = None;
        let acquired = poll_fn(|cx| {
            let looked = look.as_mut().poll(cx);
            if tracked.is_none()
                && let Poll::Ready(read) = read.as_mut().poll(cx)
            {
                tracked = Some(read);
            }
            looked
        })
        .await;
        let is_value = |acquired: &Acquired| acquired.held.as_ref().is_some_and(|held| entry::is_value(held));
        if tracked.is_none() && acquired.as_ref().is_ok_and(is_value) {
            tracked = timeout(began.elapsed() + PATIENCE, read).await.ok();
        }
        (acquired, tracked.and_then(Result::ok))
    }
}

impl Admission {
    /// Keeps this value.
    pub(crate) fn keep<V: Any + ?Sized>(self, value: Kept) {
        self.enter(TypeId::of::<V>(), value);
    }

    /// Keeps an absence.
    pub(crate) fn keep_absence(self) {
        self.enter(TypeId::of::<Absent>(), Arc::new(Absent));
    }

    fn enter(self, kind: TypeId, value: Kept) {
        let Self { tier, stripe, line } = self;
        tier.insert(stripe, Line { kind, ..line }, value);
    }
}
