//! What happened, per function: always on, and without a lock.

mod failed;
mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::answer::Answer;
use crate::export::{self, Durations};
use crate::inventory::Annotated;
use crate::latency::{Histogram, Latency};
use crate::pages::Pages;
use crate::site::Site;
use crate::tally::Tally;

pub(crate) use self::failed::Failed;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        /// One function's counters.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            answers: [Counter; Answer::COUNT],
            errors: [Counter; Failed::ALL.len()],
            /// Of bodies that came to an end.
            load_latency: Histogram,
            durations: Durations,
            /// Nanoseconds.
            lock_waited: Counter,
            /// Local hits of functions for which the tally has no room.
            hits_beyond_tally: Counter,
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
            /// Calls by what they were answered with; their sum is the calls.
            pub requests: Requests,
            /// Calls answered from the store, or from what `local` keeps in this process.
            pub hits: u64,
            /// Those of them that were answered in this process.
            pub hits_local: u64,
            /// Calls that found nothing to serve, or nobody to ask, and loaded, or shared a load; and those that loaded
            /// anew what was there.
            pub misses: u64,
            /// Calls that were served a value past its ttl. They are hits.
            pub stale: u64,
            /// Calls that did not use the cache: `when`, a transaction, a call inside its own load.
            pub bypasses: u64,
            /// Operations of the store that failed or were not answered in time, and those for which it was not asked since
            /// it is given up.
            pub errors: u64,
            pub(crate) failed: [u64; Failed::ALL.len()],
            /// How long bodies took that came to an end.
            pub load_latency: Latency,
            /// How long calls waited for another process, all together.
            pub lock_wait_time: Duration,
            $($(#[$doc])* pub $name: u64,)*
        }

        impl FunctionStats {
            fn read(site: &Site, counters: &Counters, requests: Requests) -> Self {
                let failed = counters.errors.each_ref().map(Counter::get);
                Self {
                    name: site.name,
                    file: site.file,
                    line: site.line,
                    template: site.template,
                    requests,
                    hits: requests.served(),
                    hits_local: requests.hit_local,
                    misses: requests.miss + requests.error,
                    stale: requests.stale,
                    bypasses: requests.bypass,
                    errors: failed.iter().sum(),
                    failed,
                    load_latency: counters.load_latency.read(),
                    lock_wait_time: Duration::from_nanos(counters.lock_waited.get()),
                    $($name: counters.$name.get(),)*
                }
            }

            fn zero() -> Self {
                Self {
                    name: "all",
                    file: "",
                    line: 0,
                    template: "",
                    requests: Requests::default(),
                    hits: 0,
                    hits_local: 0,
                    misses: 0,
                    stale: 0,
                    bypasses: 0,
                    errors: 0,
                    failed: Default::default(),
                    load_latency: Latency::default(),
                    lock_wait_time: Duration::ZERO,
                    $($name: 0,)*
                }
            }

            fn add(&mut self, other: &Self) {
                self.requests.add(&other.requests);
                self.hits += other.hits;
                self.hits_local += other.hits_local;
                self.misses += other.misses;
                self.stale += other.stale;
                self.bypasses += other.bypasses;
                self.errors += other.errors;
                self.failed.iter_mut().zip(other.failed).for_each(|(own, other)| *own += other);
                self.load_latency.add(&other.load_latency);
                self.lock_wait_time = self.lock_wait_time.saturating_add(other.lock_wait_time);
                $(self.$name += other.$name;)*
            }
        }
    };
}

counters! {
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

/// Calls of one function, each counted once, by what it was answered with.
///
/// A call counts when it is over, or when its load begins, and one that is dropped before it is known what it gets does
/// not count. A batch function counts one for each of its keys. What a disabled cache is not asked does not count
/// either, nor do calls without a function: [`Cache::get`](crate::Cache::get), `put` and writers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requests {
    /// A value that `local` keeps in this process.
    pub hit_local: u64,
    /// A value from the store, within its ttl.
    pub hit: u64,
    /// There was nothing to serve: the call ran its body, or shared a load, or the error of one. Also: it loaded anew what
    /// was there.
    pub miss: u64,
    /// A value from the store past its ttl: while it was loaded anew, or because that failed.
    pub stale: u64,
    /// The cache was not to be used: `when`, a transaction, a call inside its own load, a key that cannot be written.
    pub bypass: u64,
    /// The store failed, did not answer in time, or is given up: the call ran its body, or had what was loaded a moment ago
    /// ([`Builder::outage_cache`](crate::Builder::outage_cache)).
    pub error: u64,
}

impl Requests {
    /// All calls.
    pub fn total(&self) -> u64 {
        self.by_result().map(|(_, calls)| calls).sum()
    }

    /// Each result by its name, as in the label `result` of the metric `cache_requests_total`.
    pub fn by_result(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let Self { hit_local, hit, miss, stale, bypass, error } = *self;
        [("hit_local", hit_local), ("hit", hit), ("miss", miss), ("stale", stale), ("bypass", bypass), ("error", error)]
            .into_iter()
    }

