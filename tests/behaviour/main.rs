//! What the cache promises, on each backend.

#[path = "../support/dice.rs"]
mod dice;
#[path = "../support/faulty.rs"]
mod faulty;
#[path = "../support/steered.rs"]
mod steered;
#[path = "../support/mod.rs"]
mod support;

mod absence;
mod batches;
mod blocking;
mod cache_tx;
mod cancellation;
mod clearing;
mod comeback;
mod conditions;
mod cost;
mod counted;
mod database;
mod direct;
mod early;
mod expiry;
mod failing;
mod forms;
mod gate;
mod hot;
mod invalidation;
mod itself;
mod late_errors;
mod local;
mod local_freshness;
mod local_races;
mod logged;
mod markers;
mod outside;
mod overlapping;
mod oversized;
mod patience;
mod processes;
mod races;
mod read_through;
mod read_through_warm;
mod refreshes;
mod remembered;
mod repository;
mod rivals;
mod row;
mod scopes;
mod shapes;
mod sharing;
mod stale;
mod steps;
mod tags;
mod transactions;
mod types;
mod undelivered;
mod version;
mod write_behind;
mod write_through;
mod writers;
