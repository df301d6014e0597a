//! Which cache a call uses when it does not say: the task's, else the process's.

use std::cell::RefCell;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::cache::Cache;
use crate::event;
use crate::site::Site;
use crate::used::{Installed, Used};

tokio::task_local! {
    static SCOPED: Cache;
}

static INSTALLED: RwLock<Option<Cache>> = RwLock::new(None);

/// How often a cache was installed.
static INSTALLATIONS: AtomicU64 = AtomicU64::new(0);

/// Whether there ever was a scope: where there was none, a local hit does not look for one.
static SCOPES: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The installed cache as this thread last saw it, and which one it was. Hits borrow it, or count themselves here: the
    /// lock and the reference count of the one above are lines of memory that all threads would write to. So a thread that
    /// has called functions keeps the cache that was installed then, until it calls the next one.
    static SEEN: RefCell<(u64, Option<Seen>)> = const { RefCell::new((0, None)) };
}

struct Seen {
    cache: Cache,
    /// `None`: it is disabled.
    installed: Option<Arc<Installed>>,
}

impl Cache {
    /// Makes this the process's cache. The last one installed counts.
    pub fn install(&self) {
        *INSTALLED.write().unwrap_or_else(PoisonError::into_inner) = Some(self.clone());
        INSTALLATIONS.fetch_add(1, Ordering::Release);
    }

    /// Runs `future` with this cache in place of the installed one: a test's own cache. Spawned tasks are outside.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        SCOPES.store(true, Ordering::Relaxed);
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

    /// Asks the cache that a call uses which does not say, without cloning it.
    pub(crate) fn borrow_current<T>(ask: impl Fn(&Self) -> Option<T>) -> Option<T> {
        if SCOPES.load(Ordering::Relaxed)
            && let Ok(answer) = SCOPED.try_with(&ask)
        {
            return answer;
        }
        Self::installed(|seen| ask(&seen?.cache))
    }

    /// Asks about the installed cache, as this thread knows it.
    fn installed<T>(ask: impl Fn(Option<&Seen>) -> T) -> T {
        let installation = INSTALLATIONS.load(Ordering::Acquire);
        let seen = SEEN.try_with(|seen| {
            let seen = seen.try_borrow().ok()?;
            (seen.0 == installation).then(|| ask(seen.1.as_ref()))
        });
        seen.ok().flatten().unwrap_or_else(|| Self::see_again(installation, ask))
    }

    #[cold]
    fn see_again<T>(installation: u64, ask: impl Fn(Option<&Seen>) -> T) -> T {
        let installed = INSTALLED.read().unwrap_or_else(PoisonError::into_inner).clone();
        let installed = installed.map(|cache| Seen { installed: Installed::new(&cache), cache });
        let answer = ask(installed.as_ref());
        let before = SEEN.try_with(|seen| {
            seen.try_borrow_mut().map(|mut seen| std::mem::replace(&mut *seen, (installation, installed)))
        });
        drop(before);
        answer
    }

    /// [`Self::current`] as a call holds it; none either where that is disabled.
    pub(crate) fn used(site: &Site) -> Option<Used> {
        if SCOPES.load(Ordering::Relaxed)
            && let Ok(scoped) = SCOPED.try_with(Self::clone)
        {
            return Used::named(scoped);
        }
        match Self::installed(|seen| seen.map(|seen| seen.installed.clone())) {
            Some(installed) => installed.map(Used::Installed),
            None => Self::current(site).and_then(Used::named),
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
