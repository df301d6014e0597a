//! The figures through the `metrics` facade, to whatever recorder the program has installed.
//!
//! Counters are always on ([`crate::stats`]), so calls do not count a second time: once a second a task in the background
//! hands over what they have come to. So a hit does nothing for this, and a recorder that is installed late gets all of
//! it. Only durations are recorded when they happen; they come from loads and waits, which are long.

mod series;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use metrics::{Counter, Key, Label, Level, Metadata, Recorder, with_recorder};

use tokio::time::Instant;

use self::series::{COUNTERS, DESCRIPTIONS, Kind};
use crate::background;
use crate::cache::Inner;
use crate::operation::Operation;
use crate::stats::{Failed, FunctionStats, Registry};

const PERIOD: Duration = Duration::from_secs(1);

static METADATA: Metadata<'static> = Metadata::new("cached_runtime", Level::INFO, None);

/// The durations of one function, by the keys that their histograms go by.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    load: OnceLock<Key>,
    lock_wait: OnceLock<Key>,
}

impl Durations {
    pub(crate) fn load(&self, function: &'static str, took: Duration) {
        record(&self.load, series::LOAD_DURATION, function, took);
    }

    pub(crate) fn lock_wait(&self, function: &'static str, took: Duration) {
        record(&self.lock_wait, series::LOCK_WAIT, function, took);
    }
}

/// The handle is looked up with each: a test may have a recorder of its own.
fn record(key: &OnceLock<Key>, name: &'static str, function: &'static str, took: Duration) {
    let key = key.get_or_init(|| Key::from_parts(name, vec![Label::from_static_parts("cache", function)]));
    with_recorder(|recorder| recorder.register_histogram(key, &METADATA).record(took.as_secs_f64()));
}

/// How long the store takes.
#[derive(Debug)]
pub(crate) struct Operations {
    /// In memory they take no time, and looking at the clock would be a good part of it.
    timed: bool,
}

impl Operations {
    pub(crate) fn of(tier: &'static str) -> Self {
        Self { timed: tier == "redis" }
    }

    pub(crate) fn took(&self, operation: Operation, since: Instant) {
        if self.timed {
            let took = since.elapsed().as_secs_f64();
            with_recorder(|recorder| recorder.register_histogram(series::key_of(operation), &METADATA).record(took));
        }
    }
}

/// Has this cache's figures exported from its first call on.
pub(crate) fn export(cache: &Arc<Inner>, tier: &'static str) {
    let mut publisher = publisher();
    // Whoever makes caches without ever calling anything leaves none behind here.
    if publisher.sources.len() == publisher.sources.capacity() {
        publisher.collect();
    }
    let (registry, cache) = (Arc::clone(&cache.stats), Arc::downgrade(cache));
    publisher.sources.push(Source { registry, cache, tier, seen: HashMap::new() });
}

/// There is something to export.
pub(crate) fn begin() {
    static RUNNING: AtomicBool = AtomicBool::new(false);
    struct Ended;
    impl Drop for Ended {
        fn drop(&mut self) {
            RUNNING.store(false, Ordering::Release);
        }
    }
    if RUNNING.swap(true, Ordering::AcqRel) {
        return;
    }
    let ended = Ended;
    background::spawn(async move {
        let _ended = ended;
        loop {
            tokio::time::sleep(PERIOD).await;
            if !publish() {
                return;
            }
        }
    });
}

/// Hands over what there is by now. False: no cache is left.
pub(crate) fn publish() -> bool {
    publisher().publish()
}

fn publisher() -> MutexGuard<'static, Publisher> {
    static PUBLISHER: Mutex<Publisher> = Mutex::new(Publisher { sources: Vec::new(), series: None, recorder: 0 });
    PUBLISHER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The figures of one cache.
struct Source {
    /// Outlives its cache until what that has counted last is handed over.
    registry: Arc<Registry>,
    cache: Weak<Inner>,
    tier: &'static str,
    /// What of each function is in the totals.
    seen: HashMap<usize, Figures>,
}

#[derive(Clone, Copy, Default)]
struct Figures {
    counters: [u64; COUNTERS.len()],
    failed: [u64; Failed::ALL.len()],
}

impl Figures {
    fn of(function: &FunctionStats) -> Self {
        Self { counters: std::array::from_fn(|index| (COUNTERS[index].of)(function)), failed: function.failed }
    }
}

/// Of a program's caches, all together: two of them, or one after the other, count as one. So what is exported never
/// goes back.
struct Publisher {
    sources: Vec<Source>,
    series: Option<AllSeries>,
    /// By its address: which recorder has been told what they mean, and gave the handles. The one of the program is there
    /// for ever.
    recorder: usize,
}

#[derive(Default)]
struct AllSeries {
    /// By the function's name and the tier.
    functions: HashMap<(&'static str, &'static str), Function>,
    /// By tier.
    errors: HashMap<&'static str, [Total; Failed::ALL.len()]>,
}

struct Function {
    reads: bool,
    totals: [Total; COUNTERS.len()],
}

#[derive(Default)]
struct Total {
    value: u64,
    handle: Option<Counter>,
}

