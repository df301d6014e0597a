//! A cache as its calls hold it.

use std::ops::Deref;
use std::sync::Arc;

use crate::cache::{Cache, Inner};
use crate::site::Site;
use crate::stats::Counters;
use crate::store::Store;

/// A cache that is not disabled.
#[derive(Clone, Debug)]
pub(crate) enum Used {
    /// One that the call or its task names.
    Named(Arc<Inner>, Arc<dyn Store>),
    /// The installed one. Each thread counts its own calls: a count that all threads share is a line of memory that they
    /// would hand to each other with every call.
    Installed(Arc<Installed>),
}

/// The installed cache, as one thread knows it.
#[derive(Debug)]
pub(crate) struct Installed(Arc<Inner>, Arc<dyn Store>);

impl Installed {
    pub(crate) fn new(cache: &Cache) -> Option<Arc<Self>> {
        Some(Arc::new(Self(Arc::clone(cache.inner()), cache.inner().store()?)))
    }
}

impl Used {
    pub(crate) fn named(cache: Cache) -> Option<Self> {
        let cache = cache.into_inner();
        let store = cache.store()?;
        Some(Self::Named(cache, store))
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        match self {
            Self::Named(inner, _) => inner,
            Self::Installed(installed) => &installed.0,
        }
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        match self {
            Self::Named(_, store) => store,
            Self::Installed(installed) => &installed.1,
        }
    }
}

impl Deref for Used {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        self.inner()
    }
}

/// The counters of one function in the cache that a call of it uses.
#[derive(Debug)]
pub(crate) struct CountersOf {
    pub(crate) cache: Used,
    pub(crate) site: &'static Site,
}

impl Deref for CountersOf {
    type Target = Counters;

    fn deref(&self) -> &Counters {
        self.cache.stats.of(self.site)
    }
}
