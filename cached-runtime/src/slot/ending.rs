//! How a load ends in the store: the fill, the refill, or what takes the place of the lease.

use std::time::Duration;

use tokio::time::Instant;

use crate::call::Context;
use crate::clock::Millis;
use crate::crowd::Seat;
use crate::entry::{self, Ended, Header};
use crate::flight::{Lead, Outcome, Shared};
use crate::form::Form;
use crate::freshness::Life;
use crate::lease::Lease;
use crate::operation::Operation;
use crate::policy::{Policy, Ttl};
#[cfg(feature = "testing")]
use crate::stamping::Stamping;
use crate::store::{Filling, StoreError};

use super::{Loaded, Role, Slot};

impl Slot {
    pub(crate) fn loaded(&mut self, type_tag: u64, loaded: Loaded) {
        self.0.turn = None;
        let form = Form { type_tag, schema: self.schema(), codec: self.codec() };
        self.0.loaded = Some((form, loaded));
    }

    /// Stores what was loaded, or gives the lease back, and lets the followers have it.
    pub(crate) async fn fill(&mut self) {
        if matches!(self.0.role, Role::Refresher(_)) {
            return self.refill().await;
        }
        // What must not be: these stamps may be those of an invalidation that the load did not see.
        #[cfg(feature = "testing")]
        if let Some(cx) = &mut self.0.cx
            && cx.cache.epoch.stamping == Stamping::AfterTheLoad
        {
            cx.stamps.recall(&cx.cache.epoch, Instant::now());
            let (asks, sent) = (cx.stamps.asks(&cx.cache.epoch), Instant::now());
            let answers = cx.cache.store().stamps(&asks).await.unwrap_or_default();
            cx.stamps.answered(&answers, &cx.cache.epoch, sent);
        }
        let Some(mut ending) = self.ending() else { return };
        let answer = match (&mut ending.lease, &ending.how) {
            (None, _) => Ok(false),
            (Some(lease), How::Fill(filling)) => {
                let sent = Instant::now();
                let answer = lease.fill(filling).await;
                if let Some(cx) = &self.0.cx {
                    cx.cache.operations.took(Operation::Fill, sent);
                }
                answer
            }
            (Some(lease), How::Release(how)) => lease.release(*how).await,
        };
        self.0.seat = self.ended(ending, answer);
    }

    /// What there is to tell the store, and the followers.
    pub(crate) fn ending(&mut self) -> Option<Ending> {
        let (Some(cx), Some((form, loaded))) = (&self.0.cx, self.0.loaded.take()) else { return None };
        let Role::Leader(lead, lease) = std::mem::replace(&mut self.0.role, Role::Alone) else { return None };
        // From here on a joiner could come after an invalidation that overtakes the fill.
        lead.seal();
        let how = match &lease {
            Some(lease) => self.how(cx, lease.token().fill_id(), form, &loaded),
            None => How::Release(Ended::Unstored),
        };
        let small = loaded.payload().len() <= cx.cache.max_value;
        let life = self.life(cx, &loaded).filter(|_| small);
        let payload = match loaded {
            Loaded::Value(payload) => Some(payload),
            Loaded::Absent => None,
        };
        let shared = Shared { form, version: cx.policy.version, payload };
        if let Some(((outage, mark), life)) = cx.cache.outage.as_ref().zip(self.0.mark).zip(life) {
            let names = cx.stamps.tags().chain([&cx.key]).cloned().collect();
            outage.keep(&cx.flight, names, mark, life.ttl, &shared);
        }
        Some(Ending { lead, lease, how, shared })
    }

    /// How long to keep what was loaded; `None` is not at all.
    fn life(&self, cx: &Context, loaded: &Loaded) -> Option<Life> {
        if self.0.unless { None } else { keep_for(&cx.policy, loaded, self.0.per_value) }
    }

