//! The protocol, from the call to the fill. Reads top to bottom.
//!
//! ```text
//! open ── a load of this process is on it? ──▶ follow: share its result, if the adoption rule allows
//!   │
//!   ├─ SET key L<token> NX GET PX lease
//!   │     value ▶ hit                     one round trip
//!   │     nil   ▶ the lease is ours       lead: body, then fill = compare-and-set       two round trips
//!   │     lease ▶ somebody else loads     `mutex`: wait for its end; else load, store nothing
//!   │     error ▶ load, store nothing
//!   ▼
//! load ── settle ── fill
//! ```
//!
//! Whatever goes wrong with the store, the caller ends up with the right to run the body.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::{self, Handle};
use tokio::time::{Instant, timeout_at};

use crate::background::{self, InRuntime};
use crate::cache::{Cache, Inner};
use crate::chain::Chain;
use crate::codec;
use crate::entry::{self, Before, Ended, Entry, Header, IDENTITY};
use crate::flight::{Flight, Landing, Lead, Outcome, Shared};
use crate::key::Key;
use crate::lease::Lease;
use crate::outcome::SharedError;
use crate::policy::{Policy, Ttl};
use crate::site::Site;
use crate::stats::Counters;
use crate::store::{Observed, Store, StoreError};
use crate::token::Token;

/// How long to wait for the flight of a lease that this process is known to hold.
const TAKE_OFF: Duration = Duration::from_millis(5);

/// The longest wait: a clock cannot count all that a `Duration` can.
const AGES: Duration = Duration::from_secs(100 * 365 * 86_400);

/// One call of an annotated function, before it is opened.
#[derive(Debug)]
pub struct Call {
    site: &'static Site,
    policy: Policy,
    key: Key,
    cache: Option<Cache>,
    when: bool,
}

impl Call {
    #[doc(hidden)]
    pub fn new(site: &'static Site, key: crate::key::KeyWriter) -> Self {
        Self::with(site, site.policy, key.finish())
    }

    pub(crate) fn with(site: &'static Site, policy: Policy, key: Key) -> Self {
        Self { site, policy, key, cache: None, when: true }
    }

    #[doc(hidden)]
    pub fn cache(mut self, cache: impl Into<Cache>) -> Self {
        self.cache = Some(cache.into());
        self
    }

    #[doc(hidden)]
    pub fn when(mut self, when: bool) -> Self {
        self.when = when;
        self
    }
}

/// Looks the call up; the slot says what to do next.
#[doc(hidden)]
pub fn open(call: Call) -> InRuntime<'static, Slot> {
    InRuntime::new(async move {
        let leader = Handle::try_current().ok().map(|here| here.id());
        Context::open(call, Caller { leader, inside: None }).await
    })
}

/// [`open`] for a blocking function.
#[doc(hidden)]
pub fn open_blocking(call: Call) -> Slot {
    let inside = Handle::try_current().ok().map(|here| here.id());
    background::block_on(Context::open(call, Caller { leader: None, inside })).unwrap_or_else(Slot::detached)
}

/// Who calls, as far as waiting is concerned.
#[derive(Clone, Copy, Debug)]
struct Caller {
    /// The runtime that a flight led by this call depends on; `None` for a blocking call, which runs by itself.
    leader: Option<runtime::Id>,
    /// For a blocking call, the runtime whose thread it may be holding up.
    inside: Option<runtime::Id>,
}

/// Everything about one call that does not depend on its types.
#[derive(Debug)]
struct Context {
    cache: Arc<Inner>,
    store: Arc<dyn Store>,
    counters: Arc<Counters>,
    site: &'static Site,
    policy: Policy,
    key: Arc<str>,
    caller: Caller,
    chain: Chain,
}

/// What the store said.
enum Looked {
    Value(Header, Bytes),
    Leased(Lease),
    Held(Token, Before),
    /// Load, but do not store: no answer, a writer at work, or a newer schema that must not be overwritten.
    Unleased,
    /// Something changed between two looks.
    Again,
}

