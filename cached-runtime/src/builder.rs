//! Building a cache. Nothing here does any I/O: a server that is down is no error.

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "testing")]
use crate::adoption::Adoption;
use crate::cache::Cache;
use crate::codec::Codec;
use crate::error::Error;
use crate::outage;
use crate::packing::Compression;
use crate::setting::Setting;
#[cfg(feature = "testing")]
use crate::stamping::Stamping;
use crate::store::Store;
#[cfg(feature = "redis")]
use crate::store::redis::{RedisStore, Target};

/// More is a mistake in the unit.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);

/// Less is a mistake in the unit: leases and headers alone take more than a few dozen bytes.
const SMALLEST_MAX_VALUE: usize = 1024;

/// Settings of a cache; see [`Cache::builder`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    backend: Backend,
    prefix: String,
    timeout: Duration,
    memory: u64,
    setting: Setting,
    #[cfg(feature = "testing")]
    wrap: Option<Wrap>,
}

#[cfg(feature = "testing")]
type Wrap = Arc<dyn Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync>;

#[derive(Clone)]
enum Backend {
    Memory,
    #[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "the URL is refused whatever it says"))]
    Redis(String),
    #[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "refused whatever it says"))]
    Cluster(Vec<String>),
    #[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "refused whatever it says"))]
    Sentinel(Vec<String>, String),
    Disabled,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let backend = match self.backend {
            Backend::Memory => "memory",
            // Not the URL: it may hold a password.
            Backend::Redis(_) => "redis",
            Backend::Cluster(_) => "cluster",
            Backend::Sentinel(..) => "sentinel",
            Backend::Disabled => "disabled",
        };
        f.debug_struct("Builder")
            .field("backend", &backend)
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// What the in-memory backend holds at most, unless told otherwise: 64 MiB.
    pub(crate) const MEMORY: u64 = 64 << 20;

    pub(crate) fn new() -> Self {
        Self {
            backend: Backend::Memory,
            prefix: "cache".to_owned(),
            timeout: Duration::from_millis(100),
            memory: Self::MEMORY,
            setting: Setting::default(),
            #[cfg(feature = "testing")]
            wrap: None,
        }
    }

    pub(crate) fn from_env() -> Result<Self, Error> {
        let variable = |name: &str| match std::env::var(name) {
            Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(Error::Setting(format!("{name} is not Unicode"))),
        };
        let mut builder = Self::new();
        if let Some(url) = variable("REDIS_URL")? {
            builder = builder.redis(url);
        }
        if let Some(prefix) = variable("CACHE_PREFIX")? {
            builder = builder.prefix(prefix);
        }
        if let Some(millis) = variable("CACHE_TIMEOUT_MS")? {
            let millis = millis
                .parse()
                .map_err(|_| Error::Setting("CACHE_TIMEOUT_MS is not a whole number of milliseconds".to_owned()))?;
            builder = builder.timeout(Duration::from_millis(millis));
        }
        if let Some(bytes) = variable("CACHE_MAX_VALUE")? {
            let bytes = bytes
                .parse()
                .map_err(|_| Error::Setting("CACHE_MAX_VALUE is not a whole number of bytes".to_owned()))?;
            builder = builder.max_value(bytes);
        }
        if let Some(name) = variable("CACHE_CODEC")? {
            let codec = Codec::named(&name)
                .ok_or_else(|| Error::Setting("CACHE_CODEC is none of `json`, `msgpack` and `postcard`".to_owned()))?;
            builder = builder.codec(codec);
        }
        match variable("CACHE_COMPRESSION")?.as_deref() {
            None => {}
            Some("lz4") => builder = builder.compress(Compression::Lz4),
            Some(_) => return Err(Error::Setting("CACHE_COMPRESSION is not `lz4`".to_owned())),
        }
        match variable("CACHE_DISABLED")?.as_deref() {
            None | Some("0" | "false") => {}
            Some("1" | "true") => builder.backend = Backend::Disabled,
            Some(_) => return Err(Error::Setting("CACHE_DISABLED is neither 1 nor 0".to_owned())),
        }
        Ok(builder)
    }

    /// Stores in Redis (6.2 or newer) or Valkey: `redis://[user:password@]host[:port][/db]`, `valkey://...`, `unix:/path`,
    /// and with the feature `tls` `rediss://...`.
    ///
    /// And several servers at a time, so that one variable of the environment is enough:
    /// `redis+cluster://[user:password@]host[:port],host[:port]/` as [`cluster`](Self::cluster),
    /// `redis+sentinel://[user:password@]host[:port],host[:port]/master[/db]` as [`sentinel`](Self::sentinel); with TLS
    /// `rediss+cluster://` and `rediss+sentinel://`. A `-` in place of the `+` is the same.
    pub fn redis(mut self, url: impl Into<String>) -> Self {
        self.backend = Backend::Redis(url.into());
        self
    }

