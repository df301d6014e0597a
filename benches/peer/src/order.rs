//! What the board tells a process, and what that answers: one line of JSON each.

use serde::{Deserialize, Serialize};

use crate::origin::Mood;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Order {
    /// How long loads take from now on, and how they end.
    Origin { millis: u64, mood: Mood },
    /// Asks for the rows below this until each is a hit.
    Warm { ids: u64 },
    /// Hits, one after another.
    Read { ids: u64, calls: u64 },
    /// The same, by so many tasks at once, each with all of these calls.
    Threads { ids: u64, calls: u64, threads: u64 },
    /// Hits by so many tasks, for so long.
    Crowd { ids: u64, tasks: u64, millis: u64 },
    /// What so many hits allocate.
    Allocations { ids: u64, calls: u64 },
    /// Rows from here on, one after another, each call timed.
    Miss { first: u64, calls: u64 },
    /// So many tasks at one instant, each asks once: the first row, or in turn so many rows from there.
    Storm { at: i64, first: u64, ids: u64, tasks: u64, patience: u64 },
    /// So many tasks ask for one row as fast as they can.
    Hot { id: u64, tasks: u64, millis: u64 },
    /// Somebody reads a row; while that loads, it is updated and invalidated; then somebody reads again.
    Overtaken { id: u64, version: u32 },
    /// One call, and the version that it gives.
    Look { id: u64 },
    /// Updates the row and invalidates it.
    Write { id: u64, version: u32 },
    /// Reads rows for so long, and counts what is older than an invalidation that had completed before.
    Readers { ids: u64, tasks: u64, millis: u64 },
    /// Updates rows for so long, and invalidates each.
    Writers { ids: u64, tasks: u64, millis: u64 },
    /// Calls at a steady pace, for so long, of rows that are cached and of such that are not.
    Callers { tasks: u64, millis: u64, pause: u64, patience: u64 },
    /// So many new rows into this process, and what they take of its memory.
    Fill { first: u64, ids: u64 },
}

/// What came of it; what was not asked is zero.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    pub calls: u64,
    /// Nanoseconds for each call.
    pub ns: f64,
    pub per_second: f64,
    pub allocations: f64,
    pub bytes: f64,
    pub loads: u64,
    pub loads_at_once: u64,
    /// Calls that returned an error, panicked, did not return.
    pub errors: u64,
    pub panics: u64,
    pub hung: u64,
    /// Answers that were no row, or an old one.
    pub wrong: u64,
    pub stale: u64,
    /// Milliseconds until the last answer.
    pub last: f64,
    pub longest: f64,
    pub shortest: f64,
    /// When the last answer came and the last load ended, in microseconds since the epoch.
    pub answered: i64,
    pub load_ended: i64,
    /// The first error's own words.
    pub words: Option<String>,
    pub each: Vec<Call>,
}

/// One call: when it began, in microseconds since the epoch, how long it took, and how it ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Call {
    pub began: i64,
    pub took: i64,
    pub end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    Hit,
    Loaded,
    Failed,
    Hung,
}
