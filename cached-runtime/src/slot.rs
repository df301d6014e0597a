//! The protocol, second half: from the right to run the body to the fill. `lookup` is the first.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::call::Context;
use crate::chain::Chain;
use crate::clock::Millis;
use crate::codec::Codec;
use crate::entry::{self, Ended, Header, Holds, Stored};
use crate::fallback::Turn;
use crate::flight::{Lead, Outcome, Shared};
use crate::form::Form;
use crate::freshness::{Due, Life};
use crate::lease::Lease;
use crate::outage::Mark;
use crate::outcome::SharedError;
use crate::policy::{Policy, Ttl};
use crate::refresh::Refresh;
use crate::schema::Describe;
#[cfg(feature = "testing")]
use crate::stamping::Stamping;
use crate::store::{Filling, Store, StoreError};
use crate::tier::Admission;
use crate::token::Token;

/// Something to return instead of running the body.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    Value {
        form: Form,
        /// `None` is an absence.
        payload: Option<Bytes>,
        /// Names the stored value, where it is stored.
        fill: Option<u64>,
    },
    Error(SharedError),
    /// A remembered error.
    Failure {
        form: Form,
        payload: Bytes,
        fill: u64,
    },
}

impl From<Stored> for Found {
    fn from(Stored { header, payload, .. }: Stored) -> Self {
        let Header { form, fill, .. } = header;
        match header.holds {
            Holds::Value => Self::Value { form, payload: Some(payload), fill: Some(fill) },
            Holds::Absence => Self::Value { form, payload: None, fill: Some(fill) },
            Holds::Failure => Self::Failure { form, payload, fill },
        }
    }
}

/// A stored value that cannot be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unreadable {
    pub(crate) fill: u64,
    /// Although it is of this type.
    pub(crate) same_type: bool,
}

/// What this call owes to others.
#[derive(Debug)]
pub(crate) enum Role {
    /// Nothing.
    Alone,
    /// Its followers the result, and with a lease the store the value.
    Leader(Lead, Option<Lease>),
    /// The store a value in place of the one that it found.
    Refresher(Refresh),
}

/// What a body returned, encoded.
#[derive(Debug)]
pub(crate) enum Loaded {
    Value(Bytes),
    Absent,
}

impl Loaded {
    /// Nothing, for an absence.
    pub(crate) fn payload(&self) -> &[u8] {
        match self {
            Self::Value(payload) => payload,
            Self::Absent => &[],
        }
    }

    pub(crate) fn holds(&self) -> Holds {
        match self {
            Self::Value(_) => Holds::Value,
            Self::Absent => Holds::Absence,
        }
    }
}

/// A call between its lookup and its fill. Dropped early, it gives back whatever it holds.
///
/// Boxed, so that it adds a pointer to the future of every annotated function, not all of this.
#[derive(Debug)]
pub struct Slot(Box<State>);

#[derive(Debug)]
struct State {
    cx: Option<Context>,
    found: Option<Found>,
    /// What a refresh that fails leaves there.
    old: Option<(Header, Found)>,
    role: Role,
    began: Option<Instant>,
    took: Duration,
    /// What to store, and whether the user's `unless` allows it.
    loaded: Option<(Form, Loaded)>,
    /// The error to be remembered, encoded, with its type.
    failure: Option<(Form, Vec<u8>)>,
    unless: bool,
    per_value: Option<Duration>,
    /// Held while the body runs.
    turn: Option<Turn>,
    /// Set where the value may be kept while the store is away.
    mark: Option<Mark>,
}

impl Slot {
    /// No cache: the body, and nothing else.
    pub(crate) fn detached() -> Self {
        Self(Box::new(State {
            cx: None,
            found: None,
            old: None,
            role: Role::Alone,
            began: None,
            took: Duration::ZERO,
            loaded: None,
            failure: None,
            unless: false,
            per_value: None,
            turn: None,
            mark: None,
        }))
    }

    /// The body with a cache, and nothing else.
    pub(crate) fn alone(cx: Context) -> Self {
        let mut slot = Self::detached();
        slot.0.cx = Some(cx);
        slot
    }

    /// Something to return.
    pub(crate) fn found(cx: Context, found: Found) -> Self {
        let mut slot = Self::alone(cx);
        slot.0.found = Some(found);
        slot
    }

    /// Something to return, and to load anew.
    pub(crate) fn refreshing(cx: Context, stored: Stored, refresh: Refresh) -> Self {
        let old = (stored.header, Found::from(stored.clone()));
        let mut slot = Self::found(cx, Found::from(stored));
        slot.0.old = Some(old);
        if let (true, Some(cx)) = (slot.in_background(), &slot.0.cx) {
            cx.counters.hits.add();
            cx.served_stale(refresh.due());
        }
        slot.0.role = Role::Refresher(refresh);
        slot
    }