    /// Stores in a Redis Cluster (feature `cluster`): the URLs of some of its servers, of which one that answers is
    /// enough. The credentials of the first are those of all.
    ///
    /// A master that dies takes only its own keys along, until its replica has taken over. With the server's own
    /// default, `cluster-require-full-coverage yes`, the others refuse to answer meanwhile: set it to `no`.
    pub fn cluster(mut self, urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.backend = Backend::Cluster(urls.into_iter().map(Into::into).collect());
        self
    }

    /// Stores in the master of this name, as these sentinels know it (feature `sentinel`; port 26379 unless said): every
    /// connection asks them anew. User, password and database of the first URL are those of the master; the sentinels get user
    /// and password too, or none where they refuse them.
    pub fn sentinel(mut self, urls: impl IntoIterator<Item = impl Into<String>>, master: impl Into<String>) -> Self {
        self.backend = Backend::Sentinel(urls.into_iter().map(Into::into).collect(), master.into());
        self
    }

    /// Stands before every key, with a colon: entries of this cache are `<prefix>:<key>` (`cache` unless said; with an
    /// empty prefix just `<key>`). Give each application that shares a server its own, and keep other data out of it:
    /// whatever stands under a prefix belongs to the cache, and what is no entry is replaced by one.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The longest a call waits for one Redis operation, connecting included, before it goes on without (100 ms
    /// unless said).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What the in-memory backend holds at most, in bytes (64 MiB unless said).
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// How large an entry is at most, in bytes (1 MiB unless said, at least 1 KiB): the encoded value, with its tags and
    /// a header of 87 bytes. A larger value is returned to its callers and not stored, so that every call loads it;
    /// [`FunctionStats::oversized`](crate::FunctionStats::oversized) counts them. A larger entry that somebody else has
    /// stored is a miss, and replaced: it is neither checked nor decoded, though it was read from the socket by then.
    ///
    /// The same in every process that shares the store: of two, the one with the lower limit replaces what the other
    /// stores.
    pub fn max_value(mut self, bytes: usize) -> Self {
        self.setting.max_value = bytes;
        self
    }

    /// What functions with `local` keep in this process at most, in bytes of their stored form (64 MiB unless said). What
    /// a value takes up decoded may be more, or less.
    pub fn local_limit(mut self, bytes: u64) -> Self {
        self.setting.room.bytes = bytes;
        self
    }

    /// How many loads run at a time while the store is away (64 unless said), at least one. One more waits a second for
    /// its turn, and then runs all the same: no call fails because of the bound. A blocking function on a runtime's thread
    /// does not wait, and is over the bound at once: those that it would wait for may need its thread.
    pub fn fallback_loads(mut self, loads: usize) -> Self {
        self.setting.fallback_loads = loads;
        self
    }

