//! What the cache promises, on each backend.

#[path = "../support/mod.rs"]
mod support;

mod absence;
mod conditions;
mod direct;
mod expiry;
mod failing;
mod gate;
mod shapes;
mod sharing;
mod types;
mod version;
