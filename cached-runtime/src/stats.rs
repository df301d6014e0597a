//! What happened, per function: always on; counting takes no lock, finding a function's counters a shared one.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::site::Site;
use crate::tally::Tally;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        /// One function's counters.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        /// One annotated function's figures since the cache was built.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct FunctionStats {
            /// Module path and name.
            pub name: &'static str,
            /// Source file.
            pub file: &'static str,
            /// Source line.
            pub line: u32,
            /// The key template as written.
            pub template: &'static str,
            $($(#[$doc])* pub $name: u64,)*
        }

        impl FunctionStats {
            fn read(site: &Site, counters: &Counters) -> Self {
                Self {
                    name: site.name,
                    file: site.file,
                    line: site.line,
                    template: site.template,
                    $($name: counters.$name.get(),)*
                }
            }

            fn zero() -> Self {
                Self { name: "all", file: "", line: 0, template: "", $($name: 0,)* }
            }

            fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

counters! {
    /// Calls answered from the store, or from what `local` keeps in this process.
    hits;
    /// Those of them that were answered in this process.
    hits_local;
    /// Calls that found nothing to serve and loaded, or shared a load; and those that loaded anew what was there.
    misses;
    /// Bodies run, for whatever reason.
    loads;
    /// Loads that ended in an `Err`.
    failures;
    /// Calls that shared another call's load: loads saved.
    coalesced;
    /// Calls that waited for another process.
    lock_waits;
    /// Calls that waited as long as they may and then loaded themselves.
    wait_timeouts;
    /// Calls that were served a value past its ttl.
    stale;
    /// Bodies run for a value that was still served to others meanwhile.
    refreshes;
    /// Those of them that began before the value's ttl was over.
    early_refreshes;
    /// Values stored.
    stores;
    /// Fills that the store refused because the key was invalidated or taken over meanwhile.
    late_fills;
    /// Values not stored because their codec would not give them back.
    unstorable;
    /// Values not stored because their entries would be larger than [`Builder::max_value`](crate::Builder::max_value).
    oversized;
    /// Calls that did not use the cache: `when`, a call inside its own load.
    bypasses;
    /// Store operations that failed or were not answered in time.
    errors;
    /// Loads that did not wait (any longer) for a turn: more than the bound ran at a time while the store was away.
    over_bound;
    /// Calls that had what was loaded a moment ago, while the store was away
    /// ([`Builder::outage_cache`](crate::Builder::outage_cache)).
    outage_hits;
    /// Entries that could not be read: damaged, foreign, too large, of another type or version.
    unreadable;
    /// Keys and tags invalidated: the store said so.
    invalidations;
    /// Keys and tags whose invalidation the store did not acknowledge: queued, and bypassed by this process until it
    /// does.
    undelivered;
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.add_many(1);
    }

    /// Counts one; true for the first.
    pub(crate) fn add_first(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) == 0
    }

    pub(crate) fn add_many(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

type Row = (&'static Site, Arc<Counters>);

/// The counters of all functions that used one cache.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// By [`Site::index`].
    functions: RwLock<Vec<Option<Row>>>,
    /// Local hits, by the same.
    local: Tally,
}

impl Registry {
    pub(crate) fn of(&self, site: &'static Site) -> Arc<Counters> {
        let index = site.index();
        if let Some(Some((_, counters))) = self.functions.read().unwrap_or_else(PoisonError::into_inner).get(index) {
            return Arc::clone(counters);
        }
        let mut functions = self.functions.write().unwrap_or_else(PoisonError::into_inner);
        if functions.len() <= index {
            functions.resize(index + 1, None);
        }
        let (_, counters) = functions[index].get_or_insert_with(|| (site, Arc::default()));
        Arc::clone(counters)
    }

    #[inline]
    pub(crate) fn local_hit(&self, site: &'static Site) {
        match self.local.add(site.index()) {
            // It may have had nothing but local hits, of what another function left.
            Some(0) => drop(self.of(site)),
            Some(_) => {}
            None => self.of(site).hits_local.add(),
        }
    }

    pub(crate) fn read(&self, queued: usize, breaker_open: bool, breaker_opened: u64) -> Stats {
        let functions = self.functions.read().unwrap_or_else(PoisonError::into_inner);
        let read = |(site, counters): &Row| {
            let mut function = FunctionStats::read(site, counters);
            function.hits_local += self.local.get(site.index());
            function.hits += function.hits_local;
            function
        };
        let mut functions: Vec<_> = functions.iter().flatten().map(read).collect();
        functions.sort_by_key(|function| (function.name, function.line));
        Stats { functions, queued, breaker_open, breaker_opened }
    }
}

/// The figures of one cache, per function; prints as a table.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// One row per function that was called, by name.
    pub functions: Vec<FunctionStats>,
    /// Invalidations that wait to be delivered, now.
    pub queued: usize,
    /// Whether the store is given up, now.
    pub breaker_open: bool,
    /// How often it was.
    pub breaker_opened: u64,
}

impl Stats {
    /// The sum over all functions.
    pub fn total(&self) -> FunctionStats {
        let mut total = FunctionStats::zero();
        for function in &self.functions {
            total.add(function);
        }
        total
    }

    /// The row of a function, by the end of its path: `find_user` or `users::find_user`.
    pub fn function(&self, name: &str) -> Option<&FunctionStats> {
        self.functions.iter().find(|function| {
            function.name.strip_suffix(name).is_some_and(|path| path.is_empty() || path.ends_with("::"))
        })
    }
}

impl FunctionStats {
    /// The share of calls answered without running the body or sharing a load, 0 to 1; `None` before the first call.
    pub fn hit_ratio(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let ratio = |part: u64, whole: u64| part as f64 / whole as f64;
        let calls = self.hits + self.misses;
        (calls > 0).then(|| ratio(self.hits, calls))
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |name: &'static str| name.split_once("::").map_or(name, |(_, rest)| rest);
        let total = self.total();
        let rows = || self.functions.iter().chain((self.functions.len() > 1).then_some(&total));
        let width = rows().map(|row| short(row.name).len()).max().unwrap_or(8).max(8);
        writeln!(
            f,
            "{:<width$} {:>9} {:>9} {:>6} {:>9} {:>9} {:>7} {:>7} {:>9} {:>6} {:>9} {:>6}",
            "function",
            "hits",
            "misses",
            "hit %",
            "loads",
            "coalesced",
            "stale",
            "refresh",
            "stores",
            "late",
            "invalid.",
            "errors"
        )?;
        for row in rows() {
            let ratio = row.hit_ratio().map_or("-".to_owned(), |ratio| format!("{:.1}", ratio * 100.0));
            writeln!(
                f,
                "{:<width$} {:>9} {:>9} {:>6} {:>9} {:>9} {:>7} {:>7} {:>9} {:>6} {:>9} {:>6}",
                short(row.name),
                row.hits,
                row.misses,
                ratio,
                row.loads,
                row.coalesced,
                row.stale,
                row.refreshes,
                row.stores,
                row.late_fills,
                row.invalidations,
                row.errors
            )?;
        }
        if self.queued > 0 {
            writeln!(f, "{} invalidations wait to be delivered", self.queued)?;
        }
        if self.breaker_open {
            writeln!(f, "the store is given up; calls run uncached")?;
        }
        Ok(())
    }
}
