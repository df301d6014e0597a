//! Many keys of one call: one round trip for what is there, one call of the body for what is not, and every value under
//! its own key, as the function for a single one has it. Each key has its own flight and its own lease.
//!
//! A batch loads what it has leases for before it waits for anybody. So two that overlap crosswise never wait for each
//! other.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet, unconstrained};
use tokio::time::{Instant, timeout_at};

use crate::answer::Answer;
use crate::background::{self, InRuntime};
use crate::cache::{Cache, IntoCache};
use crate::call::{Call, Caller, Context};
use crate::chain::{Chain, Waiting};
use crate::entry::{Before, Placeholder};
use crate::fallback::Turn;
use crate::flight::fresh_id;
use crate::key::Key;
use crate::lease::{Guard, Lease};
use crate::lookup::{Looked, Understood};
use crate::operation::Operation;
use crate::outcome::SharedError;
use crate::policy::Policy;
use crate::site::Site;
use crate::slot::{Role, Slot, Unreadable};
use crate::stamp::Ask;
use crate::store::{End, Ending, Store, StoreError};
use crate::trace::CallSpan;
use crate::transaction::Transaction;

/// How long those that can be loaded wait for those that are about to be, so that one call of the body does for all.
const TOGETHER: Duration = Duration::from_millis(100);

/// The same for those whose loads elsewhere have failed, of which nobody knows whether there will be more.
const MOMENT: Duration = Duration::from_millis(5);

/// One call of a batch function, before it is opened.
#[derive(Debug)]
pub struct Batch {
    site: &'static Site,
    cache: Option<Cache>,
    /// In place of the site's.
    policy: Option<Policy>,
    when: bool,
    calls: Vec<Call>,
}

impl Batch {
    #[doc(hidden)]
    pub fn new(site: &'static Site) -> Self {
        Self { site, cache: None, policy: None, when: true, calls: Vec::new() }
    }

    #[doc(hidden)]
    pub fn cache(mut self, cache: impl IntoCache) -> Self {
        self.cache = Some(cache.into_cache());
        self
    }

    #[doc(hidden)]
    pub fn when(mut self, when: bool) -> Self {
        self.when = when;
        self
    }

    /// In place of the function's.
    pub(crate) fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// The next id's key.
    #[doc(hidden)]
    pub fn key(&mut self, key: impl Into<Key>) {
        self.calls.push(match self.policy {
            Some(policy) => Call::with(self.site, policy, key.into()),
            None => Call::new(self.site, key),
        });
    }

    fn span(&self) -> CallSpan {
        CallSpan::of_batch(self.site, self.calls.len())
    }

    /// A tag of the last key.
    #[doc(hidden)]
    pub fn tag(&mut self, tag: impl Into<Key>) {
        if let Some(call) = self.calls.pop() {
            self.calls.push(call.tag(tag));
        }
    }
}

/// Looks all keys up.
#[doc(hidden)]
pub fn open_batch(batch: Batch) -> InRuntime<'static, Slots> {
    let span = batch.span();
    InRuntime::new(Slots::open(batch, Caller::Future, span.clone())).within(span)
}

/// [`open_batch`] for a blocking function.
#[doc(hidden)]
pub fn open_batch_blocking(batch: Batch) -> Slots {
    let caller = Caller::thread();
    let count = batch.calls.len();
    let span = batch.span();
    let opened = background::block_on(span.within(Slots::open(batch, caller, span.clone())));
    opened.unwrap_or_else(|| Slots {
        positions: (0..count).map(|_| Position::Own(Slot::detached())).collect(),
        bypassed: true,
        id: fresh_id(),
        pending: JoinSet::new(),
        turn: None,
        due: Vec::new(),
        span,
        loaded: false,
    })
}

/// One id's place in a batch.
#[derive(Debug)]
pub(crate) enum Position {
    /// A call of its own.
    Own(Slot),
    /// The key of an earlier position.
    Same(usize),
    /// Somebody else loads it, and a task of ours waits for that.
    Pending,
}

/// A batch between its lookup and its end. Dropped early, it gives back whatever it holds.
#[derive(Debug)]
pub struct Slots {
    pub(crate) positions: Vec<Position>,
    /// The cache was not asked for any of them.
    pub(crate) bypassed: bool,
    /// Names the body in the chain of what it calls.
    id: u64,
    pending: JoinSet<(usize, Slot, Option<Waiting>)>,
    /// Of the body, where the store is away.
    turn: Option<Turn>,
    /// The positions that were served what is to be loaded anew, where that is not the batch's to do.
    pub(crate) due: Vec<usize>,
    pub(crate) span: CallSpan,
    /// Whether the body ran.
    loaded: bool,
}