    /// While the store is given up, what was loaded stays in this process for so long: a second at most, zero (nothing
    /// stays) unless said. So callers one after another load a key once in that time and not once each.
    ///
    /// What this process invalidates is gone at once; what other processes do it cannot hear of, so its callers may see
    /// a value that was invalidated elsewhere up to that time ago. 1,024 keys at most, and not what batches load. Nothing
    /// of it is served once the store is back. [`FunctionStats::outage_hits`](crate::FunctionStats::outage_hits) counts.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cached_runtime::Cache;
    /// # fn main() -> Result<(), cached_runtime::Error> {
    /// let cache = Cache::builder().redis("redis://127.0.0.1/").outage_cache(Duration::from_millis(500)).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn outage_cache(mut self, moment: Duration) -> Self {
        self.setting.outage_cache = moment.min(outage::LONGEST);
        self
    }

    /// What values are written by ([`Codec::Json`] unless said; the others need their features). Entries that another one
    /// wrote stay readable, in processes that have it compiled in.
    ///
    /// Whichever it is, a value is stored only if it reads back as it was: `unstorable` in
    /// [`stats`](crate::Cache::stats) counts the others.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.setting.encoding.codec = codec;
        self
    }

    /// Compresses values over 4 KiB, or over what [`compress_over`](Self::compress_over) says; those that get less than a
    /// tenth smaller are stored as they are. Entries say whether they are compressed: a process without the feature takes
    /// those for misses. [`max_value`](Self::max_value) is about the value as it was.
    pub fn compress(mut self, by: Compression) -> Self {
        self.setting.encoding.packing.by = Some(by);
        self
    }

    /// The largest encoded value that is not worth compressing, in bytes (4096 unless said).
    pub fn compress_over(mut self, bytes: usize) -> Self {
        self.setting.encoding.packing.over = bytes;
        self
    }

    /// Puts a store of a test's own around the real one.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn wrap_store(mut self, wrap: impl Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync + 'static) -> Self {
        self.wrap = Some(Arc::new(wrap));
        self
    }

    /// Keeps values in the local tier that changed while they were read.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn local_unchecked(mut self) -> Self {
        self.setting.room.checked = false;
        self
    }

    /// Breaks the adoption rule.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn adoption(mut self, adoption: Adoption) -> Self {
        self.setting.adoption = adoption;
        self
    }

    /// Breaks the rule of when stamps are read.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn stamping(mut self, stamping: Stamping) -> Self {
        self.setting.stamping = stamping;
        self
    }

    /// The cache. Connects on first use, in the background.
    ///
    /// # Errors
    ///
    /// A URL that does not parse or needs a feature that is not switched on. Never because a server is down.
    pub fn build(self) -> Result<Cache, Error> {
        if self.timeout.is_zero() {
            return Err(Error::Setting("a timeout of zero answers no call: give it at least a millisecond".to_owned()));
        }
        if self.timeout > LONGEST_TIMEOUT {
            return Err(Error::Setting(
                "a timeout over an hour is none: callers wait that long for a hung server".to_owned(),
            ));
        }
        if self.setting.max_value < SMALLEST_MAX_VALUE {
            return Err(Error::Setting(format!(
                "a largest value of {} bytes stores next to nothing: give `max_value` in bytes, 1024 at least",
                self.setting.max_value
            )));
        }
        let encoding = self.setting.encoding;
        if let Some(feature) = encoding.codec.missing() {
            return Err(Error::Feature { feature, wanted: format!("`Codec::{:?}`", encoding.codec) });
        }
        if let Some(feature) = encoding.packing.by.and_then(Compression::missing) {
            return Err(Error::Feature { feature, wanted: "compression".to_owned() });
        }
        let store = self.store()?;
        let tier = if matches!(self.backend, Backend::Memory) { "memory" } else { "redis" };
        #[cfg(feature = "testing")]
        let store = match (store, &self.wrap) {
            (Some(store), Some(wrap)) => Some(wrap(store)),
            (store, _) => store,
        };
        Ok(Cache::over(store, self.prefix, Setting { tier, ..self.setting }))
    }

    fn store(&self) -> Result<Option<Arc<dyn Store>>, Error> {
        match &self.backend {
            Backend::Disabled => Ok(None),
            #[cfg(feature = "memory")]
            Backend::Memory => Ok(Some(Arc::new(crate::store::memory::MemoryStore::new(self.memory)))),
            #[cfg(not(feature = "memory"))]
            Backend::Memory => Err(Error::Feature { feature: "memory", wanted: "a cache without a URL".to_owned() }),
            #[cfg(feature = "redis")]
            Backend::Redis(url) => self.over(Target::parse(url)?),
            #[cfg(feature = "redis")]
            Backend::Cluster(urls) => self.over(Target::cluster(urls.clone())?),
            #[cfg(feature = "redis")]
            Backend::Sentinel(urls, master) => self.over(Target::sentinel(urls.clone(), master.clone())?),
            #[cfg(not(feature = "redis"))]
            Backend::Cluster(_) => Err(Error::Feature { feature: "cluster", wanted: "a Redis Cluster".to_owned() }),
            #[cfg(not(feature = "redis"))]
            Backend::Sentinel(..) => {
                Err(Error::Feature { feature: "sentinel", wanted: "a master that sentinels name".to_owned() })
            }
            #[cfg(not(feature = "redis"))]
            Backend::Redis(_) => Err(Error::Feature { feature: "redis", wanted: "a `redis://` URL".to_owned() }),
        }
    }

    #[cfg(feature = "redis")]
    fn over(&self, target: Target) -> Result<Option<Arc<dyn Store>>, Error> {
        let probe = crate::cache::probe(&self.prefix);
        Ok(Some(Arc::new(RedisStore::new(target, self.timeout, probe))))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(not(all(feature = "msgpack", feature = "postcard")))]
    #[test]
    fn a_codec_without_its_feature_is_an_error_that_names_it() {
        use super::*;
        for codec in [Codec::MessagePack, Codec::Postcard] {
            let Some(missing) = codec.missing() else { continue };
            let error = Builder::new().codec(codec).build().expect_err("not compiled in").to_string();
            assert_eq!(
                error,
                format!(
                    "`Codec::{codec:?}` needs the feature `{missing}` of cached-runtime: add it to the dependency's `features`"
                )
            );
        }
    }
}