    /// What becomes of what was loaded.
    fn how(&self, cx: &Context, fill: u64, form: Form, loaded: &Loaded) -> How {
        let life = self.life(cx, loaded);
        let epoch = cx.stamps.epoch.unwrap_or_default();
        let tags = cx.stamps.written();
        let size = entry::size(&tags, loaded.payload());
        let Some(life) = life.filter(|_| cx.cache.takes(size, cx.site, &cx.counters)) else {
            return How::Release(match loaded {
                Loaded::Absent => Ended::Absent { type_tag: form.type_tag, version: cx.policy.version, epoch },
                Loaded::Value(_) => Ended::Unstored,
            });
        };
        let header = Header {
            fill,
            form,
            version: cx.policy.version,
            holds: loaded.holds(),
            created: Millis::now(),
            ttl: life.ttl,
            early: life.early,
            stale: life.stale,
            load: self.0.took,
            epoch,
            displaced: cx.displaces,
        };
        let value = entry::value(&header, &tags, loaded.payload(), cx.cache.encoding.packing).into();
        How::Fill(Filling { value, px: life.px(), tags: cx.stamps.outliving(life.px(), &cx.cache.epoch) })
    }

    /// Stores what was loaded in place of what was found.
    async fn refill(&mut self) {
        let (Some(cx), Some((form, loaded))) = (&self.0.cx, self.0.loaded.take()) else { return };
        let Role::Refresher(refresh) = std::mem::replace(&mut self.0.role, Role::Alone) else { return };
        let how = self.how(cx, refresh.fill_id(), form, &loaded);
        let fills = matches!(how, How::Fill(_));
        let answer = refresh.refill(cx, how).await;
        // The server tells us too, but after its answer.
        cx.cache.forget(std::slice::from_ref(&cx.key));
        match answer {
            Ok(true) if fills => cx.counters.stores.add(),
            Ok(false) if fills => cx.counters.late_fills.add(),
            Ok(_) => {}
            Err(error) => cx.counters.failed(&error),
        }
    }

    /// What the store said to it. The seat is for a call that returns now.
    pub(crate) fn ended(&mut self, ending: Ending, answer: Result<bool, StoreError>) -> Option<Seat> {
        let cx = self.0.cx.as_ref()?;
        let Ending { lead, lease, how, shared } = ending;
        if lease.is_some() {
            // Another function may have kept here what was under its key before.
            cx.cache.forget(std::slice::from_ref(&cx.key));
        }
        match (&answer, how) {
            _ if lease.is_none() => {}
            (Ok(true), How::Fill(_)) => cx.counters.stores.add(),
            (Ok(false), How::Fill(_)) => cx.counters.late_fills.add(),
            (Ok(_), How::Release(_)) => {}
            (Err(error), _) => cx.counters.failed(error),
        }
        let accepted = cx.cache.flights.adoption.epoch_of(&cx.stamps).filter(|_| answer.unwrap_or(false));
        Some(lead.land(Outcome::Loaded { shared, accepted }))
    }
}

/// A load's end, on its way to the store.
#[derive(Debug)]
pub(crate) struct Ending {
    lead: Lead,
    pub(crate) lease: Option<Lease>,
    pub(crate) how: How,
    shared: Shared,
}

/// See [`Ending`].
#[derive(Debug)]
pub(crate) enum How {
    Fill(Filling),
    Release(Ended),
}

/// How long to keep what was loaded; `None` is not at all.
pub(crate) fn keep_for(policy: &Policy, loaded: &Loaded, per_value: Option<Duration>) -> Option<Life> {
    let absent = matches!(loaded, Loaded::Absent);
    let ttl = match (loaded, per_value, policy.ttl) {
        (Loaded::Absent, ..) => policy.none_ttl?,
        (Loaded::Value(_), Some(ttl), _) | (Loaded::Value(_), None, Ttl::For(ttl)) => ttl,
        (Loaded::Value(_), None, Ttl::Never) => return Some(Life::FOR_EVER),
        (Loaded::Value(_), None, Ttl::PerValue) => return None,
    };
    // That there is nothing is not said for longer than it was asked to be.
    let stale = policy.stale.filter(|_| !absent).unwrap_or_default();
    (!ttl.is_zero()).then(|| Life::of(policy, ttl, stale))
}