impl Total {
    fn publish(&mut self, recorder: &dyn Recorder, key: impl FnOnce() -> Key) {
        let handle = self.handle.get_or_insert_with(|| recorder.register_counter(&key(), &METADATA));
        handle.absolute(self.value);
    }
}

impl Publisher {
    /// Adds up what was counted.
    fn collect(&mut self) {
        let series = self.series.get_or_insert_default();
        self.sources.retain_mut(|source| {
            // Asked first: what is counted after the answer is read too.
            let lives = Arc::strong_count(&source.registry) > 1;
            series.take(source);
            lives
        });
    }

    fn publish(&mut self) -> bool {
        self.collect();
        let series = self.series.get_or_insert_default();
        let gauges = gauges(&self.sources);
        with_recorder(|recorder| {
            let address = std::ptr::from_ref(recorder).cast::<()>().addr();
            if self.recorder != address {
                self.recorder = address;
                series.forget_handles();
                describe(recorder);
            }
            series.publish(recorder);
            for ((name, label, of), value) in gauges {
                let key = Key::from_parts(name, vec![Label::from_static_parts(label, of)]);
                recorder.register_gauge(&key, &METADATA).set(value);
            }
        });
        !self.sources.is_empty()
    }
}

impl AllSeries {
    /// Adds what a cache has counted since the last time.
    fn take(&mut self, source: &mut Source) {
        for (index, function) in source.registry.figures() {
            let now = Figures::of(&function);
            let seen = source.seen.insert(index, now).unwrap_or_default();
            let place = match self.functions.entry((function.name, source.tier)) {
                Entry::Occupied(place) => place.into_mut(),
                Entry::Vacant(place) => place.insert(Function { reads: false, totals: Default::default() }),
            };
            place.reads |= function.requests.total() > 0;
            for (total, (now, seen)) in place.totals.iter_mut().zip(now.counters.iter().zip(seen.counters)) {
                total.value += now.saturating_sub(seen);
            }
            let errors = self.errors.entry(source.tier).or_default();
            for (total, (now, seen)) in errors.iter_mut().zip(now.failed.iter().zip(seen.failed)) {
                total.value += now.saturating_sub(seen);
            }
        }
    }

    fn forget_handles(&mut self) {
        let counters = self.functions.values_mut().flat_map(|function| &mut function.totals);
        counters.chain(self.errors.values_mut().flatten()).for_each(|total| total.handle = None);
    }

    fn publish(&mut self, recorder: &dyn Recorder) {
        for ((name, tier), function) in &mut self.functions {
            for (series, total) in COUNTERS.iter().zip(&mut function.totals) {
                if total.value == 0 && !(function.reads && series.from_the_beginning) {
                    continue;
                }
                total.publish(recorder, || {
                    let mut labels = vec![Label::from_static_parts("cache", name)];
                    if series.name == series::REQUESTS {
                        let local = series.label == Some(("result", "hit_local"));
                        labels.push(Label::from_static_parts("tier", if local { series::LOCAL } else { tier }));
                    }
                    labels.extend(series.label.map(|(label, value)| Label::from_static_parts(label, value)));
                    Key::from_parts(series.name, labels)
                });
            }
        }
        for (tier, errors) in &mut self.errors {
            for (failed, total) in Failed::ALL.into_iter().zip(errors) {
                if total.value > 0 {
                    total.publish(recorder, || {
                        let labels = [("tier", *tier), ("kind", failed.name())];
                        Key::from_parts(
                            series::ERRORS,
                            labels.map(|(label, value)| Label::from_static_parts(label, value)).to_vec(),
                        )
                    });
                }
            }
        }
    }
}

/// A metric, its label, and what that says.
type Gauge = (&'static str, &'static str, &'static str);

/// How things are now: the worst of all caches, and the sum of what waits.
fn gauges(sources: &[Source]) -> HashMap<Gauge, f64> {
    let mut gauges = HashMap::new();
    for source in sources {
        let Some(cache) = source.cache.upgrade() else { continue };
        let stats = cache.as_it_is();
        let given_up = gauges.entry((series::CIRCUIT_STATE, "tier", source.tier)).or_insert(0.0_f64);
        *given_up = given_up.max(if stats.breaker_open { 1.0 } else { 0.0 });
        #[expect(clippy::cast_precision_loss, reason = "a gauge for people")]
        let queued = stats.queued as f64;
        *gauges.entry((series::INVALIDATION_QUEUE, "tier", source.tier)).or_insert(0.0) += queued;
        for queue in &stats.write_behind {
            let longest = gauges.entry((series::WRITE_BEHIND_QUEUE, "queue", queue.name)).or_insert(0.0);
            #[expect(clippy::cast_precision_loss, reason = "as above")]
            let length = queue.queued as f64;
            *longest = longest.max(length);
        }
    }
    gauges
}

fn describe(recorder: &dyn Recorder) {
    for (name, kind, unit, text) in DESCRIPTIONS {
        match kind {
            Kind::Counter => recorder.describe_counter(name.into(), Some(unit), text.into()),
            Kind::Gauge => recorder.describe_gauge(name.into(), Some(unit), text.into()),
            Kind::Histogram => recorder.describe_histogram(name.into(), Some(unit), text.into()),
        }
    }
}