    fn in_background(&self) -> bool {
        self.0.cx.as_ref().is_some_and(|cx| cx.policy.background)
    }

    /// The call goes on with what was found, and its refresh without the call: for how long. `None`: there is none.
    pub(crate) fn leave_behind(&mut self) -> Option<Duration> {
        let (Role::Refresher(refresh), Some(cx)) = (&mut self.0.role, &mut self.0.cx) else { return None };
        // Nobody waits for what the call waits for.
        cx.chain = Chain::default();
        self.0.old = None;
        refresh.must_end_well(&cx.policy);
        Some(cx.policy.load_timeout)
    }

    /// Nothing to return.
    pub(crate) fn missed(cx: Context, role: Role) -> Self {
        cx.counters.misses.add();
        let mut slot = Self::alone(cx);
        slot.0.role = role;
        slot
    }

    /// Lets the body run in its turn.
    pub(crate) fn during(mut self, turn: Option<Turn>) -> Self {
        self.0.turn = turn;
        self
    }

    /// Lets the value be kept while the store is away, if the load begins now.
    pub(crate) fn kept_since(mut self, mark: Option<Mark>) -> Self {
        self.0.mark = mark;
        self
    }

    /// Says what this call stores and reads.
    pub(crate) fn describe(&mut self, describe: Option<Describe>, fingerprint: fn(Describe) -> u64) {
        if let Some(cx) = &mut self.0.cx {
            cx.schema = cx.site.schema.of(describe, fingerprint);
        }
    }

    pub(crate) fn schema(&self) -> u64 {
        self.0.cx.as_ref().map_or(0, |cx| cx.schema)
    }

    /// What its value is to be written by.
    pub(crate) fn codec(&self) -> Codec {
        self.0.cx.as_ref().map_or_else(Codec::default, |cx| cx.cache.encoding.codec)
    }

    pub(crate) fn take_context(&mut self) -> Option<Context> {
        self.0.cx.take()
    }

    pub(crate) fn take_found(&mut self) -> Option<Found> {
        self.0.found.take()
    }

    /// The right to keep in this process what was found.
    pub(crate) fn take_admission(&mut self) -> Option<Admission> {
        self.0.cx.as_mut()?.local.as_mut()?.admission.take()
    }

    /// Whether anybody wants what the body returns.
    pub(crate) fn is_leader(&self) -> bool {
        !matches!(self.0.role, Role::Alone)
    }

    /// Whether what was found is to be loaded anew, in this call. Then it is no hit.
    pub(crate) fn refreshes(&self) -> bool {
        let refreshes = matches!(self.0.role, Role::Refresher(_)) && !self.in_background();
        if let (true, Some(cx)) = (refreshes, &self.0.cx) {
            cx.counters.misses.add();
        }
        refreshes
    }

    /// The value that is still there although its load failed.
    pub(crate) fn take_old(&mut self) -> Option<Found> {
        // By now it may be too old even for that: its load took long.
        let (header, old) = self.0.old.take()?;
        let cx = self.0.cx.as_ref().filter(|cx| !cx.policy.is_over_by_now(&header))?;
        if let Role::Refresher(refresh) = &self.0.role {
            cx.served_stale(refresh.due());
        }
        Some(old)
    }

    /// The chain that the body runs in.
    pub(crate) fn begin(&mut self) -> Chain {
        self.0.began = Some(Instant::now());
        let Some(cx) = &self.0.cx else { return Chain::current() };
        cx.counters.loads.add();
        match &self.0.role {
            Role::Alone => cx.chain.clone(),
            // Nobody waits for a refresh.
            Role::Refresher(refresh) => {
                cx.counters.refreshes.add();
                if refresh.due() == Due::Early {
                    cx.counters.early_refreshes.add();
                }
                cx.chain.clone()
            }
            Role::Leader(lead, lease) => cx.chain.with(lead.id(), lease.as_ref().map(Lease::token)),
        }
    }

    /// The same for one of many keys that a body loads: inside of `chain`. Counted once for all of them.
    pub(crate) fn join_load(&mut self, chain: Chain, counted: bool) -> Chain {
        self.0.began = Some(Instant::now());
        if let Some(cx) = self.0.cx.as_ref().filter(|_| counted) {
            cx.counters.loads.add();
        }
        match &self.0.role {
            Role::Alone | Role::Refresher(_) => chain,
            Role::Leader(lead, lease) => chain.with(lead.id(), lease.as_ref().map(Lease::token)),
        }
    }

    /// The load that this is to lead, if it is.
    pub(crate) fn leads(&self) -> Option<(u64, Option<Token>)> {
        match &self.0.role {
            Role::Alone | Role::Refresher(_) => None,
            Role::Leader(lead, lease) => Some((lead.id(), lease.as_ref().map(Lease::token))),
        }
    }

