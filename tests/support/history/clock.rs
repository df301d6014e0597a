//! What time it is, the same in every process of one machine.

use std::sync::Arc;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since some origin.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// `CLOCK_MONOTONIC`: what `Instant` reads too, but an `Instant` of one process means nothing in another.
pub fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    unsigned(now.tv_sec) * 1_000_000_000 + unsigned(now.tv_nsec)
}
