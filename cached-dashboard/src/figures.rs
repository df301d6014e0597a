//! `stats.json`: the figures of a cache and its inventory, as the page reads them.

use std::collections::BTreeMap;
use std::time::Duration;

use cached_runtime::{Annotated, Cache, FunctionStats, Health, Latency, Requests};
use serde::Serialize;

/// Counters since the cache was built; durations are in microseconds.
#[derive(Serialize)]
pub(crate) struct Figures {
    health: Condition,
    store: Store,
    total: Function,
    functions: Vec<Function>,
    inventory: Vec<Entry>,
}

#[derive(Serialize)]
struct Condition {
    /// `up`, `degraded`, `down`.
    state: &'static str,
    reason: Option<String>,
}

#[derive(Serialize)]
struct Store {
    /// Whether it is given up, now.
    given_up: bool,
    /// How often it was.
    times_given_up: u64,
    /// Invalidations that wait to be delivered, now.
    queued: usize,
    /// What is written behind and not yet in the database, by queue.
    write_behind: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Function {
    name: &'static str,
    file: &'static str,
    line: u32,
    template: &'static str,
    calls: u64,
    hits: u64,
    hit_ratio: Option<f64>,
    /// Loads that calls did without.
    saved: u64,
    loads: u64,
    /// By result; their sum is `calls`.
    requests: BTreeMap<&'static str, u64>,
    load: Load,
    /// All other counters.
    counters: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Load {
    count: u64,
    sum: u64,
    p50: Option<u64>,
    p95: Option<u64>,
    p99: Option<u64>,
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    file: &'static str,
    line: u32,
    template: &'static str,
    reads: bool,
    ttl: Option<String>,
    options: Vec<String>,
}

impl Figures {
    pub(crate) fn of(cache: &Cache) -> Self {
        let stats = cache.stats();
        Self {
            health: Condition::of(cache.health()),
            store: Store {
                given_up: stats.breaker_open,
                times_given_up: stats.breaker_opened,
                queued: stats.queued,
                write_behind: stats.write_behind.iter().map(|queue| (queue.name, queue.queued)).collect(),
            },
            total: Function::of(&stats.total()),
            functions: stats.functions.iter().map(Function::of).collect(),
            inventory: cache.inventory().into_iter().map(Entry::of).collect(),
        }
    }

    pub(crate) fn json(&self) -> String {
        // Numbers, texts and maps of texts: there is nothing in it that cannot be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Condition {
    fn of(health: Health) -> Self {
        match health {
            Health::Up => Self { state: "up", reason: None },
            Health::Degraded { reason } => Self { state: "degraded", reason: Some(reason) },
            _ => Self { state: "down", reason: None },
        }
    }
}

impl Function {
    fn of(stats: &FunctionStats) -> Self {
        Self {
            name: stats.name,
            file: stats.file,
            line: stats.line,
            template: stats.template,
            calls: stats.requests.total(),
            hits: stats.hits,
            hit_ratio: stats.hit_ratio(),
            saved: stats.hits + stats.coalesced,
            loads: stats.loads,
            requests: by_result(&stats.requests),
            load: Load::of(&stats.load_latency),
            counters: counters(stats),
        }
    }
}

fn by_result(requests: &Requests) -> BTreeMap<&'static str, u64> {
    requests.by_result().collect()
}

fn counters(stats: &FunctionStats) -> BTreeMap<&'static str, u64> {
    BTreeMap::from([
        ("failures", stats.failures),
        ("coalesced", stats.coalesced),
        ("lock_waits", stats.lock_waits),
        ("lock_wait_time", micros(stats.lock_wait_time)),
        ("wait_timeouts", stats.wait_timeouts),
        ("refreshes", stats.refreshes),
        ("early_refreshes", stats.early_refreshes),
        ("stores", stats.stores),
        ("late_fills", stats.late_fills),
        ("unstorable", stats.unstorable),
        ("oversized", stats.oversized),
        ("errors", stats.errors),
        ("over_bound", stats.over_bound),
        ("outage_hits", stats.outage_hits),
        ("unreadable", stats.unreadable),
        ("invalidations", stats.invalidations),
        ("undelivered", stats.undelivered),
    ])
}

impl Load {
    fn of(latency: &Latency) -> Self {
        let quantile = |quantile: Option<Duration>| quantile.map(micros);
        Self {
            count: latency.count(),
            sum: micros(latency.sum()),
            p50: quantile(latency.p50()),
            p95: quantile(latency.p95()),
            p99: quantile(latency.p99()),
        }
    }
}

impl Entry {
    fn of(annotated: Annotated) -> Self {
        let Annotated { name, file, line, template, reads, ttl, options, .. } = annotated;
        Self { name, file, line, template, reads, ttl, options }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
