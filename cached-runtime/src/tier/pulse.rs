//! How long what is known of changes may be relied on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::ticks;

/// How long a connection is relied on after it was asked whether it lives, and has answered. Less than the second that
/// is promised by more than the clock's tick.
#[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "there is no connection"))]
const HEARTBEAT: Duration = Duration::from_millis(950);

/// The connection is gone, for good.
const ENDED: u64 = 0;

/// The life of one connection on which a server tells of changes.
///
/// Answers and announcements come in one order on it. So when it has answered a ping, every change from before that ping
/// was sent has been heard of, and what was not invalidated by then was valid then.
///
/// Every hit reads it, so it has its lines of memory to itself: beside something that is written, a reference count
/// perhaps, each hit on another core would fetch it anew.
#[derive(Debug)]
#[repr(align(128))]
pub struct Pulse {
    /// By [`ticks::now`].
    until: AtomicU64,
}

#[cfg_attr(
    not(all(feature = "memory", feature = "redis")),
    allow(dead_code, reason = "each store has its own kind of pulse")
)]
impl Pulse {
    /// One that has not beaten yet.
    pub(crate) fn new() -> Self {
        Self { until: AtomicU64::new(1) }
    }

    /// That of a store in this process, which tells of changes while they happen.
    pub(crate) fn steady() -> Self {
        Self { until: AtomicU64::new(u64::MAX) }
    }

    /// A ping that was sent then was answered. One that has ended stays so: the answer may be from before the end.
    pub(crate) fn beat(&self, sent: u64) {
        let until = ticks::after(sent, HEARTBEAT);
        let beaten = |now| (now != ENDED).then_some(until);
        let _ended = self.until.fetch_update(Ordering::AcqRel, Ordering::Acquire, beaten);
    }

    /// Nothing that was known through it may be relied on any more.
    pub(crate) fn end(&self) {
        self.until.store(ENDED, Ordering::Release);
    }

    #[inline]
    pub(crate) fn beats(&self, now: u64) -> bool {
        now <= self.until.load(Ordering::Acquire)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.until.load(Ordering::Acquire) == ENDED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_is_relied_on_for_as_long_as_its_heartbeat_and_never_after_its_end() {
        let pulse = Pulse::new();
        let sent = ticks::now();
        assert!(!pulse.beats(sent), "never asked");
        pulse.beat(sent);
        assert!(pulse.beats(ticks::after(sent, HEARTBEAT)));
        assert!(!pulse.beats(ticks::after(sent, HEARTBEAT) + 1));
        pulse.end();
        pulse.beat(sent);
        assert!(!pulse.beats(sent), "an answer from before the end");
    }
}