/// The batch is over. It is told in one word, though each of its keys counts by itself.
impl Drop for Slots {
    fn drop(&mut self) {
        let answer = match (self.bypassed, self.loaded) {
            (true, _) => Answer::Bypass,
            (false, true) => Answer::Miss,
            (false, false) => Answer::Hit,
        };
        self.span.answered(answer.name());
    }
}

impl Slots {
    async fn open(batch: Batch, caller: Caller, span: CallSpan) -> Self {
        let mut slots = Self {
            positions: Vec::with_capacity(batch.calls.len()),
            bypassed: false,
            id: fresh_id(),
            pending: JoinSet::new(),
            turn: None,
            due: Vec::new(),
            span,
            loaded: false,
        };
        let mut first: HashMap<Arc<str>, usize> = HashMap::with_capacity(batch.calls.len());
        let mut asking = Vec::new();
        let now = Instant::now();
        for (at, mut call) in batch.calls.into_iter().enumerate() {
            if let Some(cache) = &batch.cache {
                call = call.cache(cache);
            }
            let Some(mut cx) = Context::of(&mut call, caller) else {
                slots.positions.push(Position::Own(Slot::detached()));
                continue;
            };
            if !batch.when || !call.usable() || Transaction::is_open(cx.cache.inner()) {
                slots.positions.push(Position::Own(Slot::missed(cx, Role::Alone, Answer::Bypass)));
                continue;
            }
            cx.stamps.recall(&cx.cache.epoch, now);
            match first.entry(Arc::clone(&cx.flight)) {
                Entry::Occupied(first) => slots.positions.push(Position::Same(*first.get())),
                Entry::Vacant(here) => {
                    here.insert(at);
                    slots.positions.push(Position::Pending);
                    if cx.is_loading() { slots.wait(at, cx) } else { asking.push((at, cx)) }
                }
            }
        }
        slots.bypassed = slots.positions.iter().all(|position| matches!(position, Position::Own(_)));
        slots.ask(asking).await;
        slots
    }

    /// Gets or acquires all of these, as far as there is anybody to be asked.
    async fn ask(&mut self, asking: Vec<(usize, Box<Context>)>) {
        let (away, asking): (Vec<_>, Vec<_>) = asking.into_iter().partition(|(_, cx)| cx.is_given_up());
        self.ask_at_once(asking).await;
        for (at, cx) in away {
            let away = cx.away();
            self.looked(at, cx, away).await;
        }
    }

    async fn ask_at_once(&mut self, mut asking: Vec<(usize, Box<Context>)>) {
        let Some((_, any)) = asking.first() else { return };
        let (store, cache, px) = (Arc::clone(any.cache.store()), any.cache.clone(), any.policy.lease);
        let lease = |cx: &Context| Lease::arm(cx.cache.store(), &cx.key, &cx.policy, Before::Nothing);
        let mut leases: Vec<Lease> = asking.iter().map(|(_, cx)| lease(cx)).collect();
        let keys: Vec<_> =
            asking.iter().zip(&leases).map(|((_, cx), lease)| (Arc::clone(&cx.key), *lease.placeholder())).collect();
        let mut asks: Vec<Ask> = Vec::new();
        for (_, cx) in &asking {
            for ask in cx.stamps.asks(&cache.epoch) {
                if asks.iter().all(|other| other.key != ask.key) {
                    asks.push(ask);
                }
            }
        }
        let sent = Instant::now();
        let answered = store.acquire_many(&keys, px, &asks).await;
        cache.operations.took(Operation::GetMany, sent);
        let (answers, stamps) = match answered {
            Ok(answered) => answered,
            Err(error) => {
                leases.iter_mut().for_each(Guard::disarm);
                give_back(&store, keys.clone(), &error);
                (keys.iter().map(|_| Err(error.clone())).collect(), vec![None; asks.len()])
            }
        };
        let mut on_their_way = Vec::new();
        for (((at, mut cx), lease), held) in asking.drain(..).zip(leases).zip(answers) {
            cx.stamps.answered_among(&asks, &stamps, &cache.epoch, sent);
            // One by one it still finds what is there.
            if held == Err(StoreError::OutOfMemory) {
                self.wait(at, cx);
                continue;
            }
            let mut understood = Box::pin(unconstrained(async move {
                let looked = match cx.understand(lease, held, None) {
                    Understood::Said(looked) => looked,
                    Understood::InTheWay(in_way, before) => cx.take_over(in_way, before).await,
                };
                (at, cx, looked)
            }));
            // What has to be taken over takes a command more. Polled once here, all of those are on their way at once.
            let first = understood.as_mut().poll(&mut task::Context::from_waker(Waker::noop()));
            match first {
                Poll::Ready((at, cx, looked)) => self.looked(at, cx, looked).await,
                Poll::Pending => on_their_way.push(understood),
            }
        }
        for understood in on_their_way {
            let (at, cx, looked) = understood.await;
            self.looked(at, cx, looked).await;
        }
    }