impl Context {
    async fn open(call: Call, caller: Caller) -> Slot {
        let Some(cache) = call.cache.or_else(|| Cache::current(call.site)).map(Cache::into_inner) else {
            return Slot::detached();
        };
        let Some(store) = cache.store() else { return Slot::detached() };
        let cx = Self {
            counters: cache.stats.of(call.site),
            site: call.site,
            policy: call.policy,
            key: cache.store_key(&call.key),
            chain: Chain::current(),
            caller,
            cache,
            store,
        };
        if !call.when || !call.key.usable() {
            cx.counters.bypasses.add();
            return cx.alone();
        }
        cx.look(None).await
    }

    /// The reader's loop. `rejected` is a value that this call's type could not read.
    async fn look(self, rejected: Option<u64>) -> Slot {
        let arrival = self.cache.flights.arrival();
        let deadline = Instant::now() + self.policy.wait.min(AGES);
        // Set while this call waits for another process on behalf of all callers of this one.
        let mut lead: Option<Lead> = None;
        // Set after a load that stored nothing: those who waited for it load in parallel, never one after another.
        let mut parallel = false;
        // The lease of another process that this call waited for last.
        let mut waited: Option<Token> = None;
        let mut patience = 2;
        loop {
            if lead.is_none()
                && let Some(flight) = self.cache.flights.get(&self.key)
            {
                match self.follow(&flight, arrival, deadline).await {
                    Some(Ok(found)) => {
                        self.counters.misses.add();
                        self.counters.coalesced.add();
                        return self.found(found);
                    }
                    Some(Err(Alone)) => return self.missed(Role::Alone),
                    None => {}
                }
            }
            if Instant::now() >= deadline {
                self.counters.wait_timeouts.add();
                return self.missed(Role::Alone);
            }
            if let Some(lead) = &lead {
                lead.begin();
            }
            match self.look_once(rejected).await {
                Looked::Value(header, payload) => return self.serve(lead, &header, payload),
                Looked::Leased(lease) => return self.lead(lead, Some(lease)),
                Looked::Unleased => match self.lead_unleased(lead) {
                    Ok(slot_lead) => return self.lead(Some(slot_lead), None),
                    Err(()) => lead = None,
                },
                Looked::Again => {}
                Looked::Held(token, before) => {
                    // The load that this call waited for stored nothing, and another has begun since.
                    if before == Before::Ended && waited.is_some_and(|waited| waited != token) {
                        parallel = true;
                    }
                    if self.chain.holds(&token) {
                        return self.bypassed();
                    }
                    if token.is_ours() && lead.is_none() {
                        if self.cache.flights.expect(&self.key, TAKE_OFF).await.is_some() {
                            continue;
                        }
                        // No flight, so the lease is on its way back, or another `Cache` of this process holds it: a
                        // blocking call must not wait for a task that may need this very thread.
                        if self.caller.inside.is_some() {
                            return self.bypassed();
                        }
                        if patience > 0 {
                            patience -= 1;
                            continue;
                        }
                    }
                    if !self.policy.mutex || parallel {
                        match self.lead_unleased(lead) {
                            Ok(slot_lead) => return self.lead(Some(slot_lead), None),
                            Err(()) => lead = None,
                        }
                        continue;
                    }
                    let waiting = match lead.take() {
                        Some(lead) => lead,
                        None => match self.cache.flights.lead(&self.key, self.caller.leader) {
                            Ok(lead) => lead,
                            Err(_) => continue,
                        },
                    };
                    let Some(_declared) = self.chain.wait_for_lease(token, waiting.id()) else {
                        return self.bypassed();
                    };
                    self.counters.lock_waits.add();
                    let begin = || waiting.begin();
                    waited = Some(token);
                    match self.store.wait(&self.key, &entry::lease(&token, before), deadline, &begin).await {
                        Ok(Some(bytes)) => match Entry::parse(&bytes) {
                            Entry::Value(header, payload) if self.fits(&header, rejected) => {
                                return self.serve(Some(waiting), &header, payload);
                            }
                            // The load we waited for said `None`, and its marker was accepted: nothing was
                            // invalidated from before it began until after we came.
                            Entry::Ended(ended, Ended::Absent) if ended == token => {
                                return self.serve_absence(waiting);
                            }
                            Entry::Ended(..) => parallel = true,
                            _ => {}
                        },
                        Ok(None) => {}
                        Err(_) => {
                            self.counters.errors.add();
                            return self.lead(Some(waiting), None);
                        }
                    }
                    lead = Some(waiting);
                }
            }
        }
    }

