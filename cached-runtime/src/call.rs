//! One call of an annotated function: what it asks for, and what it runs with.

use std::any::TypeId;
use std::ops::Deref;
use std::sync::Arc;

use tokio::runtime;

use crate::answer::Answer;
use crate::background;
use crate::cache::{Cache, IntoCache};
use crate::chain::Chain;
use crate::key::Key;
use crate::policy::Policy;
use crate::site::Site;
use crate::stamp::Stamps;
use crate::tier::{Candidate, Kept};
use crate::trace::CallSpan;
use crate::used::{CountersOf, Used};

/// One call of an annotated function, before it is opened.
#[derive(Debug)]
pub struct Call {
    site: &'static Site,
    /// In place of the site's.
    policy: Option<Box<Policy>>,
    pub(crate) key: Key,
    tags: Vec<Key>,
    cache: Option<Cache>,
    pub(crate) when: bool,
}

impl Call {
    #[doc(hidden)]
    #[inline]
    pub fn new(site: &'static Site, key: impl Into<Key>) -> Self {
        Self { site, policy: None, key: key.into(), tags: Vec::new(), cache: None, when: true }
    }

    pub(crate) fn with(site: &'static Site, policy: Policy, key: Key) -> Self {
        Self { policy: Some(Box::new(policy)), ..Self::new(site, key) }
    }

    /// What the local tier has for it.
    pub(crate) fn kept(&self, kind: TypeId) -> Option<Kept> {
        if !self.when || !self.usable() {
            return None;
        }
        let kept = |cache: &Cache| cache.inner().kept(self.site, self.key.bytes(), &self.tags, kind);
        match &self.cache {
            Some(cache) => kept(cache),
            None => Cache::borrow_current(kept),
        }
    }

    /// What the local tier has for a call of which there is no more to say. Without a lock of ours, an allocation, or an
    /// `Arc` of the cache's.
    pub(crate) fn kept_plainly(site: &'static Site, key: &[u8], kind: TypeId) -> Option<Kept> {
        Cache::borrow_current(|cache| cache.inner().kept(site, key, &[], kind))
    }

    #[doc(hidden)]
    pub fn tag(mut self, tag: impl Into<Key>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Whether every key says what it is about.
    pub(crate) fn usable(&self) -> bool {
        self.key.usable() && self.tags.iter().all(Key::usable)
    }

    #[doc(hidden)]
    #[inline]
    pub fn cache(mut self, cache: impl IntoCache) -> Self {
        self.cache = Some(cache.into_cache());
        self
    }

    #[doc(hidden)]
    #[inline]
    pub fn when(mut self, when: bool) -> Self {
        self.when = when;
        self
    }
}

/// Who calls, as far as waiting is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller {
    /// A future, which some runtime polls.
    Future,
    /// A blocking call, which runs by itself; and the runtime whose thread it may be holding up.
    Thread(Option<runtime::Id>),
}

impl Caller {
    /// A blocking call from here.
    pub(crate) fn thread() -> Self {
        Self::Thread(background::runtime())
    }

    /// The runtime that a flight led by this call depends on. Asked while the call is polled, and not by hits.
    pub(crate) fn leader(self) -> Option<runtime::Id> {
        match self {
            Self::Future => background::runtime(),
            Self::Thread(_) => None,
        }
    }

    /// The runtime whose thread it may be holding up.
    pub(crate) fn inside(self) -> Option<runtime::Id> {
        match self {
            Self::Future => None,
            Self::Thread(inside) => inside,
        }
    }
}

/// The policy of a call: that of its site where it has none of its own, which is not copied then.
#[derive(Debug)]
pub(crate) enum PolicyOf {
    Site(&'static Policy),
    Call(Box<Policy>),
}

impl Deref for PolicyOf {
    type Target = Policy;

    fn deref(&self) -> &Policy {
        match self {
            Self::Site(policy) => policy,
            Self::Call(policy) => policy,
        }
    }
}

/// Everything about one call that does not depend on its types. Always in a box: it is handed on from step to step.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) cache: Used,
    pub(crate) counters: CountersOf,
    pub(crate) site: &'static Site,
    pub(crate) policy: PolicyOf,
    pub(crate) key: Arc<str>,
    /// What its flights go by: the key, and the tags, since a call with others is not served what was loaded with these.
    pub(crate) flight: Arc<str>,
    /// What the entry must carry, as far as this call knows by now.
    pub(crate) stamps: Stamps,
    /// How to keep in this process what it gets.
    pub(crate) local: Option<Box<Candidate>>,
    pub(crate) caller: Caller,
    pub(crate) chain: Chain,
    /// None of a batch's keys has one: the batch has.
    pub(crate) span: CallSpan,
    /// Set where this waits for somebody else on behalf of a batch.
    pub(crate) batch: Option<u64>,
    /// The fingerprint of what it stores and reads, once its types have said it.
    pub(crate) schema: u64,
    /// It found an entry of its version and type that it could not read: what it stores in its place stays for a while.
    pub(crate) displaces: bool,
}

impl Context {
    /// The call with its cache; `None` where there is none, or it is disabled.
    pub(crate) fn of(call: &mut Call, caller: Caller) -> Option<Box<Self>> {
        let cache = match call.cache.take() {
            Some(cache) => Used::named(cache)?,
            None => Cache::used(call.site)?,
        };
        let policy = call.policy.take().map_or(PolicyOf::Site(&call.site.policy), PolicyOf::Call);
        let local = policy.local.map(|at_most| Box::new(cache.candidate(&call.tags, at_most)));
        let key = cache.store_key(&call.key);
        let stamps = Stamps::of(call.tags.iter().map(|tag| cache.tag_key(tag)).collect());
        let flight = if stamps.tagged() {
            stamps.tags().fold(key.to_string(), |named, tag| named + "\0" + tag).into()
        } else {
            Arc::clone(&key)
        };
        Some(Box::new(Self {
            counters: CountersOf { cache: cache.clone(), site: call.site },
            site: call.site,
            policy,
            local,
            key,
            flight,
            stamps,
            chain: Chain::current(),
            span: CallSpan::default(),
            batch: None,
            schema: 0,
            displaces: false,
            caller,
            cache,
        }))
    }

    /// Counts the call, and says so in its span.
    pub(crate) fn answered(&self, answer: Answer) {
        self.cache.stats.answered(self.site, answer);
        self.span.answered(answer.name());
    }
}
