//! What the cache promises, on each backend.

#[path = "../support/mod.rs"]
mod support;

mod absence;
mod conditions;
mod expiry;
mod gate;
mod sharing;
mod types;
mod version;