    /// Waits for a flight of this process. `None`: look again.
    async fn follow(&self, flight: &Flight, arrival: u64, deadline: Instant) -> Option<Result<Found, Alone>> {
        // A blocking call on a runtime's thread would keep that runtime's own task from ever finishing.
        let holds_up_leader = flight.runtime.is_some() && flight.runtime == self.caller.inside;
        let waiting = if holds_up_leader { None } else { self.chain.wait_for(flight.id) };
        let Some(_waiting) = waiting else {
            self.counters.bypasses.add();
            return Some(Err(Alone));
        };
        match timeout_at(deadline, flight.landing(arrival)).await {
            Ok(Landing::Shared(shared)) if shared.version == self.policy.version => {
                Some(Ok(Found::Value { type_tag: shared.type_tag, payload: shared.payload, fill: None }))
            }
            Ok(Landing::Error(error)) => Some(Ok(Found::Error(error))),
            Ok(Landing::Shared(_) | Landing::LoadAlone) => Some(Err(Alone)),
            Ok(Landing::Again) => None,
            Err(_) => {
                self.counters.wait_timeouts.add();
                Some(Err(Alone))
            }
        }
    }

    fn fits(&self, header: &Header, rejected: Option<u64>) -> bool {
        header.version == self.policy.version && Some(header.fill) != rejected
    }

    /// Get or acquire, and take over what cannot be read.
    async fn look_once(&self, rejected: Option<u64>) -> Looked {
        let mut lease = Lease::arm(&self.store, &self.key, &self.policy, Before::Nothing);
        let bytes = match self.store.acquire(&self.key, lease.placeholder(), self.policy.lease).await {
            Ok(None) => return Looked::Leased(lease),
            Ok(Some(bytes)) => bytes,
            Err(StoreError::ForeignKind) => {
                lease.disarm();
                self.counters.unreadable.add();
                return self.take_over(Observed::ForeignKind, Before::Nothing).await;
            }
            // The lease is still armed: the command may have been executed without our hearing of it.
            Err(_) => {
                self.counters.errors.add();
                return Looked::Unleased;
            }
        };
        lease.disarm();
        match Entry::parse(&bytes) {
            Entry::Value(header, payload) if self.fits(&header, rejected) => Looked::Value(header, payload),
            // A lower version never overwrites a higher one: in a rolling deploy the two would thrash.
            Entry::Value(header, _) if header.version > self.policy.version => Looked::Unleased,
            Entry::Value(..) => {
                self.counters.unreadable.add();
                self.take_over(Observed::Prefix(&bytes[..IDENTITY]), Before::Nothing).await
            }
            Entry::Corrupt => {
                self.counters.unreadable.add();
                self.take_over(Observed::Prefix(&bytes[..bytes.len().min(64)]), Before::Nothing).await
            }
            Entry::Ended(..) => self.take_over(Observed::Prefix(&bytes), Before::Ended).await,
            Entry::Lease(token, before) => Looked::Held(token, before),
            Entry::Writer => Looked::Unleased,
        }
    }

    /// A lease in place of what was observed, if it is still there.
    async fn take_over(&self, observed: Observed<'_>, before: Before) -> Looked {
        // A token of its own: one that was already sent once must not be sent again (see `Token`).
        let mut lease = Lease::arm(&self.store, &self.key, &self.policy, before);
        match self.store.takeover(&self.key, observed, lease.placeholder(), self.policy.lease).await {
            Ok(true) => Looked::Leased(lease),
            Ok(false) => {
                lease.disarm();
                Looked::Again
            }
            Err(_) => {
                self.counters.errors.add();
                Looked::Unleased
            }
        }
    }

    /// Leads without a lease, unless this process has another flight by now.
    fn lead_unleased(&self, lead: Option<Lead>) -> Result<Lead, ()> {
        match lead {
            Some(lead) => Ok(lead),
            None => self.cache.flights.lead(&self.key, self.caller.leader).map_err(drop),
        }
    }

