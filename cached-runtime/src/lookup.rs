//! The protocol, first half: from the call to the right to run the body. Reads top to bottom; `slot` is the second.
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
//! slot: load ── settle ── fill
//! ```
//!
//! Whatever goes wrong with the store, the caller ends up with the right to run the body.

mod lead;
mod look;
mod serve;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::answer::Answer;
use crate::background::{self, InRuntime};
use crate::call::{Call, Caller, Context};
use crate::codec;
use crate::crowd::Seat;
use crate::entry::{self, Before, Ended, Entry, Holds, Stored};
use crate::event;
use crate::flight::{Flight, Landing, Lead, Shared};
use crate::lease::Lease;
use crate::outage::Mark;
use crate::slot::{Found, Role, Slot, Unreadable};
use crate::stamp::Stamp;
use crate::store::Condition;
use crate::token::Token;
use crate::trace::CallSpan;
use crate::transaction::Transaction;

pub(crate) use self::look::Understood;
/// How long to wait for the flight of a lease that this process is known to hold.
const TAKE_OFF: Duration = Duration::from_millis(5);

/// What is not on the way of a hit, boxed: else each hit would carry room for it.
pub(crate) type Rare<'c, T> = Pin<Box<dyn Future<Output = T> + Send + 'c>>;

/// The longest wait: a clock cannot count all that a `Duration` can.
const AGES: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Looks the call up; the slot says what to do next.
#[doc(hidden)]
pub fn open(call: Call) -> InRuntime<'static, Slot> {
    let opened = opened(call, Caller::Future);
    let span = opened.as_ref().map_or_else(|_| CallSpan::default(), |cx| cx.span.clone());
    let looked = InRuntime::new(async move {
        match opened {
            Ok(cx) => cx.look(None).await,
            Err(slot) => slot,
        }
    });
    looked.within(span)
}

/// [`open`] for a blocking function.
#[doc(hidden)]
pub fn open_blocking(call: Call) -> Slot {
    match opened(call, Caller::thread()) {
        Ok(cx) => {
            let span = cx.span.clone();
            background::block_on(span.within(cx.look(None))).unwrap_or_else(Slot::detached)
        }
        Err(slot) => slot,
    }
}

/// The call with its cache, which is to be asked; or what it does without asking. Before the future of the look is made:
/// that has no room for the call then.
fn opened(mut call: Call, caller: Caller) -> Result<Box<Context>, Slot> {
    let Some(mut cx) = Context::of(&mut call, caller) else { return Err(Slot::detached()) };
    cx.span = CallSpan::of(cx.site, &cx.key);
    // A load inside of a transaction would read, and store, what is not committed.
    if !call.when || !call.usable() || Transaction::is_open(cx.cache.inner()) {
        return Err(Slot::missed(cx, Role::Alone, Answer::Bypass));
    }
    Ok(cx)
}

/// Looks again, past a value that could not be read as this call's type.
pub(crate) fn reopen<'s>(slot: &'s mut Slot, unreadable: Unreadable, type_name: &'static str) -> InRuntime<'s, ()> {
    let span = slot.span();
    let looked = InRuntime::new(async move {
        let Some(cx) = slot.take_context() else { return };
        *slot = cx.look_past(unreadable, type_name).await;
    });
    looked.within(span)
}

/// What the store said.
pub(crate) enum Looked {
    Value(Stored),
    Leased(Lease),
    Held(Token, Before),
    /// Load, but do not store: a writer at work, a newer schema that must not be overwritten, or one that is not to be
    /// overwritten yet.
    Unleased,
    /// The same because the store does not answer, or is not to be asked about this key; with the time, where what is
    /// loaded now may be kept for a moment.
    Away(Option<Mark>),
    /// It does not answer, and somebody has loaded this a moment ago.
    Kept(Shared),
    /// Something changed between two looks.
    Again,
}

impl Context {
    /// Looks again, past a value that could not be read.
    pub(crate) async fn look_past(mut self: Box<Self>, unreadable: Unreadable, type_name: &'static str) -> Slot {
        self.displaces = unreadable.same_type;
        if self.cache.warn_once(self.site) {
            event::warning!(
                "cache: an entry of `{}` ({}) does not hold a `{}`; such entries are misses",
                self.site.template,
                self.site.name,
                codec::bare_name(type_name)
            );
        }
        self.look(Some(unreadable.fill)).await
    }

    /// Looks, and most of the time that is all. `rejected` is a value that this call's type could not read.
    ///
    /// Whatever else there is to do is boxed: the first look carries no room for it.
    pub(crate) async fn look(mut self: Box<Self>, rejected: Option<u64>) -> Slot {
        let arrival = self.cache.flights.arrival();
        let began = Instant::now();
        let first = if self.cache.flights.get(&self.flight).is_some() {
            self.stamps.recall(&self.cache.epoch, began);
            None
        } else {
            match self.look_once(rejected, began).await {
                // Asked once: whether it is due is drawn.
                Looked::Value(stored) => {
                    return match self.policy.due(&stored.header) {
                        None => self.serve(stored),
                        Some(due) => self.serve_or_refresh(stored, due).await,
                    };
                }
                looked => Some(looked),
            }
        };
        Box::pin(self.look_on(rejected, arrival, began, first)).await
    }

