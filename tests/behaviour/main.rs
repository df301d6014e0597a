//! What the cache promises, on each backend.

#[path = "../support/mod.rs"]
mod support;

mod sharing;
