//! The protocol, second half: from the right to run the body to the fill. `lookup` is the first.

mod ending;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

pub(crate) use self::ending::{How, keep_for};
use crate::answer::Answer;
use crate::cache::Inner;
use crate::call::Context;
use crate::chain::Chain;
use crate::clock::Millis;
use crate::codec::Codec;
use crate::crowd::Seat;
use crate::entry::{self, Header, Holds, Stored};
use crate::fallback::Turn;
use crate::flight::{Lead, Outcome};
use crate::form::Form;
use crate::freshness::Due;
use crate::lease::Lease;
use crate::outage::Mark;
use crate::outcome::SharedError;
use crate::refresh::Refresh;
use crate::schema::Describe;
use crate::store::Store;
use crate::tier::Admission;
use crate::token::Token;
use crate::trace::CallSpan;

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
            Holds::Value | Holds::Queued => Self::Value { form, payload: Some(payload), fill: Some(fill) },
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
    Refresher(Box<Refresh>),
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
    cx: Option<Box<Context>>,
    /// What the call is going to be counted as when it is over; `None` once it was counted.
    answer: Option<Answer>,
    found: Option<Found>,
    /// What a refresh that fails leaves there.
    old: Option<Box<(Header, Found)>>,
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
    /// Among those who share a load: held while the call only returns what that gave.
    seat: Option<Seat>,
}

impl Slot {
    /// No cache: the body, and nothing else.
    pub(crate) fn detached() -> Self {
        Self(Box::new(State {
            cx: None,
            answer: None,
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
            seat: None,
        }))
    }

    /// The body with a cache, and nothing else.
    fn alone(cx: Box<Context>) -> Self {
        let mut slot = Self::detached();
        slot.0.cx = Some(cx);
        slot
    }

    /// Something to return.
    pub(crate) fn found(cx: Box<Context>, found: Found, answer: Answer) -> Self {
        let mut slot = Self::alone(cx);
        slot.0.found = Some(found);
        slot.0.answer = Some(answer);
        slot
    }

    /// Something to return that was loaded for others as well. A batch returns only with the rest of it.
    pub(crate) fn shared(cx: Box<Context>, found: Found, seat: Seat, answer: Answer) -> Self {
        let seat = cx.batch.is_none().then_some(seat);
        let mut slot = Self::found(cx, found, answer);
        slot.0.seat = seat;
        slot
    }

    /// Something to return, and to load anew.
    pub(crate) fn refreshing(cx: Box<Context>, stored: Stored, refresh: Refresh) -> Self {
        let old = Box::new((stored.header, Found::from(stored.clone())));
        let mut slot = Self::found(cx, Found::from(stored), refresh.due().answer());
        slot.0.old = Some(old);
        slot.0.role = Role::Refresher(Box::new(refresh));
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
        let patience = cx.policy.load_timeout;
        self.0.answered();
        if let Some(cx) = &mut self.0.cx {
            cx.span = cx.span.of_refresh(cx.site);
        }
        Some(patience)
    }

    /// Nothing to return.
    pub(crate) fn missed(cx: Box<Context>, role: Role, answer: Answer) -> Self {
        cx.answered(answer);
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

    pub(crate) fn span(&self) -> CallSpan {
        self.0.cx.as_ref().map(|cx| cx.span.clone()).unwrap_or_default()
    }

    pub(crate) fn take_context(&mut self) -> Option<Box<Context>> {
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
    pub(crate) fn refreshes(&mut self) -> bool {
        let refreshes = matches!(self.0.role, Role::Refresher(_)) && !self.in_background();
        if refreshes {
            self.0.answer = Some(Answer::Miss);
        }
        refreshes
    }

    /// The value that is still there although its load failed.
    pub(crate) fn take_old(&mut self) -> Option<Found> {
        // By now it may be too old even for that: its load took long.
        let (header, old) = *self.0.old.take()?;
        self.0.cx.as_ref().filter(|cx| !cx.policy.is_over_by_now(&header))?;
        if let Role::Refresher(refresh) = &self.0.role {
            self.0.answer = Some(refresh.due().answer());
        }
        Some(old)
    }

    /// The chain that the body runs in.
    pub(crate) fn begin(&mut self) -> Chain {
        self.0.loads();
        self.0.seat = None;
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
        self.0.loads();
        if let Some(cx) = self.0.cx.as_ref().filter(|_| counted) {
            cx.counters.loads.add();
        }
        match &self.0.role {
            Role::Alone | Role::Refresher(_) => chain,
            Role::Leader(lead, lease) => chain.with(lead.id(), lease.as_ref().map(Lease::token)),
        }
    }

    /// The body has come to an end. Counted once for all keys that it was to load.
    pub(crate) fn landed(&mut self, counted: bool) {
        self.0.took = self.0.began.map_or(Duration::ZERO, |began| began.elapsed());
        if let Some(cx) = self.0.cx.as_ref().filter(|_| counted) {
            cx.counters.loaded(cx.site, self.0.took);
        }
    }

    /// The load that this is to lead, if it is.
    pub(crate) fn leads(&self) -> Option<(u64, Option<Token>)> {
        match &self.0.role {
            Role::Alone | Role::Refresher(_) => None,
            Role::Leader(lead, lease) => Some((lead.id(), lease.as_ref().map(Lease::token))),
        }
    }

    pub(crate) fn store(&self) -> Option<(Arc<dyn Store>, Arc<Inner>)> {
        self.0.cx.as_ref().map(|cx| (Arc::clone(cx.cache.store()), Arc::clone(cx.cache.inner())))
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
                lease.fail(move |accepted| {
                    lead.land(Outcome::Failed { error, accepted: epoch.filter(|_| accepted) });
                });
            }
            lease => {
                if let Some(lease) = lease {
                    lease.fail(|_| ());
                }
                lead.land(Outcome::Failed { error, accepted: None });
            }
        }
    }
}

impl State {
    /// The body is about to run, whatever was found.
    fn loads(&mut self) {
        self.began = Some(Instant::now());
        // What was found was shared by a load of another type.
        if self.answer.is_some() {
            self.answer = Some(Answer::Miss);
        }
    }

    fn answered(&mut self) {
        if let (Some(cx), Some(answer)) = (&self.cx, self.answer.take()) {
            cx.answered(answer);
        }
    }
}

/// A call is over, one way or another.
impl Drop for State {
    fn drop(&mut self) {
        self.answered();
    }
}
