//! Read-through: the cache owns the function that loads.

mod abreast;
mod loader;
mod lookup;
mod progress;
mod warm;

use std::any::type_name;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::panic::Location;
use std::time::Duration;

use self::abreast::Abreast;
use self::loader::Loader;
use self::lookup::{Shaped, shape};
pub use self::warm::Warmed;
use crate::cache::{Cache, IntoCache};
use crate::codec::CacheValue;
use crate::error::Error;
use crate::key::CacheKey;
use crate::local::{self, Local, LocalValue};
use crate::policy::{IntoPolicy, Policy};
use crate::site::Site;

/// How many loads of one call run side by side unless said otherwise.
const AT_ONCE: usize = 16;

/// A cache that loads by itself what it does not have: cheap to clone, made once, and asked by key.
///
/// It is what an annotated function is, with the loader as a value: the same promises, and the same entries as functions
/// with that typed key. Loading anew (`stale`, `early`) is done in a task of its own, so nobody waits for it. Callers that
/// waited for a load that failed load themselves, side by side.
///
/// `K` is a typed key, `E` the loader's error. Where an id is asked for, the key itself is meant, or anything that it is
/// [`From`].
///
/// ```
/// use std::time::Duration;
///
/// use cached_runtime::{Cache, CacheKey, Policy, ReadThrough};
/// use serde::{Deserialize, Serialize};
/// use sqlx::SqlitePool;
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
/// struct User {
///     id: i64,
///     name: String,
/// }
///
/// #[derive(CacheKey, Clone, PartialEq, Eq, Hash)]
/// #[cache_key("user:<id>", value = User)]
/// struct UserKey {
///     id: i64,
/// }
///
/// fn users(cache: &Cache, pool: SqlitePool) -> ReadThrough<UserKey, sqlx::Error> {
///     let policy = Policy::ttl(Duration::from_secs(3600)).mutex().stale(Duration::from_secs(600));
///     ReadThrough::new(cache, policy, move |UserKey { id }| {
///         let pool = pool.clone();
///         async move { sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_optional(&pool).await }
///     })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
/// # sqlx::raw_sql("CREATE TABLE users (id INTEGER, name TEXT); INSERT INTO users VALUES (1, 'Ada')").execute(&pool).await?;
/// let users = users(&Cache::in_memory(), pool);
/// let ada = users.get(&UserKey { id: 1 }).await?; // loads and stores
/// assert_eq!(users.get(&UserKey { id: 1 }).await?, ada); // a hit
/// assert_eq!(users.get(&UserKey { id: 2 }).await?, None); // not stored without `none_ttl`
/// users.put(&UserKey { id: 2 }, &User { id: 2, name: "Alan".to_owned() }).await?;
/// users.invalidate(&UserKey { id: 1 }).await?; // after the database has committed
/// # Ok(())
/// # }
/// ```
pub struct ReadThrough<K: CacheKey, E> {
    cache: Cache,
    policy: Policy,
    site: &'static Site,
    place: &'static Location<'static>,
    loader: Loader<K, E>,
    local: Option<Local<Shaped<K::Value, E>>>,
    at_once: usize,
}

/// A typed key that a [`ReadThrough`] can be asked by: `Clone + Eq + Hash + Send + Sync + 'static`, as is its value
/// `Serialize + DeserializeOwned + Send + 'static`.
#[diagnostic::on_unimplemented(
    message = "a `ReadThrough` cannot be asked by `{Self}`",
    label = "not a typed key that is `Clone + Eq + Hash + Send + Sync + 'static`",
    note = "write `#[derive(cached_runtime::CacheKey, Clone, PartialEq, Eq, Hash)]` and `#[cache_key(\"user:<id>\", value = User)]` on the struct"
)]
pub trait LoadKey: CacheKey<Value: CacheValue + Send + 'static> + Clone + Eq + Hash + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<K> LoadKey for K where K: CacheKey<Value: CacheValue + Send + 'static> + Clone + Eq + Hash + Send + Sync + 'static {}

impl<K: CacheKey, E> Clone for ReadThrough<K, E> {
    fn clone(&self) -> Self {
        let Self { cache, policy, site, place, loader, local, at_once } = self;
        Self {
            cache: cache.clone(),
            policy: *policy,
            site,
            place,
            loader: loader.clone(),
            local: *local,
            at_once: *at_once,
        }
    }
}

impl<K: CacheKey, E> fmt::Debug for ReadThrough<K, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let template = &K::TEMPLATE;
        f.debug_struct("ReadThrough").field("template", template).field("policy", &self.policy).finish_non_exhaustive()
    }
}

