//! Which cache a call uses when it does not say: the task's, else the process's.

use std::future::Future;
use std::sync::{PoisonError, RwLock};

use crate::cache::Cache;
use crate::event;
use crate::site::Site;

tokio::task_local! {
    static SCOPED: Cache;
}

static INSTALLED: RwLock<Option<Cache>> = RwLock::new(None);

impl Cache {
    /// Makes this the process's cache. The last one installed counts.
    pub fn install(&self) {
        *INSTALLED.write().unwrap_or_else(PoisonError::into_inner) = Some(self.clone());
    }

    /// Runs `future` with this cache in place of the installed one: a test's own cache. Spawned tasks are outside.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        SCOPED.scope(self.clone(), future)
    }

    /// Runs `future` with the cache of the task that calls this, where it has one of its own.
    pub(crate) fn in_this_scope<F: Future>(future: F) -> impl Future<Output = F::Output> {
        let scoped = SCOPED.try_with(Self::clone).ok();
        async move {
            match scoped {
                Some(cache) => SCOPED.scope(cache, future).await,
                None => future.await,
            }
        }
    }

    /// The same for a blocking call.
    pub(crate) fn in_this_scope_blocking<R>(call: impl FnOnce() -> R) -> impl FnOnce() -> R {
        let scoped = SCOPED.try_with(Self::clone).ok();
        move || match scoped {
            Some(cache) => SCOPED.sync_scope(cache, call),
            None => call(),
        }
    }

    /// The cache for a call of `site`. Without one, calls run their bodies and one warning is logged.
    pub(crate) fn current(site: &Site) -> Option<Self> {
        if let Ok(scoped) = SCOPED.try_with(Self::clone) {
            return Some(scoped);
        }
        let installed = INSTALLED.read().unwrap_or_else(PoisonError::into_inner).clone();
        if installed.is_none() {
            static WARNED: std::sync::Once = std::sync::Once::new();
            WARNED.call_once(|| {
                event::warning!(
                    "cache: `{}` was called and no cache is installed; annotated functions run uncached. Call \
                     `cache.install()` once at start-up, or `Cache::disabled().install()` to say so on purpose",
                    site.name
                );
            });
        }
        installed
    }
}
