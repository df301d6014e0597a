//! One call of a writer, as its expansion describes it. What becomes of it: [`writing`].
//!
//! [`writing`]: crate::writing

use std::time::Duration;

use crate::cache::{Cache, IntoCache};
use crate::codec::{CacheValue, Codec};
use crate::key::Key;
use crate::outcome::Shape;
use crate::policy::IntoTtl;
use crate::presence::Plain;
use crate::schema::Describe;
use crate::site::Site;
use crate::slot::Loaded;

/// One call of a writer, before it begins.
#[derive(Debug)]
pub struct Write {
    pub(crate) site: &'static Site,
    pub(crate) cache: Option<Cache>,
    pub(crate) when: bool,
    pub(crate) two_phase: bool,
    pub(crate) after_commit: bool,
    pub(crate) keys: Vec<Key>,
    pub(crate) tags: Vec<Key>,
    pub(crate) value: Value,
    /// The fingerprint of what is stored.
    pub(crate) schema: u64,
    /// Which has written the value that was given.
    pub(crate) codec: Codec,
    pub(crate) per_value: Option<Duration>,
    pub(crate) unless: bool,
}

/// What to store when the body has succeeded.
#[derive(Debug)]
pub(crate) enum Value {
    /// Nothing: the keys are invalidated.
    None,
    /// What the body returns; `Some` when it has.
    Returned(Option<(u64, Loaded)>),
    /// What an argument says. `None`: it would not come back from its codec.
    Given(Option<(u64, Loaded)>),
}

impl Write {
    #[doc(hidden)]
    pub fn new(site: &'static Site) -> Self {
        let (keys, tags) = (Vec::new(), Vec::new());
        Self {
            site,
            cache: None,
            when: true,
            two_phase: false,
            after_commit: false,
            keys,
            tags,
            value: Value::None,
            schema: 0,
            codec: Codec::default(),
            per_value: None,
            unless: false,
        }
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

    #[doc(hidden)]
    pub fn two_phase(mut self) -> Self {
        self.two_phase = true;
        self
    }

    #[doc(hidden)]
    pub fn after_commit(mut self) -> Self {
        self.after_commit = true;
        self
    }

    #[doc(hidden)]
    pub fn key(mut self, key: impl Into<Key>) -> Self {
        self.keys.push(key.into());
        self
    }

    #[doc(hidden)]
    pub fn tag(mut self, tag: impl Into<Key>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// What the body returns is to be stored under the key, with these tags; unless another value is given.
    #[doc(hidden)]
    pub fn through(mut self) -> Self {
        self.value = Value::Returned(None);
        self
    }

    /// This value is to be stored under the key. Encoded now: the body may consume it.
    #[doc(hidden)]
    pub fn value<V: CacheValue>(mut self, value: &V, describe: Option<Describe>) -> Self {
        type OneOf<V> = crate::outcome::Infallible<Plain<V>>;
        self.schema = self.site.schema.of(describe, OneOf::<V>::fingerprint);
        // As `begin` is going to find it.
        let cache = self.cache.clone().or_else(|| Cache::current(self.site));
        self.codec = cache.map(|cache| cache.into_inner().encoding.codec).unwrap_or_default();
        let loaded = crate::typed::encode::<OneOf<V>>(self.codec, value);
        self.value = Value::Given(loaded.map(|loaded| (<OneOf<V> as Shape>::type_tag(), loaded)));
        self
    }

    /// Takes the time to live from that value.
    #[doc(hidden)]
    pub fn ttl<V, T: IntoTtl>(mut self, value: &V, ttl: impl FnOnce(&V) -> T) -> Self {
        self.per_value = Some(ttl(value).into_ttl());
        self
    }

    /// Asks whether that value must not be stored.
    #[doc(hidden)]
    pub fn unless<V>(mut self, value: &V, unless: impl FnOnce(&V) -> bool) -> Self {
        self.unless = unless(value);
        self
    }
}