    /// This call loads, for itself and for whoever follows.
    fn lead(self, lead: Option<Lead>, mut lease: Option<Lease>) -> Slot {
        let lead = lead.unwrap_or_else(|| self.cache.flights.replace(&self.key, self.caller.leader));
        if let Some(lease) = &mut lease {
            lease.keep(&self.policy);
        }
        // Last: whoever has come until now came before the load.
        lead.begin();
        self.missed(Role::Leader(lead, lease))
    }

    fn serve(self, lead: Option<Lead>, header: &Header, payload: Bytes) -> Slot {
        let payload = header.present.then_some(payload);
        if let Some(lead) = lead {
            let shared = Shared { type_tag: header.type_tag, version: header.version, payload: payload.clone() };
            lead.land(Outcome::Loaded { shared, accepted: false });
        }
        self.counters.hits.add();
        self.found(Found::Value { type_tag: header.type_tag, payload, fill: Some(header.fill) })
    }

    /// The answer of another process's load that found nothing and stores nothing.
    fn serve_absence(self, lead: Lead) -> Slot {
        self.counters.misses.add();
        self.counters.coalesced.add();
        let shared = Shared { type_tag: UNTYPED, version: self.policy.version, payload: None };
        lead.land(Outcome::Loaded { shared, accepted: false });
        self.found(Found::Value { type_tag: UNTYPED, payload: None, fill: None })
    }

    fn found(self, found: Found) -> Slot {
        let mut slot = self.alone();
        slot.0.found = Some(found);
        slot
    }

    fn bypassed(self) -> Slot {
        self.counters.bypasses.add();
        self.missed(Role::Alone)
    }

    fn missed(self, role: Role) -> Slot {
        self.counters.misses.add();
        let mut slot = self.alone();
        slot.0.role = role;
        slot
    }

    /// The body, and nothing else.
    fn alone(self) -> Slot {
        let mut slot = Slot::detached();
        slot.0.cx = Some(self);
        slot
    }

    /// How long to keep what was loaded; `None` is not at all, `Some(None)` for ever.
    fn keep_for(&self, loaded: &Loaded, per_value: Option<Duration>) -> Option<Option<Duration>> {
        let ttl = match (loaded, per_value, self.policy.ttl) {
            (Loaded::Absent, ..) => self.policy.none_ttl?,
            (Loaded::Value(_), Some(ttl), _) | (Loaded::Value(_), None, Ttl::For(ttl)) => ttl,
            (Loaded::Value(_), None, Ttl::Never) => return Some(None),
            (Loaded::Value(_), None, Ttl::PerValue) => return None,
        };
        (!ttl.is_zero()).then(|| Some(self.policy.jittered(ttl)))
    }
}

/// Run the body without sharing or storing anything.
struct Alone;

/// The type tag of an absence that was never stored: it fits every type that can be absent.
pub(crate) const UNTYPED: u64 = 0;

/// Something to return instead of running the body.
#[derive(Debug)]
pub(crate) enum Found {
    Value {
        type_tag: u64,
        /// `None` is an absence.
        payload: Option<Bytes>,
        /// Names the stored value, where it is stored.
        fill: Option<u64>,
    },
    Error(SharedError),
}

/// What this call owes to others.
#[derive(Debug)]
enum Role {
    /// Nothing.
    Alone,
    /// Its followers the result, and with a lease the store the value.
    Leader(Lead, Option<Lease>),
}

/// What a body returned, encoded.
#[derive(Debug)]
pub(crate) enum Loaded {
    Value(Bytes),
    Absent,
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
    role: Role,
    began: Option<Instant>,
    took: Duration,
    /// What to store, and whether the user's `unless` allows it.
    loaded: Option<(u64, Loaded)>,
    unless: bool,
    per_value: Option<Duration>,
}

impl Slot {
    /// No cache: the body, and nothing else.
    pub(crate) fn detached() -> Self {
        Self(Box::new(State {
            cx: None,
            found: None,
            role: Role::Alone,
            began: None,
            took: Duration::ZERO,
            loaded: None,
            unless: false,
            per_value: None,
        }))
    }

    pub(crate) fn take_found(&mut self) -> Option<Found> {
        self.0.found.take()
    }

    /// Whether anybody wants what the body returns.
    pub(crate) fn is_leader(&self) -> bool {
        matches!(self.0.role, Role::Leader(..))
    }

