//! The time of the local tier: read with every hit, so it has to be cheap, and needs to be right only to a tick. How old
//! an entry is, [`clock`](crate::clock) says.

/// Nanoseconds of a clock that never goes back, as it was at its last tick (every 1 to 10 ms on Linux). No thread of ours
/// moves it on, so it is right at once after the process was stopped for a while.
#[cfg(target_os = "linux")]
#[inline]
pub(crate) fn now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn now() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(BEGAN.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// So much later.
pub(crate) fn after(then: u64, wait: std::time::Duration) -> u64 {
    then.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX))
}