    /// Answered without a load.
    fn served(&self) -> u64 {
        self.hit_local + self.hit + self.stale
    }

    fn add(&mut self, other: &Self) {
        self.hit_local += other.hit_local;
        self.hit += other.hit;
        self.miss += other.miss;
        self.stale += other.stale;
        self.bypass += other.bypass;
        self.error += other.error;
    }
}

impl Counters {
    fn answered(&self, answer: Answer) {
        self.answers[answer as usize].add();
    }

    /// A body came to its end, after so long.
    pub(crate) fn loaded(&self, site: &Site, took: Duration) {
        self.load_latency.record(took);
        self.durations.load(site.name, took);
    }

    /// An operation of the store gave no answer.
    pub(crate) fn failed(&self, failed: impl Into<Failed>) {
        self.errors[failed.into() as usize].add();
    }

    /// A call has waited for another process, so long.
    pub(crate) fn lock_waited(&self, site: &Site, waited: Duration) {
        self.durations.lock_wait(site.name, waited);
        self.lock_waited.add_many(usize::try_from(waited.as_nanos()).unwrap_or(usize::MAX));
    }

    /// Without what the tallies have.
    fn requests(&self) -> Requests {
        let answered = |answer: Answer| self.answers[answer as usize].get();
        Requests {
            hit_local: self.hits_beyond_tally.get(),
            hit: answered(Answer::Hit),
            miss: answered(Answer::Miss),
            stale: answered(Answer::Stale),
            bypass: answered(Answer::Bypass),
            error: answered(Answer::Error),
        }
    }
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
    functions: Pages<Row>,
    /// Hits, by the same: those that asked the store, and local ones.
    hits: Tally,
    local: Tally,
}

impl Registry {
    pub(crate) fn of(&self, site: &'static Site) -> &Arc<Counters> {
        let mut first = false;
        let (_, counters) = self.functions.get_or_init(site.index(), || {
            first = true;
            (site, Arc::default())
        });
        if first {
            export::begin();
        }
        counters
    }

    /// Counts a call that was no local hit. Hits are counted by thread: they are what there are most of.
    pub(crate) fn answered(&self, site: &'static Site, answer: Answer) {
        match answer {
            Answer::Hit => self.hit(site),
            answer => self.of(site).answered(answer),
        }
    }

    fn hit(&self, site: &'static Site) {
        match self.hits.add(site.index()) {
            // It may have had nothing but hits, of what another function left.
            Some(0) => _ = self.of(site),
            Some(_) => {}
            None => self.of(site).answered(Answer::Hit),
        }
    }

    #[inline]
    pub(crate) fn local_hit(&self, site: &'static Site) {
        match self.local.add(site.index()) {
            Some(0) => _ = self.of(site),
            Some(_) => {}
            None => self.of(site).hits_beyond_tally.add(),
        }
    }

    /// Calls of one function: those that threads have counted, too.
    fn requests(&self, site: &Site, counters: &Counters) -> Requests {
        let mut requests = counters.requests();
        requests.hit_local += self.local.get(site.index());
        requests.hit += self.hits.get(site.index());
        requests
    }

    /// The functions that used the cache, by name.
    pub(crate) fn inventory(&self) -> Vec<Annotated> {
        let annotated = self.functions.iter().filter(|(site, _)| site.is_annotated());
        let mut annotated: Vec<_> =
            annotated.map(|(site, counters)| Annotated::of(site, self.requests(site, counters).total() > 0)).collect();
        annotated.sort_by_key(|function| (function.name, function.line));
        annotated
    }

    /// Their figures, by name.
    pub(crate) fn functions(&self) -> Vec<FunctionStats> {
        let mut functions: Vec<_> = self.figures().into_iter().map(|(_, function)| function).collect();
        functions.sort_by_key(|function| (function.name, function.line));
        functions
    }

    /// The same with the index of each.
    pub(crate) fn figures(&self) -> Vec<(usize, FunctionStats)> {
        let read =
            |(site, counters): &Row| (site.index(), FunctionStats::read(site, counters, self.requests(site, counters)));
        self.functions.iter().map(read).collect()
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
    /// One row per queue of `#[write_behind]` that this process has used, by name.
    pub write_behind: Vec<QueueLength>,
}

/// A queue of `#[write_behind]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueLength {
    /// As `queue = "..."` says, or the function's path.
    pub name: &'static str,
    /// Values in it, of all processes, when this one last heard of it: with its own calls, and with its worker's batches.
    pub queued: u64,
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
    /// The share of calls answered without running the body or sharing a load, 0 to 1, of those that were to use the
    /// cache; `None` before the first.
    pub fn hit_ratio(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let ratio = |part: u64, whole: u64| part as f64 / whole as f64;
        let calls = self.requests.total() - self.requests.bypass;
        (calls > 0).then(|| ratio(self.requests.served(), calls))
    }
}
