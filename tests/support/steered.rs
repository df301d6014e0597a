//! A store around the real one, each of whose operations a test counts, refuses, holds up, or has carried out unheard.
#![allow(dead_code, reason = "every test binary uses its own part")]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use cached_runtime::store::{
    Acquired, Ask, Bytes, Condition, Ending, Filling, Many, Observed, Placeholder, Repair, Reply, Stamp, Store,
    StoreError,
};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// An operation of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Acquire,
    Stamps,
    Fill,
    WriteBegin,
    WriteEnd,
    Delete,
    Wait,
    /// All others.
    Other,
}

/// What becomes of an operation.
#[derive(Clone, Debug)]
enum Course {
    Refused,
    /// Carried out, and the answer is lost.
    Unheard,
    /// Neither sent nor answered.
    Held,
    /// Carried out, and not answered.
    Unanswered,
}

#[derive(Debug, Default)]
struct State {
    courses: HashMap<Op, Course>,
    /// Those whose answers are held, whatever their course is by now.
    unanswered: HashSet<Op>,
    begun: HashMap<Op, u64>,
    /// Those for many keys at once, with the number of keys.
    many: Vec<(Op, usize)>,
    deleted: Vec<Vec<String>>,
}

/// The test's hand on the store.
#[derive(Clone, Debug)]
pub struct Helm(watch::Sender<State>);

impl Helm {
    pub fn new() -> Self {
        Self(watch::Sender::new(State::default()))
    }

    /// For `Builder::wrap_store`.
    pub fn wrap(&self) -> impl Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync + 'static {
        let helm = self.clone();
        move |store| Arc::new(Steered { store, helm: helm.clone() })
    }

    fn steer(&self, ops: &[Op], course: Option<&Course>) {
        self.0.send_modify(|state| {
            for op in ops {
                match course {
                    Some(course) => state.courses.insert(*op, course.clone()),
                    None => state.courses.remove(op),
                };
            }
        });
    }

    /// The server refuses these from now on.
    pub fn refuse(&self, ops: &[Op]) {
        self.steer(ops, Some(&Course::Refused));
    }

    /// These are carried out, and nobody hears of it.
    pub fn lose_answers(&self, ops: &[Op]) {
        self.steer(ops, Some(&Course::Unheard));
    }

    /// These stand still.
    pub fn hold(&self, ops: &[Op]) {
        self.steer(ops, Some(&Course::Held));
    }

    /// These are carried out, and then stand still until `answer`.
    pub fn hold_answers(&self, ops: &[Op]) {
        self.0.send_modify(|state| state.unanswered.extend(ops));
        self.steer(ops, Some(&Course::Unanswered));
    }

    /// Those that were carried out are answered.
    pub fn answer(&self, ops: &[Op]) {
        self.0.send_modify(|state| state.unanswered.retain(|op| !ops.contains(op)));
    }

    /// All is well with these, those that stand still among them.
    pub fn heal(&self, ops: &[Op]) {
        self.answer(ops);
        self.steer(ops, None);
    }

    /// How many of these have begun.
    pub fn begun(&self, op: Op) -> u64 {
        self.0.borrow().begun.get(&op).copied().unwrap_or(0)
    }

    /// The operations for many keys at once since the last look, each with the number of keys.
    pub fn many(&self) -> Vec<(Op, usize)> {
        let mut many = Vec::new();
        self.0.send_modify(|state| many = std::mem::take(&mut state.many));
        many
    }

    /// Waits until so many of these have begun.
    pub async fn has_begun(&self, op: Op, count: u64) {
        let mut state = self.0.subscribe();
        let begun = state.wait_for(|state| state.begun.get(&op).copied().unwrap_or(0) >= count);
        assert!(timeout(Duration::from_secs(10), begun).await.is_ok(), "{} of {count} {op:?}", self.begun(op));
    }

    /// The keys of each deletion so far.
    pub fn deleted(&self) -> Vec<Vec<String>> {
        self.0.borrow().deleted.clone()
    }

    /// Runs one operation as it was told to.
    async fn run<T>(&self, op: Op, operation: impl AsyncFnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut course = None;
        let mut going = |state: &State| {
            course = state.courses.get(&op).cloned();
            !matches!(course, Some(Course::Held))
        };
        let mut goes = false;
        // At once: what the test tells the next one, having heard of this, is not for this one.
        self.0.send_modify(|state| {
            *state.begun.entry(op).or_default() += 1;
            goes = going(state);
        });
        if !goes {
            let _ = self.0.subscribe().wait_for(going).await;
        }
        match course {
            Some(Course::Refused) => Err(StoreError::WritesRefused),
            Some(Course::Unheard) => operation().await.and(Err(StoreError::Timeout)),
            Some(Course::Unanswered) => {
                let answer = operation().await;
                let _ = self.0.subscribe().wait_for(|state| !state.unanswered.contains(&op)).await;
                answer
            }
            _ => operation().await,
        }
    }
}