// What is asked of the types stands at these functions, and not at the whole `impl`, so that they say what is missing.
impl<K: CacheKey, E: Send + 'static> ReadThrough<K, E> {
    /// Over `cache`, with a loader for one key: it returns the value, `Ok(None)` where there is none, or its own error.
    /// `cache` is a [`Cache`] or a reference to one, `policy` a [`Duration`] or a [`Policy`].
    ///
    /// Its figures stand in [`Cache::stats`] under the name of the key's type and the place of this call.
    #[track_caller]
    pub fn new<L, F>(cache: impl IntoCache, policy: impl IntoPolicy, loader: L) -> Self
    where
        K: LoadKey,
        L: Fn(K) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Option<K::Value>, E>> + Send + 'static,
    {
        Self::with(cache.into_cache(), policy.into_policy(), Loader::one(loader), Location::caller())
    }

    /// Over `cache`, with a loader for many keys: it returns the values that there are, by key. One that is asked for
    /// alone is a batch of one.
    ///
    /// ```
    /// # use std::{collections::HashMap, time::Duration};
    /// # use cached_runtime::{Cache, CacheKey, ReadThrough};
    /// #[derive(CacheKey, Clone, PartialEq, Eq, Hash)]
    /// #[cache_key("square:<number>", value = u64)]
    /// struct Square {
    ///     number: u64,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), std::io::Error> {
    /// # let cache = Cache::in_memory();
    /// let squares = ReadThrough::batched(&cache, Duration::from_secs(60), |keys: Vec<Square>| async move {
    ///     // One query for all of them.
    ///     Ok::<_, std::io::Error>(keys.into_iter().map(|key| (key.clone(), key.number.pow(2))).collect())
    /// });
    /// let found = squares.get_many(&[Square { number: 2 }, Square { number: 3 }]).await?;
    /// assert_eq!(found[&Square { number: 3 }], 9);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn batched<L, F>(cache: impl IntoCache, policy: impl IntoPolicy, loader: L) -> Self
    where
        K: LoadKey,
        L: Fn(Vec<K>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<HashMap<K, K::Value>, E>> + Send + 'static,
    {
        Self::with(cache.into_cache(), policy.into_policy(), Loader::many(loader), Location::caller())
    }

    fn with(cache: Cache, policy: Policy, loader: Loader<K, E>, place: &'static Location<'static>) -> Self
    where
        K: LoadKey,
    {
        let policy = policy.in_background();
        let site = Self::site(place, policy);
        Self { cache, policy, site, place, loader, local: None, at_once: AT_ONCE }
    }
}

impl<K: CacheKey, E> ReadThrough<K, E> {
    fn site(place: &'static Location<'static>, policy: Policy) -> &'static Site {
        Site::at(place, type_name::<K>(), K::TEMPLATE, policy)
    }
}

impl<K: LoadKey, E: Send + 'static> ReadThrough<K, E> {
    /// Also keeps decoded values in this process, each at most so long: what `local` is on an annotated function.
    #[must_use]
    pub fn local(mut self, at_most: Duration) -> Self
    where
        K::Value: LocalValue,
    {
        self.policy = self.policy.local(at_most);
        self.site = Self::site(self.place, self.policy);
        self.local = Some(local::local(shape::<K, E>(), local::Cloned));
        self
    }

    /// How many loads of one call run side by side: of [`warm`](Self::warm), and of [`get_many`](Self::get_many) with a
    /// loader for one key. 16 unless said, at least 1.
    #[must_use]
    pub fn at_once(mut self, loads: usize) -> Self {
        self.at_once = loads.max(1);
        self
    }

    /// The value, from the cache or else from the loader.
    ///
    /// # Errors
    ///
    /// Those of the loader, and no others.
    pub async fn get<Q: Clone>(&self, id: &Q) -> Result<Option<K::Value>, E>
    where
        K: From<Q>,
    {
        self.one(id.clone().into()).await.out
    }

    /// The values that there are, by key.
    ///
    /// With a loader for many keys ([`batched`](Self::batched)) this is one round trip, and one call of the loader for
    /// all that is missing. Without, each key is asked for by itself, [so many](Self::at_once) side by side.
    ///
    /// # Errors
    ///
    /// Those of the loader, and no others: the first one, for all keys.
    pub async fn get_many<Q: Clone>(&self, ids: &[Q]) -> Result<HashMap<K, K::Value>, E>
    where
        K: From<Q>,
    {
        let keys: HashSet<K> = ids.iter().cloned().map(K::from).collect();
        if let Loader::Many(load) = &self.loader {
            return Ok(self.many(&**load, keys.into_iter().collect()).await?.found);
        }
        let mut found = HashMap::with_capacity(keys.len());
        let mut keys = keys.into_iter();
        let mut running = Abreast::new();
        loop {
            running.fill_up(self.at_once, || {
                let key = keys.next()?;
                Some(async move { (key.clone(), self.one(key).await.out) })
            });
            let Some((key, value)) = running.next().await else { return Ok(found) };
            if let Some(value) = value? {
                found.insert(key, value);
            }
        }
    }

    /// Stores a value, over whatever is there: what [`Cache::put`] does, with this policy.
    ///
    /// # Errors
    ///
    /// The store did not answer or refused; the value cannot be stored, or is too large.
    pub async fn put<Q: Clone>(&self, id: &Q, value: &K::Value) -> Result<(), Error>
    where
        K: From<Q>,
    {
        self.cache.put(K::from(id.clone()), value, self.policy).await
    }

    /// Removes the entry: what [`Cache::invalidate`] does.
    ///
    /// # Errors
    ///
    /// The store did not answer or refused. The invalidation is queued then.
    pub async fn invalidate<Q: Clone>(&self, id: &Q) -> Result<(), Error>
    where
        K: From<Q>,
    {
        self.cache.invalidate(K::from(id.clone())).await
    }
}
