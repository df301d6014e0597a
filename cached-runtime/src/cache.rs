//! The handle: which store, which prefix, and the calls that need no macro.

mod names;

use std::any::TypeId;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

#[cfg(feature = "redis")]
pub(crate) use self::names::probe;
use self::names::{EPOCH, under};
use crate::background::InRuntime;
use crate::builder::Builder;
use crate::call::Call;
use crate::clock::Millis;
use crate::codec;
use crate::codec::{CacheValue, Outermost};
use crate::encoding::Encoding;
use crate::entry::{self, Entry, Header, Holds, Stored};
use crate::error::Error;
use crate::event;
use crate::export::{self, Operations};
use crate::fallback::Fallback;
use crate::flight::Flights;
use crate::form::Form;
use crate::freshness::Life;
use crate::inventory::Annotated;
use crate::key::{Key, KeyOf, ToKey};
use crate::lookup;
use crate::outage::Outage;
use crate::policy::{IntoPolicy, Policy, Ttl};
use crate::queue;
use crate::refresh::Refreshes;
use crate::returned::Returned;
use crate::setting::Setting;
use crate::site::Site;
use crate::stamp::{Epoch, Stamps};
use crate::stats::{Counters, Registry, Stats};
use crate::store::{Condition, Filling, Store, StoreError};
use crate::tier::{Candidate, Kept, Room, Tier};
use crate::token::Token;
use crate::trace;
use crate::transaction::Transaction;
use crate::typed::typed;
use crate::undelivered::Undelivered;

/// A cache: cheap to clone, made once per process.
///
/// ```
/// use cached_runtime::Cache;
///
/// # fn main() -> Result<(), cached_runtime::Error> {
/// let cache = Cache::builder().redis("redis://127.0.0.1/").prefix("shop").build()?;
/// cache.install();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

pub(crate) struct Inner {
    /// `None`: disabled.
    store: Option<Arc<dyn Store>>,
    prefix: String,
    pub(crate) flights: Arc<Flights>,
    pub(crate) epoch: Arc<Epoch>,
    pub(crate) undelivered: Arc<Undelivered>,
    pub(crate) fallback: Fallback,
    pub(crate) refreshes: Arc<Refreshes>,
    /// `None` unless a builder says otherwise.
    pub(crate) outage: Option<Outage>,
    /// Made when it is first used.
    tier: OnceLock<Arc<Tier>>,
    room: Room,
    pub(crate) stats: Arc<Registry>,
    pub(crate) operations: Operations,
    pub(crate) queues: queue::Registry,
    /// The largest entry, in bytes.
    pub(crate) max_value: usize,
    pub(crate) encoding: Encoding,
    warned: Mutex<HashSet<usize>>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("store", &self.store).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What `cache = ...` may be: a [`Cache`] or a reference to one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cache",
    label = "expected a `cached_runtime::Cache` or a reference to one",
    note = "write the handle itself, as in `cache = self.cache.clone()`; a URL goes to `Cache::builder().redis(..)`, once, at start-up"
)]
pub trait IntoCache {
    /// The handle.
    fn into_cache(self) -> Cache;
}

impl IntoCache for Cache {
    fn into_cache(self) -> Cache {
        self
    }
}

impl IntoCache for &Cache {
    fn into_cache(self) -> Cache {
        self.clone()
    }
}

impl Inner {
    pub(crate) fn store(&self) -> Option<Arc<dyn Store>> {
        self.store.clone()
    }

    /// Whether an entry of so many bytes may be stored. Where it may not, every call loads: the first one says so.
    pub(crate) fn takes(&self, size: usize, site: &Site, counters: &Counters) -> bool {
        let fits = size <= self.max_value;
        if !fits && counters.oversized.add_first() {
            event::warning!(
                "cache: a value of `{}` takes {size} bytes and is not stored, for the limit is {}: cache less of it, or \
                 raise `Builder::max_value` in every process",
                site.name,
                self.max_value
            );
        }
        fits
    }

