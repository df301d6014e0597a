//! One call of an annotated function: what it asks for, and what it runs with.

use std::any::TypeId;
use std::sync::Arc;

use tokio::runtime;

use crate::cache::{Cache, Inner, IntoCache};
use crate::chain::Chain;
use crate::key::Key;
use crate::policy::Policy;
use crate::site::Site;
use crate::stamp::Stamps;
use crate::stats::Counters;
use crate::store::Store;
use crate::tier::{Candidate, Kept};

/// One call of an annotated function, before it is opened.
#[derive(Debug)]
pub struct Call {
    site: &'static Site,
    /// In place of the site's.
    policy: Option<Policy>,
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
        Self { policy: Some(policy), ..Self::new(site, key) }
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
pub(crate) struct Caller {
    /// The runtime that a flight led by this call depends on; `None` for a blocking call, which runs by itself.
    pub(crate) leader: Option<runtime::Id>,
    /// For a blocking call, the runtime whose thread it may be holding up.
    pub(crate) inside: Option<runtime::Id>,
}

/// Everything about one call that does not depend on its types.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) cache: Arc<Inner>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) site: &'static Site,
    pub(crate) policy: Policy,
    pub(crate) key: Arc<str>,
    /// What its flights go by: the key, and the tags, since a call with others is not served what was loaded with these.
    pub(crate) flight: Arc<str>,
    /// What the entry must carry, as far as this call knows by now.
    pub(crate) stamps: Stamps,
    /// How to keep in this process what it gets.
    pub(crate) local: Option<Box<Candidate>>,
    pub(crate) caller: Caller,
    pub(crate) chain: Chain,
    /// Set where this waits for somebody else on behalf of a batch.
    pub(crate) batch: Option<u64>,
    /// The fingerprint of what it stores and reads, once its types have said it.
    pub(crate) schema: u64,
    /// It found an entry of its version and type that it could not read: what it stores in its place stays for a while.
    pub(crate) displaces: bool,
}

impl Context {
    /// The call with its cache; `None` where there is none, or it is disabled.
    pub(crate) fn of(call: &Call, caller: Caller) -> Option<Self> {
        let cache = call.cache.clone().or_else(|| Cache::current(call.site))?.into_inner();
        let policy = call.policy.unwrap_or(call.site.policy);
        let local = policy.local.map(|at_most| Box::new(cache.candidate(&call.tags, at_most)));
        let key = cache.store_key(&call.key);
        let stamps = Stamps::new(&cache.epoch, call.tags.iter().map(|tag| cache.tag_key(tag)).collect());
        let flight = if stamps.tagged() {
            stamps.tags().fold(key.to_string(), |named, tag| named + "\0" + tag).into()
        } else {
            Arc::clone(&key)
        };
        Some(Self {
            store: cache.store()?,
            counters: cache.stats.of(call.site),
            site: call.site,
            policy,
            local,
            key,
            flight,
            stamps,
            chain: Chain::current(),
            batch: None,
            schema: 0,
            displaces: false,
            caller,
            cache,
        })
    }
}
