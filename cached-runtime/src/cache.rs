//! The handle: which store, which prefix, and the calls that need no macro.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::background::InRuntime;
use crate::builder::Builder;
use crate::call::Call;
use crate::codec;
use crate::codec::CacheValue;
use crate::entry::{self, Entry, Header};
use crate::error::Error;
use crate::flight::Flights;
use crate::key::{Key, KeyOf, ToKey};
use crate::lookup;
use crate::policy::{Policy, Ttl};
use crate::returned::Returned;
use crate::site::Site;
use crate::stats::{Registry, Stats};
use crate::store::{Store, StoreError};
use crate::token::Token;
use crate::typed::typed;

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
    pub(crate) stats: Registry,
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

    /// `<prefix>:<key>`.
    pub(crate) fn store_key(&self, key: &Key) -> Arc<str> {
        let mut whole = String::with_capacity(self.prefix.len() + 1 + key.as_str().len());
        if !self.prefix.is_empty() {
            whole.push_str(&self.prefix);
            whole.push(':');
        }
        whole.push_str(key.as_str());
        whole.into()
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

    pub(crate) fn over(store: Option<Arc<dyn Store>>, prefix: String) -> Self {
        Self(Arc::new(Inner {
            store,
            prefix,
            flights: Arc::new(Flights::new()),
            stats: Registry::default(),
            warned: Mutex::default(),
        }))
    }

    pub(crate) fn into_inner(self) -> Arc<Inner> {
        self.0
    }

    /// A cache in this process: the same semantics as over Redis, leases included, for one process.
    #[cfg(feature = "memory")]
    pub fn in_memory() -> Self {
        Self::over(Some(Arc::new(crate::store::memory::MemoryStore::new(Builder::MEMORY))), String::new())
    }

    /// Every call runs its body.
    pub fn disabled() -> Self {
        Self::over(None, String::new())
    }

    /// A cache as the environment says: `REDIS_URL` (absent: in memory), `CACHE_PREFIX`, `CACHE_TIMEOUT_MS` (the
    /// deadline of one Redis operation), `CACHE_DISABLED=1` (every call runs its body).
    ///
    /// # Errors
    ///
    /// A variable that does not parse. A server that is down is no error.
    pub fn from_env() -> Result<Self, Error> {
        Builder::from_env()?.build()
    }

    /// The value under `key`; `None` when there is none, when it is of another type, or when the store does not
    /// answer.
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
    pub async fn get<V: CacheValue>(&self, key: &impl KeyOf<V>) -> Option<V> {
        let key = self.usable(key).ok()?;
        let store = self.0.store()?;
        let bytes = InRuntime::new(async move { store.get(&key).await }).await.ok()??;
        match Entry::parse(&bytes) {
            Entry::Value(header, payload) if header.present && header.type_tag == codec::type_tag::<V>() => {
                codec::decode(&payload)
            }
            _ => None,
        }
    }

    /// Stores a value, over whatever is there. A load that runs meanwhile will not overwrite it.
    ///
    /// `policy` is a [`Duration`](std::time::Duration) or a [`Policy`], of which the ttl, the jitter and the version
    /// count.
    ///
    /// # Errors
    ///
    /// The store did not answer or refused; the value cannot be stored.
    pub async fn put<V: CacheValue>(
        &self,
        key: &impl KeyOf<V>,
        value: &V,
        policy: impl Into<Policy>,
    ) -> Result<(), Error> {
        let policy = policy.into();
        let payload = codec::encode(value).ok_or(Error::Unstorable)?;
        let key = self.usable(key)?;
        let store = self.0.store().ok_or(Error::Disabled)?;
        let px = match policy.ttl {
            Ttl::Never => None,
            Ttl::For(ttl) if !ttl.is_zero() => Some(policy.jittered(ttl)),
            Ttl::For(_) | Ttl::PerValue => {
                return Err(Error::Setting(
                    "a ttl of zero stores nothing: use `invalidate` to remove a value".to_owned(),
                ));
            }
        };
        let header = Header {
            fill: Token::fresh().fill_id(),
            type_tag: codec::type_tag::<V>(),
            version: policy.version,
            present: true,
            ttl: px,
            load: std::time::Duration::ZERO,
        };
        let entry: Bytes = entry::value(&header, &payload).into();
        self.changing(&key, async { store.put(&key, entry, px).await }).await
    }

    /// Removes the entry. Once this returned `Ok`, no call that starts later, in any process, gets the old value: a
    /// load that is running now cannot store what it has read.
    ///
    /// Call it after the database has committed.
    ///
    /// # Errors
    ///
    /// The store did not answer or refused: the invalidation did not happen, or nobody knows whether it did.
    pub async fn invalidate(&self, key: &impl ToKey) -> Result<(), Error> {
        let key = self.usable(key)?;
        // Disabled: nothing is stored, so nothing is stale.
        let Some(store) = self.0.store() else { return Ok(()) };
        self.changing(&key, async { store.delete(&key).await }).await
    }

    /// Changes an entry; afterwards nobody joins a load that began before.
    async fn changing(
        &self,
        key: &str,
        change: impl Future<Output = Result<(), StoreError>> + Send,
    ) -> Result<(), Error> {
        let before = self.0.flights.get(key);
        let changed = InRuntime::new(change).await;
        if let Some(flight) = before {
            self.0.flights.detach(key, &flight);
        }
        changed.map_err(Error::from)
    }

    fn usable(&self, key: &impl ToKey) -> Result<Arc<str>, Error> {
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
    pub async fn get_or_load<T, E, L, F>(&self, key: impl ToKey, policy: impl Into<Policy>, load: L) -> Result<T, E>
    where
        T: CacheValue,
        L: FnOnce() -> F,
        F: Future<Output = Result<T, E>>,
    {
        static SITE: Site = Site::new("get_or_load", file!(), line!(), "get_or_load", Policy::never());
        let call = Call::with(&SITE, policy.into(), key.to_key()).cache(self);
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

    /// What happened so far, per annotated function.
    pub fn stats(&self) -> Stats {
        self.0.stats.read()
    }
}