    /// One position, after its first look.
    async fn looked(&mut self, at: usize, cx: Box<Context>, looked: Looked) {
        let answer = if matches!(looked, Looked::Away(_)) { Answer::Error } else { Answer::Miss };
        let unleased = match looked {
            Looked::Value(stored) => {
                // Nobody asks where there is no task to do it.
                if cx.policy.background && cx.policy.due(&stored.header).is_some() && cx.is_to_refresh() {
                    self.due.push(at);
                }
                self.positions[at] = Position::Own(cx.serve(stored));
                return;
            }
            Looked::Leased(lease) => {
                match cx.lead_leased(None) {
                    Some(lead) => self.positions[at] = Position::Own(cx.lead(lead, Some(lease), Answer::Miss)),
                    None => self.wait(at, cx),
                }
                return;
            }
            Looked::Unleased => true,
            Looked::Kept(shared) => {
                self.positions[at] = Position::Own(cx.serve_kept(None, shared));
                return;
            }
            Looked::Away(_) => {
                if self.turn.is_none() {
                    self.turn = cx.turn().await;
                }
                match cx.lead_storeless(None) {
                    Some(lead) => self.positions[at] = Position::Own(cx.lead(lead, None, answer)),
                    None => self.wait(at, cx),
                }
                return;
            }
            Looked::Held(token, _) => !cx.policy.mutex && !token.is_ours(),
            Looked::Again => false,
        };
        match cx.lead_unleased(None) {
            Ok(lead) if unleased => self.positions[at] = Position::Own(cx.lead(lead, None, answer)),
            _ => self.wait(at, cx),
        }
    }

