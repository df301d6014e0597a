//! What is exported, by which name, and where it comes from. `docs/metrics.md` says the same for people.

use metrics::{Key, Label, Unit};

use crate::operation::Operation;
use crate::stats::FunctionStats;

/// One counter of a function.
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) label: Option<(&'static str, &'static str)>,
    /// It is there from the first call of a function that reads: a rate needs a beginning, and a ratio both its parts.
    pub(super) from_the_beginning: bool,
    pub(super) of: fn(&FunctionStats) -> u64,
}

const fn result(result: &'static str, of: fn(&FunctionStats) -> u64) -> Series {
    Series { from_the_beginning: true, ..labelled(REQUESTS, "result", result, of) }
}

const fn labelled(
    name: &'static str,
    label: &'static str,
    value: &'static str,
    of: fn(&FunctionStats) -> u64,
) -> Series {
    Series { name, label: Some((label, value)), from_the_beginning: false, of }
}

const fn plain(name: &'static str, of: fn(&FunctionStats) -> u64) -> Series {
    Series { name, label: None, from_the_beginning: true, of }
}

pub(super) const REQUESTS: &str = "cache_requests_total";
pub(super) const LOAD_DURATION: &str = "cache_load_duration_seconds";
pub(super) const LOCK_WAIT: &str = "cache_lock_wait_seconds";
pub(super) const ERRORS: &str = "cache_errors_total";
pub(super) const CIRCUIT_STATE: &str = "cache_circuit_state";
pub(super) const INVALIDATION_QUEUE: &str = "cache_invalidation_queue";
pub(super) const WRITE_BEHIND_QUEUE: &str = "cache_write_behind_queue";

const OP_DURATION: &str = "cache_op_duration_seconds";

/// Known beforehand: this is on the way of every hit.
static OPERATIONS: [[Label; 2]; 5] =
    [operation("get"), operation("get_many"), operation("fill"), operation("fill_many"), operation("invalidate")];

static OPERATION_KEYS: [Key; 5] = [
    Key::from_static_parts(OP_DURATION, &OPERATIONS[0]),
    Key::from_static_parts(OP_DURATION, &OPERATIONS[1]),
    Key::from_static_parts(OP_DURATION, &OPERATIONS[2]),
    Key::from_static_parts(OP_DURATION, &OPERATIONS[3]),
    Key::from_static_parts(OP_DURATION, &OPERATIONS[4]),
];

const fn operation(name: &'static str) -> [Label; 2] {
    [Label::from_static_parts("tier", "redis"), Label::from_static_parts("op", name)]
}

pub(super) fn key_of(operation: Operation) -> &'static Key {
    match operation {
        Operation::Get => &OPERATION_KEYS[0],
        Operation::GetMany => &OPERATION_KEYS[1],
        Operation::Fill => &OPERATION_KEYS[2],
        Operation::FillMany => &OPERATION_KEYS[3],
        Operation::Invalidate => &OPERATION_KEYS[4],
    }
}

/// What is in this process is a tier of its own.
pub(super) const LOCAL: &str = "local";

pub(super) const COUNTERS: [Series; 17] = [
    Series { from_the_beginning: false, ..result("hit_local", |it| it.requests.hit_local) },
    result("hit", |it| it.requests.hit),
    result("miss", |it| it.requests.miss),
    Series { from_the_beginning: false, ..result("stale", |it| it.requests.stale) },
    Series { from_the_beginning: false, ..result("bypass", |it| it.requests.bypass) },
    result("error", |it| it.requests.error),
    plain("cache_coalesced_total", |it| it.coalesced),
    plain("cache_load_failures_total", |it| it.failures),
    plain("cache_stores_total", |it| it.stores),
    plain("cache_late_fills_total", |it| it.late_fills),
    plain("cache_refreshes_total", |it| it.refreshes),
    plain("cache_lock_wait_timeouts_total", |it| it.wait_timeouts),
    labelled("cache_unstored_total", "reason", "codec", |it| it.unstorable),
    labelled("cache_unstored_total", "reason", "size", |it| it.oversized),
    plain("cache_unreadable_total", |it| it.unreadable),
    labelled("cache_evictions_total", "reason", "invalidated", |it| it.invalidations),
    labelled("cache_evictions_total", "reason", "undelivered", |it| it.undelivered),
];

/// What an exporter is told of each, once.
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

pub(super) const DESCRIPTIONS: [(&str, Kind, Unit, &str); 17] = [
    (REQUESTS, Kind::Counter, Unit::Count, "Calls of annotated functions, by what they were answered with"),
    (LOAD_DURATION, Kind::Histogram, Unit::Seconds, "How long loads took that came to an end"),
    (OP_DURATION, Kind::Histogram, Unit::Seconds, "How long Redis took to answer, or not to"),
    (LOCK_WAIT, Kind::Histogram, Unit::Seconds, "How long calls waited for another process's load"),
    ("cache_coalesced_total", Kind::Counter, Unit::Count, "Calls that shared another call's load"),
    ("cache_load_failures_total", Kind::Counter, Unit::Count, "Loads that ended in an error"),
    ("cache_stores_total", Kind::Counter, Unit::Count, "Values stored"),
    (
        "cache_late_fills_total",
        Kind::Counter,
        Unit::Count,
        "Values not stored, since their key was invalidated meanwhile",
    ),
    ("cache_refreshes_total", Kind::Counter, Unit::Count, "Loads of values that were still served meanwhile"),
    ("cache_lock_wait_timeouts_total", Kind::Counter, Unit::Count, "Calls that waited in vain for another process"),
    ("cache_unstored_total", Kind::Counter, Unit::Count, "Values that could not be stored"),
    ("cache_unreadable_total", Kind::Counter, Unit::Count, "Entries of another type or version, or damaged"),
    ("cache_evictions_total", Kind::Counter, Unit::Count, "Keys and tags invalidated"),
    (ERRORS, Kind::Counter, Unit::Count, "Operations of the store that gave no answer"),
    (CIRCUIT_STATE, Kind::Gauge, Unit::Count, "1 while the store is given up, else 0"),
    (INVALIDATION_QUEUE, Kind::Gauge, Unit::Count, "Invalidations that wait to be delivered"),
    (WRITE_BEHIND_QUEUE, Kind::Gauge, Unit::Count, "Writes that wait for the database, as last heard"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_exported_is_described_once() {
        let mut described: Vec<_> = DESCRIPTIONS.iter().map(|(name, ..)| *name).collect();
        assert!(COUNTERS.iter().all(|series| described.contains(&series.name)));
        described.sort_unstable();
        described.dedup();
        assert_eq!(described.len(), DESCRIPTIONS.len());
    }
}