    pub(crate) fn store(&self) -> Option<Arc<dyn Store>> {
        self.0.cx.as_ref().map(|cx| Arc::clone(&cx.store))
    }

    pub(crate) fn unless(&mut self, unless: bool) {
        self.0.unless |= unless;
    }

    pub(crate) fn keep_for(&mut self, ttl: Duration) {
        self.0.per_value = Some(ttl);
    }

    /// The body failed: waiters share the error, or load in parallel. Counted once for all keys that it was to load.
    pub(crate) fn failed(&mut self, error: Option<SharedError>, counted: bool) {
        if let Some(cx) = self.0.cx.as_ref().filter(|_| counted) {
            cx.counters.failures.add();
        }
        self.ended_without_value(error);
    }

    /// The error is remembered, if it is this call that would have stored the value.
    pub(crate) fn remember(&mut self, form: Form, error: Vec<u8>) {
        self.0.failure = Some((form, error));
    }

    /// The entry of a failure, and how long it stays.
    fn failure(&mut self, lease: &Lease) -> Option<(Vec<u8>, Duration)> {
        let (form, error) = self.0.failure.take()?;
        let cx = self.0.cx.as_ref()?;
        let px = cx.policy.jittered(cx.policy.error_ttl?);
        let header = Header {
            fill: lease.token().fill_id(),
            form,
            version: cx.policy.version,
            holds: Holds::Failure,
            created: Millis::now(),
            ttl: Some(px),
            early: px,
            stale: Duration::ZERO,
            load: Duration::ZERO,
            epoch: cx.stamps.epoch.unwrap_or_default(),
            displaced: false,
        };
        let tags = cx.stamps.written();
        cx.cache
            .takes(entry::size(&tags, &error), cx.site, &cx.counters)
            .then(|| (entry::value(&header, &tags, &error, cx.cache.encoding.packing), px))
    }

    /// The body's value would not come back from its codec as it went in.
    pub(crate) fn unstorable(&mut self) {
        if let Some(cx) = &self.0.cx {
            cx.counters.unstorable.add();
        }
        self.ended_without_value(None);
    }

    fn ended_without_value(&mut self, error: Option<SharedError>) {
        self.0.turn = None;
        let (lead, mut lease) = match std::mem::replace(&mut self.0.role, Role::Alone) {
            Role::Leader(lead, lease) => (lead, lease),
            Role::Refresher(refresh) => {
                if let Some(cx) = &self.0.cx {
                    refresh.fail(&cx.policy);
                }
                return;
            }
            Role::Alone => return,
        };
        if let Some(lease) = &mut lease
            && let Some(failure) = self.failure(lease)
        {
            lease.leave(failure);
        }
        // As before a fill: who joins from here on may come after an invalidation.
        lead.seal();
        match lease {
            // The caller has its error at once; the followers have it when the release was answered.
            Some(lease) if error.is_some() => {
                let epoch = self.0.cx.as_ref().and_then(|cx| cx.cache.flights.adoption.epoch_of(&cx.stamps));
                lease.fail(move |accepted| lead.land(Outcome::Failed { error, accepted: epoch.filter(|_| accepted) }));
            }
            lease => {
                if let Some(lease) = lease {
                    lease.fail(|_| ());
                }
                lead.land(Outcome::Failed { error, accepted: None });
            }
        }
    }

    pub(crate) fn loaded(&mut self, type_tag: u64, loaded: Loaded) {
        self.0.turn = None;
        self.0.took = self.0.began.map_or(Duration::ZERO, |began| began.elapsed());
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
            cx.stamps.recall(&cx.cache.epoch);
            let (asks, sent) = (cx.stamps.asks(&cx.cache.epoch), Instant::now());
            let answers = cx.store.stamps(&asks).await.unwrap_or_default();
            cx.stamps.answered(&answers, &cx.cache.epoch, sent);
        }
        let Some(mut ending) = self.ending() else { return };
        let answer = match (&mut ending.lease, &ending.how) {
            (None, _) => Ok(false),
            (Some(lease), How::Fill(filling)) => lease.fill(filling).await,
            (Some(lease), How::Release(how)) => lease.release(*how).await,
        };
        self.ended(ending, answer);
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
            Err(_) => cx.counters.errors.add(),
        }
    }

    /// What the store said to it.
    pub(crate) fn ended(&mut self, ending: Ending, answer: Result<bool, StoreError>) {
        let Some(cx) = &self.0.cx else { return };
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
            (Err(_), _) => cx.counters.errors.add(),
        }
        let accepted = cx.cache.flights.adoption.epoch_of(&cx.stamps).filter(|_| answer.unwrap_or(false));
        lead.land(Outcome::Loaded { shared, accepted });
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