    /// Looks again at these, past values that cannot be read as this batch's type; side by side, and for as long as
    /// that takes where nobody else loads them.
    pub(crate) fn reopen(
        &mut self,
        unreadable: Vec<(usize, Unreadable)>,
        type_name: &'static str,
    ) -> InRuntime<'_, ()> {
        InRuntime::new(async move {
            for (at, unreadable) in unreadable {
                let Some(Position::Own(slot)) = self.positions.get_mut(at) else { continue };
                let Some(mut cx) = slot.take_context() else { continue };
                self.positions[at] = Position::Pending;
                cx.batch = Some(self.id);
                self.pending.spawn(async move {
                    known(at, cx.batch, InRuntime::new(cx.look_past(unreadable, type_name)).await)
                });
            }
            let patience = Instant::now() + TOGETHER;
            while let Ok(Some(known)) = timeout_at(patience, self.pending.join_next()).await {
                self.take(known);
            }
        })
    }

    fn take(&mut self, known: Result<(usize, Slot, Option<Waiting>), JoinError>) {
        if let Ok((at, slot, _waiting)) = known {
            self.positions[at] = Position::Own(slot);
        }
    }

    /// Nobody can tell which value is whose: all of it is loaded once more, past the cache.
    pub(crate) fn start_over(&mut self) {
        self.bypassed = true;
        self.pending.abort_all();
        self.pending = JoinSet::new();
        for position in &mut self.positions {
            *position = Position::Own(Slot::detached());
        }
    }

    /// Somebody else loads it: waits for that, or for the right to load.
    fn wait(&mut self, at: usize, mut cx: Box<Context>) {
        cx.batch = Some(self.id);
        self.pending.spawn(async move { known(at, cx.batch, InRuntime::new(cx.look(None)).await) });
    }

    /// Waits until one more position is known, and takes what else is. False: there is nothing to wait for.
    pub(crate) fn more(&mut self) -> InRuntime<'_, bool> {
        InRuntime::new(async move {
            let Some(next) = self.pending.join_next().await else { return self.give_up() };
            self.take(next);
            while let Some(next) = self.pending.try_join_next() {
                self.take(next);
            }
            true
        })
    }

    /// Takes what else is known in a moment: loads that failed together are heard of one after the other, and are to be
    /// one load again. Not before the first load, which others may be waiting for.
    pub(crate) fn rest(&mut self) -> InRuntime<'_, ()> {
        InRuntime::new(async move {
            let moment = Instant::now() + MOMENT;
            while let Ok(Some(next)) = timeout_at(moment, self.pending.join_next()).await {
                self.take(next);
            }
        })
    }

    /// Where a task was ended with its runtime, the body says what it is. True where there is such a position.
    fn give_up(&mut self) -> bool {
        let mut any = false;
        for position in &mut self.positions {
            if matches!(position, Position::Pending) {
                *position = Position::Own(Slot::detached());
                any = true;
            }
        }
        any
    }

    /// One body for all of these: the chain that it runs in.
    pub(crate) fn begin(&mut self, positions: &[usize]) -> Chain {
        self.loaded = true;
        let mut chain = Chain::current().with(self.id, None);
        let mut counted = false;
        for &at in positions {
            if let Position::Own(slot) = &mut self.positions[at] {
                chain = slot.join_load(chain, !counted);
                counted = true;
            }
        }
        chain
    }

    /// The body has come to an end, once for all of these.
    pub(crate) fn landed(&mut self, positions: &[usize]) {
        let mut counted = false;
        for &at in positions {
            if let Position::Own(slot) = &mut self.positions[at] {
                slot.landed(!counted);
                counted = true;
            }
        }
    }

    /// The body failed, once for all of these.
    pub(crate) fn failed(&mut self, positions: &[usize], error: Option<&SharedError>) {
        let mut counted = false;
        for &at in positions {
            if let Position::Own(slot) = &mut self.positions[at] {
                slot.failed(error.cloned(), !counted);
                counted = true;
            }
        }
    }

    /// Tells the store how these ended, at once.
    pub(crate) async fn fill(&mut self, positions: &[usize]) {
        self.turn = None;
        let mut store = None;
        let mut endings = Vec::new();
        let mut sending = Vec::new();
        for &at in positions {
            let Position::Own(slot) = &mut self.positions[at] else { continue };
            let Some(ending) = slot.ending() else { continue };
            let sent = ending.lease.as_ref().and_then(|lease| lease.ending(&ending.how));
            store = slot.store().or(store);
            endings.push((at, ending, sent.is_some()));
            sending.extend(sent);
        }
        let answers = match store {
            Some((store, cache)) if !sending.is_empty() => {
                let sent = Instant::now();
                let answers = store.end_many(&sending).await;
                cache.operations.took(Operation::FillMany, sent);
                answers
            }
            _ => Ok(Vec::new()),
        };
        let mut answers = match answers {
            Ok(answers) => answers.into_iter(),
            Err(error) => vec![Err(error); sending.len()].into_iter(),
        };
        for (at, mut ending, sent) in endings {
            let answer = if sent { answers.next().unwrap_or(Ok(false)) } else { Ok(false) };
            if let (Some(lease), true) = (&mut ending.lease, sent && answer.is_ok()) {
                lease.ended();
            }
            if let Position::Own(slot) = &mut self.positions[at] {
                slot.ended(ending, answer);
            }
        }
    }
}

/// A position that is known by now; where it is to be loaded, that is not before the body that runs has ended.
fn known(at: usize, batch: Option<u64>, slot: Slot) -> (usize, Slot, Option<Waiting>) {
    let waiting = slot.leads().zip(batch).and_then(|(load, batch)| Chain::begins_after(load, batch));
    (at, slot, waiting)
}

/// Leases that may have been acquired without our hearing of it, given back at once and not one by one.
fn give_back(store: &Arc<dyn Store>, keys: Vec<(Arc<str>, Placeholder)>, error: &StoreError) {
    if *error == StoreError::Unavailable {
        return;
    }
    let store = Arc::clone(store);
    let released = keys.into_iter().map(|(key, lease)| Ending { key, lease, how: End::Release(None) });
    let endings: Vec<Ending> = released.collect();
    Handle::current().spawn(async move { drop(store.end_many(&endings).await) });
}