    /// The reader's loop, from what the first look said, where nobody was loading then.
    async fn look_on(
        mut self: Box<Self>,
        rejected: Option<u64>,
        arrival: u64,
        began: Instant,
        mut first: Option<Looked>,
    ) -> Slot {
        let deadline = began + self.policy.wait.min(AGES);
        // Set while this call waits for another process on behalf of all callers of this one.
        let mut lead: Option<Lead> = None;
        // Set after a load that stored nothing: those who waited for it load in parallel, never one after another.
        let mut parallel = false;
        // The lease of another process that this call waited for last.
        let mut waited: Option<Token> = None;
        // Only a lease on its way back is worth another look; without `mutex` not even that.
        let mut patience = if self.policy.mutex { 2 } else { 0 };
        let mut looked = false;
        loop {
            let said = first.take();
            if said.is_none()
                && lead.is_none()
                && let Some(flight) = self.cache.flights.get(&self.flight)
            {
                match self.follow(&flight, arrival, deadline).await {
                    Some(Ok((found, seat))) => {
                        self.counters.coalesced.add();
                        return Slot::shared(self, found, seat, Answer::Miss);
                    }
                    Some(Err(Alone::WaitedInVain)) => return self.waited_long_enough(rejected).await,
                    // The error may be in the store, for those who may not share it here.
                    Some(Err(Alone::LoadFailed)) if self.policy.error_ttl.is_some() && !parallel => parallel = true,
                    Some(Err(Alone::Bypassed)) => return self.load_alone(flight.is_storeless(), Answer::Bypass).await,
                    Some(Err(_)) => return self.load_alone(flight.is_storeless(), Answer::Miss).await,
                    None => {}
                }
            }
            // Whoever waits for nobody may still look.
            if looked && Instant::now() >= deadline {
                return self.waited_long_enough(rejected).await;
            }
            if let Some(lead) = &lead {
                lead.begin();
            }
            looked = true;
            let said = match said {
                Some(said) => said,
                None => self.look_once(rejected, Instant::now()).await,
            };
            match said {
                Looked::Value(stored) => {
                    self.share(lead, &stored);
                    return match self.policy.due(&stored.header) {
                        None => self.serve(stored),
                        Some(due) => self.serve_or_refresh(stored, due).await,
                    };
                }
                Looked::Leased(lease) => match self.lead_leased(lead) {
                    Some(slot_lead) => return self.lead(slot_lead, Some(lease), Answer::Miss),
                    None => lead = None,
                },
                Looked::Unleased => match self.lead_unleased(lead) {
                    Ok(slot_lead) => return self.lead(slot_lead, None, Answer::Miss),
                    Err(()) => lead = None,
                },
                Looked::Away(mark) => match self.lead_storeless(lead) {
                    Some(mut slot_lead) => {
                        let turn = self.turn().await;
                        slot_lead.gather().await;
                        return self.lead(slot_lead, None, Answer::Error).during(turn).kept_since(mark);
                    }
                    None => lead = None,
                },
                Looked::Kept(shared) => return self.serve_kept(lead, shared),
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
                        if Box::pin(self.cache.flights.expect(&self.flight, TAKE_OFF)).await.is_some() {
                            continue;
                        }
                        // No flight, so the lease is on its way back, or another `Cache` of this process holds it: a
                        // blocking call must not wait for a task that may need this very thread.
                        if patience > 0 {
                            patience -= 1;
                            continue;
                        }
                        if self.caller.inside().is_some() {
                            return self.bypassed();
                        }
                    }
                    if !self.policy.mutex || parallel {
                        match self.lead_unleased(lead) {
                            Ok(slot_lead) => return self.lead(slot_lead, None, Answer::Miss),
                            Err(()) => lead = None,
                        }
                        continue;
                    }
                    let waiting = match lead.take() {
                        Some(lead) => lead,
                        None => match self.cache.flights.lead(&self.flight, self.caller.leader()) {
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
                    let (store, since) = (self.cache.store(), Instant::now());
                    let answer = store.wait(&self.key, &entry::lease(&token, before), deadline, &begin).await;
                    self.counters.lock_waited(self.site, since.elapsed());
                    match answer {
                        Ok(Some(bytes)) => match Entry::parse(&bytes, self.cache.max_value) {
                            // Its stamps are compared with those that were read after this call came.
                            Entry::Value(stored) if self.fits(&stored, rejected) => {
                                let lead = self.may_share(stored.header.epoch).await.then_some(waiting);
                                self.share(lead, &stored);
                                return self.serve(stored);
                            }
                            // The load we waited for said `None`, and its marker was accepted: nothing was
                            // invalidated from before it began until after we came.
                            // A tag may have been: the marker does not say.
                            Entry::Ended(ended, Ended::Absent { type_tag, version, epoch })
                                if ended == token
                                    && version == self.policy.version
                                    && self.cache.flights.adoption.allows_absence(epoch, &self.stamps) =>
                            {
                                let lead = self.may_share(epoch).await.then_some(waiting);
                                return self.serve_absence(lead, type_tag);
                            }
                            Entry::Ended(..) => parallel = true,
                            // Whoever remembers no errors takes this for the end of a load that stored nothing.
                            Entry::Value(stored) if stored.header.holds == Holds::Failure => parallel = true,
                            _ => {}
                        },
                        Ok(None) => {}
                        Err(error) => {
                            self.counters.failed(&error);
                            waiting.goes_storeless();
                            let turn = self.turn().await;
                            return self.lead(waiting, None, Answer::Error).during(turn);
                        }
                    }
                    lead = Some(waiting);
                }
            }
        }
    }