    /// This process has written what these keys and tags are about.
    pub(crate) fn written(&self, names: &[Arc<str>]) {
        if let Some(outage) = &self.outage {
            outage.invalidated(names, self.epoch.keys().any(|epoch| names.contains(epoch)));
        }
    }

    /// What the local tier may serve to this call.
    #[inline]
    pub(crate) fn kept(self: &Arc<Self>, site: &'static Site, key: &[u8], tags: &[Key], kind: TypeId) -> Option<Kept> {
        // Where an invalidation waits to be delivered, each key has to be asked about: not here.
        if !self.undelivered.is_empty() || (Transaction::any() && Transaction::is_open(self)) {
            return None;
        }
        let kept = self.tier.get()?.find(key, tags, site.policy.version, kind)?;
        self.stats.local_hit(site);
        trace::local_hit(site, key);
        Some(kept)
    }

    /// How a call with these tags keeps what it gets.
    pub(crate) fn candidate(&self, tags: &[Key], at_most: Duration) -> Candidate {
        let tier = self.tier.get_or_init(|| Arc::new(Tier::new(self.room, under(&self.prefix, "", "").to_string())));
        Candidate { tier: Arc::clone(tier), tags: tags.into(), at_most, admission: None }
    }

    /// The store has changed these, or may have: nothing that was known of them is served any more.
    pub(crate) fn forget(&self, keys: &[Arc<str>]) {
        if let Some(tier) = self.tier.get() {
            tier.forget(keys);
        }
    }

    /// What is told of the cache itself, without its functions.
    pub(crate) fn as_it_is(&self) -> Stats {
        let store = self.store.as_ref();
        Stats {
            functions: Vec::new(),
            queued: self.undelivered.len(),
            breaker_open: store.is_some_and(|store| store.condition() != Condition::Up),
            breaker_opened: store.map_or(0, |store| store.times_opened()),
            write_behind: self.queues.lengths(),
        }
    }

    /// True the first time for each function.
    pub(crate) fn warn_once(&self, site: &Site) -> bool {
        self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(site.index())
    }
}