#[derive(Debug)]
struct Steered {
    store: Arc<dyn Store>,
    helm: Helm,
}

impl Store for Steered {
    fn acquire<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Acquired> {
        Box::pin(self.helm.run(Op::Acquire, async move || self.store.acquire(key, lease, px, asks).await))
    }

    fn acquire_many<'s>(
        &'s self,
        keys: &'s [(Arc<str>, Placeholder)],
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Many<Option<Bytes>>> {
        self.helm.0.send_modify(|state| state.many.push((Op::Acquire, keys.len())));
        Box::pin(self.helm.run(Op::Acquire, async move || self.store.acquire_many(keys, px, asks).await))
    }

    fn get<'s>(&'s self, key: &'s str) -> Reply<'s, Option<Bytes>> {
        Box::pin(self.helm.run(Op::Other, async move || self.store.get(key).await))
    }

    fn stamps<'s>(&'s self, asks: &'s [Ask]) -> Reply<'s, Vec<Option<Stamp>>> {
        Box::pin(self.helm.run(Op::Stamps, async move || self.store.stamps(asks).await))
    }

    fn fill<'s>(&'s self, key: &'s str, lease: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        Box::pin(self.helm.run(Op::Fill, async move || self.store.fill(key, lease, filling).await))
    }

    fn release<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        marker: Option<(Vec<u8>, Duration)>,
    ) -> Reply<'s, bool> {
        Box::pin(self.helm.run(Op::Other, async move || self.store.release(key, lease, marker).await))
    }

    fn end_many<'s>(&'s self, endings: &'s [Ending]) -> Reply<'s, Vec<Result<bool, StoreError>>> {
        self.helm.0.send_modify(|state| state.many.push((Op::Fill, endings.len())));
        Box::pin(self.helm.run(Op::Fill, async move || self.store.end_many(endings).await))
    }

    fn renew<'s>(&'s self, key: &'s str, held: &'s Placeholder, px: Duration) -> Reply<'s, bool> {
        Box::pin(self.helm.run(Op::Other, async move || self.store.renew(key, held, px).await))
    }

    fn takeover<'s>(
        &'s self,
        key: &'s str,
        observed: Observed<'s>,
        lease: &'s Placeholder,
        px: Duration,
    ) -> Reply<'s, bool> {
        Box::pin(self.helm.run(Op::Other, async move || self.store.takeover(key, observed, lease, px).await))
    }

    fn refill<'s>(&'s self, key: &'s str, replaces: &'s [u8], filling: &'s Filling) -> Reply<'s, bool> {
        Box::pin(self.helm.run(Op::Fill, async move || self.store.refill(key, replaces, filling).await))
    }

    fn write_begin<'s>(
        &'s self,
        keys: &'s [Arc<str>],
        marker: &'s Placeholder,
        px: Duration,
        asks: &'s [Ask],
    ) -> Reply<'s, Vec<Option<Stamp>>> {
        Box::pin(self.helm.run(Op::WriteBegin, async move || self.store.write_begin(keys, marker, px, asks).await))
    }

    fn write_end<'s>(&'s self, key: &'s str, marker: &'s Placeholder, filling: &'s Filling) -> Reply<'s, bool> {
        Box::pin(self.helm.run(Op::WriteEnd, async move || self.store.write_end(key, marker, filling).await))
    }

    fn put<'s>(&'s self, key: &'s str, filling: &'s Filling) -> Reply<'s, ()> {
        Box::pin(self.helm.run(Op::Other, async move || self.store.put(key, filling).await))
    }

    fn delete<'s>(&'s self, keys: &'s [Arc<str>]) -> Reply<'s, ()> {
        let names = keys.iter().map(|key| (**key).to_owned()).collect();
        self.helm.0.send_modify(|state| state.deleted.push(names));
        Box::pin(self.helm.run(Op::Delete, async move || self.store.delete(keys).await))
    }

    fn wait<'s>(
        &'s self,
        key: &'s str,
        lease: &'s Placeholder,
        until: Instant,
        before_read: &'s (dyn Fn() + Send + Sync),
    ) -> Reply<'s, Option<Bytes>> {
        Box::pin(self.helm.run(Op::Wait, async move || self.store.wait(key, lease, until, before_read).await))
    }

    fn shared(&self) -> bool {
        self.store.shared()
    }

    fn condition(&self) -> Condition {
        self.store.condition()
    }

    fn times_opened(&self) -> u64 {
        self.store.times_opened()
    }

    fn repaired_by(&self, repair: Arc<dyn Repair>) {
        self.store.repaired_by(repair);
    }
}