    /// Waits for a flight of this process. `None`: look again.
    fn follow<'c>(
        &'c self,
        flight: &'c Flight,
        arrival: u64,
        deadline: Instant,
    ) -> Rare<'c, Option<Result<(Found, Seat), Alone>>> {
        Box::pin(async move {
            // A blocking call on a runtime's thread would keep that runtime's own task from ever finishing.
            let holds_up_leader = flight.runtime.is_some() && flight.runtime == self.caller.inside();
            let waiting = if holds_up_leader { None } else { self.chain.wait_for(flight.id) };
            let Some(_waiting) = waiting else {
                return Some(Err(Alone::Bypassed));
            };
            let Ok((landing, seat)) = timeout_at(deadline, flight.landing(arrival, self.stamps.epoch)).await else {
                return Some(Err(Alone::WaitedInVain));
            };
            match landing {
                Landing::Shared(shared) if shared.version == self.policy.version => {
                    let found = Found::Value { form: shared.form, payload: shared.payload, fill: None };
                    Some(Ok((found, seat)))
                }
                Landing::Error(error) => Some(Ok((Found::Error(error), seat))),
                Landing::LoadAlone => Some(Err(Alone::LoadFailed)),
                Landing::Shared(_) => Some(Err(Alone::OtherVersion)),
                Landing::Again => None,
            }
        })
    }

    /// Nobody waits longer than it may. With `on_timeout = stale` there is one more look: where a value has come in the
    /// meantime, however old by now, it is the answer.
    fn waited_long_enough(mut self: Box<Self>, rejected: Option<u64>) -> Rare<'static, Slot> {
        Box::pin(async move {
            self.counters.wait_timeouts.add();
            if self.policy.stale_on_timeout && !self.cache.undelivered.concerns(&self.key, self.stamps.tags()) {
                self.stamps.recall(&self.cache.epoch, Instant::now());
                let (asks, sent) = (self.stamps.asks(&self.cache.epoch), Instant::now());
                if !asks.is_empty() {
                    let stamps = self.cache.store().stamps(&asks).await.unwrap_or_default();
                    self.stamps.answered(&stamps, &self.cache.epoch, sent);
                }
                if let Ok(Some(bytes)) = self.cache.store().get(&self.key).await
                    && let Entry::Value(stored) = Entry::parse(&bytes, self.cache.max_value)
                    && self.fits(&stored, rejected)
                {
                    return self.serve(stored);
                }
            }
            self.load_alone(false, Answer::Miss).await
        })
    }

    /// Whether followers, who may have come later than this call, may have what it found after a wait: its stamps were
    /// read before the wait, so a clear that they came after may be missing in them, and so may a tag's invalidation.
    fn may_share(&self, epoch: Stamp) -> Rare<'_, bool> {
        Box::pin(async move {
            if !self.cache.flights.adoption.asks() {
                return true;
            }
            if self.stamps.tagged() {
                return false;
            }
            if let Some(now) = self.cache.epoch.known(Instant::now()) {
                return now == epoch;
            }
            // Not known any more: asked for once. Else everybody who follows would look again, and load where nothing was
            // stored.
            let (ask, sent) = ([self.cache.epoch.ask()], Instant::now());
            let now = self.cache.store().stamps(&ask).await.ok().and_then(|stamps| stamps.first().copied().flatten());
            now.into_iter().for_each(|now| self.cache.epoch.answered(now, sent));
            now == Some(epoch)
        })
    }

    /// The store has no answer. Where it was given up, somebody may have loaded this a moment ago.
    pub(crate) fn away(&self) -> Looked {
        let Some(outage) = self.cache.outage.as_ref().filter(|_| self.cache.store().condition() != Condition::Up)
        else {
            return Looked::Away(None);
        };
        let number = self.cache.store().times_opened();
        match outage.get(&self.flight, number).filter(|shared| shared.version == self.policy.version) {
            Some(shared) => Looked::Kept(shared),
            None => Looked::Away(Some(outage.mark(number))),
        }
    }
}

/// Why the body is to be run without sharing or storing anything.
enum Alone {
    Bypassed,
    LoadFailed,
    OtherVersion,
    WaitedInVain,
}