impl Cache {
    /// A builder: in memory unless told otherwise.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn over(store: Option<Arc<dyn Store>>, prefix: String, setting: Setting) -> Self {
        let epoch = under(&prefix, EPOCH, "");
        let copies = store.as_ref().map(|store| store.elsewhere(&epoch)).unwrap_or_default();
        let epoch = Arc::new(Epoch::new(epoch, copies, setting.stamping));
        let undelivered = Arc::new(Undelivered::new(Arc::clone(&epoch)));
        if let Some(store) = &store {
            store.repaired_by(Arc::<Undelivered>::clone(&undelivered));
        }
        let inner = Arc::new(Inner {
            undelivered,
            epoch,
            store,
            prefix,
            flights: Arc::new(Flights::new(setting.adoption)),
            fallback: Fallback::new(setting.fallback_loads),
            refreshes: Arc::default(),
            outage: (!setting.outage_cache.is_zero()).then(|| Outage::new(setting.outage_cache)),
            tier: OnceLock::new(),
            room: setting.room,
            stats: Arc::default(),
            operations: Operations::of(setting.tier),
            queues: queue::Registry::default(),
            max_value: setting.max_value,
            encoding: setting.encoding,
            warned: Mutex::default(),
        });
        export::export(&inner, setting.tier);
        Self(inner)
    }

    pub(crate) fn into_inner(self) -> Arc<Inner> {
        self.0
    }

    /// Whether what is loaded now can be kept, as far as is known.
    pub(crate) fn keeps(&self) -> bool {
        self.0.store.as_ref().is_some_and(|store| store.condition() == Condition::Up)
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    /// A cache in this process: the same semantics as over Redis, leases included, for one process.
    #[cfg(feature = "memory")]
    pub fn in_memory() -> Self {
        let store = crate::store::memory::MemoryStore::new(Builder::MEMORY);
        Self::over(Some(Arc::new(store)), String::new(), Setting::default())
    }

    /// Every call runs its body.
    pub fn disabled() -> Self {
        Self::over(None, String::new(), Setting::default())
    }

    /// A cache as the environment says: `REDIS_URL` (absent: in memory), `CACHE_PREFIX`, `CACHE_TIMEOUT_MS` (the
    /// deadline of one Redis operation), `CACHE_MAX_VALUE` (the largest entry, in bytes), `CACHE_CODEC` (`json`,
    /// `msgpack` or `postcard`), `CACHE_COMPRESSION` (`lz4`), `CACHE_DISABLED=1` (every call
    /// runs its body).
    ///
    /// # Errors
    ///
    /// A variable that does not parse. A server that is down is no error.
    pub fn from_env() -> Result<Self, Error> {
        Builder::from_env()?.build()
    }

    /// The value under `key`; `None` when there is none, when it is of another type or past its ttl, or when the store
    /// does not answer.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cached_runtime::{Cache, key};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), cached_runtime::Error> {
    /// let cache = Cache::in_memory();
    /// let id = 7;
    /// cache.put(&key!("answer:<id>"), &42_u32, Duration::from_secs(60)).await?;
    /// assert_eq!(cache.get::<u32>(&key!("answer:<id>")).await, Some(42));
    /// assert_eq!(cache.get::<String>(&key!("answer:<id>")).await, None);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get<V: CacheValue>(&self, key: impl KeyOf<V>) -> Option<V> {
        let key = self.usable(&key).ok()?;
        let store = self.0.store()?;
        if Transaction::is_open(&self.0) || self.0.undelivered.concerns(&key, []) {
            return None;
        }
        let cache = &self.0;
        let stored = InRuntime::new(async move {
            let mut stamps = Stamps::new(&cache.epoch, Vec::new());
            let Entry::Value(stored) = Entry::parse(&store.get(&key).await.ok()??, cache.max_value) else {
                return None;
            };
            if stored.header.holds == Holds::Queued {
                return Some(stored);
            }
            // Whoever reads by key alone does not know the tags before it has the entry, which names them.
            let named = stored.tags.iter().map(|(tag, _)| Arc::from(tag));
            stamps.name(named.filter(|tag| !cache.epoch.keys().any(|key| key == tag)).collect());
            let (asks, sent) = (stamps.asks(&cache.epoch), Instant::now());
            if !asks.is_empty() {
                stamps.answered(&store.stamps(&asks).await.ok()?, &cache.epoch, sent);
            }
            let of_now = stamps.cover(stored.header.epoch, &stored.tags)
                && !stamps.tags().any(|tag| cache.undelivered.concerns(tag, []));
            (of_now && !stored.header.is_past_ttl()).then_some(stored)
        });
        let Stored { header, payload, .. } = stored.await?;
        let readable =
            matches!(header.holds, Holds::Value | Holds::Queued) && header.form.may_be(codec::type_tag::<V>(), 0);
        readable.then(|| codec::decode(header.form.codec, &payload, Outermost::Kept)).flatten()
    }

    /// Stores a value, over whatever is there. A load that runs meanwhile will not overwrite it.
    ///
    /// `policy` is a [`Duration`](std::time::Duration) or a [`Policy`], of which the ttl, `stale`, the jitter and the
    /// version count. Functions with tags take the value for a miss: it carries none. Within a [transaction](Self::transaction)
    /// nothing is stored, and the key is invalidated with the commit.
    ///
    /// How old the value is, only you know: for one that was just written to a database use
    /// [`write_through`](crate::write_through), which two writers cannot bring out of order.
    ///
    /// # Errors
    ///
    /// The store did not answer or refused; the value cannot be stored, or is too large.
    pub async fn put<V: CacheValue>(
        &self,
        key: impl KeyOf<V>,
        value: &V,
        policy: impl IntoPolicy,
    ) -> Result<(), Error> {
        let policy = policy.into_policy();
        let payload = codec::encode(self.0.encoding.codec, value, Outermost::Kept).ok_or(Error::Unstorable)?;
        let key = self.usable(&key)?;
        let store = self.0.store().ok_or(Error::Disabled)?;
        let life = match policy.ttl {
            Ttl::Never => Life::FOR_EVER,
            Ttl::For(ttl) if !ttl.is_zero() => Life::of(&policy, ttl, policy.stale.unwrap_or_default()),
            Ttl::For(_) | Ttl::PerValue => {
                return Err(Error::Setting(
                    "a ttl of zero stores nothing: use `invalidate` to remove a value".to_owned(),
                ));
            }
        };
        if Transaction::is_open(&self.0) {
            return self.0.invalidate(vec![key]).await.map_err(Error::from);
        }
        let header = Header {
            fill: Token::fresh().fill_id(),
            form: Form::of(codec::type_tag::<V>(), self.0.encoding.codec),
            version: policy.version,
            holds: Holds::Value,
            created: Millis::now(),
            ttl: life.ttl,
            early: life.early,
            stale: life.stale,
            load: Duration::ZERO,
            epoch: 0,
            displaced: false,
        };
        let cache = &self.0;
        let put = InRuntime::new(async move {
            let mut stamps = Stamps::new(&cache.epoch, Vec::new());
            let (asks, sent) = (stamps.asks(&cache.epoch), Instant::now());
            if !asks.is_empty() {
                stamps.answered(&store.stamps(&asks).await?, &cache.epoch, sent);
            }
            if !stamps.known() {
                return Err(StoreError::OutOfMemory.into());
            }
            let header = Header { epoch: stamps.epoch.unwrap_or_default(), ..header };
            let tags = stamps.written();
            if entry::size(&tags, &payload) > cache.max_value {
                return Err(Error::Oversized { limit: cache.max_value });
            }
            let value = entry::value(&header, &tags, &payload, cache.encoding.packing).into();
            let before = cache.flights.of(&key);
            cache.written(std::slice::from_ref(&key));
            let put = store.put(&key, &Filling { value, px: life.px(), tags: Vec::new() }).await;
            cache.forget(std::slice::from_ref(&key));
            for (name, flight) in before {
                cache.flights.detach(&name, &flight);
            }
            put.map_err(Error::from)
        });
        put.await
    }

    pub(crate) fn usable(&self, key: &impl ToKey) -> Result<Arc<str>, Error> {
        let key = key.to_key();
        if key.usable() { Ok(self.0.store_key(&key)) } else { Err(Error::Unhashable) }
    }

    /// What `#[cached]` does, without the macro: returns the value under `key`, or runs `load`, stores its `Ok` and
    /// returns it. `policy` is a [`Duration`](std::time::Duration) or a [`Policy`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cached_runtime::{Cache, Policy, key};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), std::io::Error> {
    /// let cache = Cache::in_memory();
    /// let id = 7;
    /// let policy = Policy::ttl(Duration::from_secs(60)).mutex();
    /// let answer = cache
    ///     .get_or_load(key!("answer:<id>"), policy, || async { Ok::<_, std::io::Error>(id * 6) })
    ///     .await?;
    /// assert_eq!(answer, 42);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `load`, and no others.
    pub async fn get_or_load<T, E, L, F>(&self, key: impl ToKey, policy: impl IntoPolicy, load: L) -> Result<T, E>
    where
        T: CacheValue,
        L: FnOnce() -> F,
        F: Future<Output = Result<T, E>>,
    {
        static SITE: Site = Site::new("get_or_load", file!(), line!(), "get_or_load", Policy::never());
        let call = Call::with(&SITE, policy.into_policy(), key.to_key()).cache(self);
        let mut slot = typed(lookup::open(call).await, Returned::<Result<T, E>>::new().result());
        if let Some(out) = slot.hit().await {
            return out;
        }
        let out = slot.load(load()).await;
        let value = match slot.settle(out) {
            Ok(value) => value,
            Err(out) => return out,
        };
        slot.fill().await;
        slot.give(value)
    }

    /// The annotated functions that have used this cache, by name: what their annotations say. Others are not known of:
    /// an annotation does nothing before its first call.
    pub fn inventory(&self) -> Vec<Annotated> {
        self.0.stats.inventory()
    }

    /// What happened so far, per annotated function.
    pub fn stats(&self) -> Stats {
        Stats { functions: self.0.stats.functions(), ..self.0.as_it_is() }
    }
}

#[cfg(test)]
mod tests;