    /// Looks again, past a value that could not be read as this call's type.
    pub(crate) fn reopen(&mut self, unreadable: u64, type_name: &'static str) -> InRuntime<'_, ()> {
        InRuntime::new(async move {
            let Some(cx) = self.0.cx.take() else { return };
            if cx.cache.warn_once(cx.site) {
                log::warn!(
                    "cache: an entry of `{}` ({}) does not hold a `{}`; such entries are misses",
                    cx.site.template,
                    cx.site.name,
                    codec::bare_name(type_name)
                );
            }
            *self = cx.look(Some(unreadable)).await;
        })
    }

    /// The chain that the body runs in.
    pub(crate) fn begin(&mut self) -> Chain {
        self.0.began = Some(Instant::now());
        let Some(cx) = &self.0.cx else { return Chain::current() };
        cx.counters.loads.add();
        match &self.0.role {
            Role::Alone => cx.chain.clone(),
            Role::Leader(lead, lease) => cx.chain.with(lead.id(), lease.as_ref().map(Lease::token)),
        }
    }

    pub(crate) fn unless(&mut self, unless: bool) {
        self.0.unless |= unless;
    }

    pub(crate) fn keep_for(&mut self, ttl: Duration) {
        self.0.per_value = Some(ttl);
    }

    /// The body failed: waiters share the error, or load in parallel.
    pub(crate) fn failed(&mut self, error: Option<SharedError>) {
        if let Some(cx) = &self.0.cx {
            cx.counters.failures.add();
        }
        self.ended_without_value(error);
    }

    /// The body's value would not come back from its codec as it went in.
    pub(crate) fn unstorable(&mut self) {
        if let Some(cx) = &self.0.cx {
            cx.counters.unstorable.add();
        }
        self.ended_without_value(None);
    }

    fn ended_without_value(&mut self, error: Option<SharedError>) {
        if let Role::Leader(lead, lease) = std::mem::replace(&mut self.0.role, Role::Alone) {
            if let Some(lease) = lease {
                lease.fail();
            }
            lead.land(Outcome::Failed(error));
        }
    }

    pub(crate) fn loaded(&mut self, type_tag: u64, loaded: Loaded) {
        self.0.took = self.0.began.map_or(Duration::ZERO, |began| began.elapsed());
        self.0.loaded = Some((type_tag, loaded));
    }

    /// Stores what was loaded, or gives the lease back, and lets the followers have it.
    pub(crate) async fn fill(&mut self) {
        let (Some(cx), Some((type_tag, loaded))) = (&self.0.cx, self.0.loaded.take()) else { return };
        let Role::Leader(lead, mut lease) = std::mem::replace(&mut self.0.role, Role::Alone) else { return };
        let keep = if self.0.unless { None } else { cx.keep_for(&loaded, self.0.per_value) };
        // From here on a joiner could come after an invalidation that overtakes the fill.
        lead.seal();
        let answer = match (&mut lease, keep) {
            (None, _) => Ok(false),
            (Some(lease), Some(px)) => {
                let header = Header {
                    fill: lease.token().fill_id(),
                    type_tag,
                    version: cx.policy.version,
                    present: matches!(loaded, Loaded::Value(_)),
                    ttl: px,
                    load: self.0.took,
                };
                let payload: &[u8] = if let Loaded::Value(payload) = &loaded { payload } else { &[] };
                let filled = lease.fill(entry::value(&header, payload).into(), px).await;
                match filled {
                    Ok(true) => cx.counters.stores.add(),
                    Ok(false) => cx.counters.late_fills.add(),
                    Err(_) => {}
                }
                filled
            }
            (Some(lease), None) => {
                let how = if matches!(loaded, Loaded::Absent) { Ended::Absent } else { Ended::Unstored };
                lease.release(how).await
            }
        };
        if answer.is_err() {
            cx.counters.errors.add();
        }
        let payload = match loaded {
            Loaded::Value(payload) => Some(payload),
            Loaded::Absent => None,
        };
        let shared = Shared { type_tag, version: cx.policy.version, payload };
        lead.land(Outcome::Loaded { shared, accepted: answer.unwrap_or(false) });
    }
}
