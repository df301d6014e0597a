//! A stamp and when it was asked for, read by every call and written once a second.
//!
//! Readers write nothing: what all threads lock, or count themselves in and out of, is a line of memory that moves from
//! core to core with each call. So this is a seqlock: a number that is odd while somebody writes, and the same before
//! and after a read that is whole.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering, fence};

use tokio::time::Instant;

use super::Stamp;

/// No stamp is known.
const NONE: i64 = i64::MIN;

#[derive(Debug)]
pub(super) struct Latest {
    /// Odd while it is written.
    turn: AtomicU64,
    stamp: AtomicU64,
    /// In nanoseconds from `origin`.
    sent: AtomicI64,
    origin: Instant,
}

impl Latest {
    pub(super) fn new() -> Self {
        Self { turn: AtomicU64::new(0), stamp: AtomicU64::new(0), sent: AtomicI64::new(NONE), origin: Instant::now() }
    }

    /// A paused clock may be behind the one that was asked first.
    fn nanos(&self, at: Instant) -> i64 {
        let after = at.checked_duration_since(self.origin);
        let nanos = after.unwrap_or_else(|| self.origin.saturating_duration_since(at)).as_nanos();
        let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
        if after.is_some() { nanos } else { -nanos }
    }

    /// By one at a time: whoever holds the lock over what this is a copy of.
    pub(super) fn write(&self, seen: Option<(Stamp, Instant)>) {
        let turn = self.turn.load(Ordering::Relaxed);
        self.turn.store(turn.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        let (stamp, sent) = seen.map_or((0, NONE), |(stamp, sent)| (stamp, self.nanos(sent)));
        self.stamp.store(stamp, Ordering::Relaxed);
        self.sent.store(sent, Ordering::Relaxed);
        self.turn.store(turn.wrapping_add(2), Ordering::Release);
    }

    /// The stamp, and how many nanoseconds before `now` it was asked for; a negative number if after.
    pub(super) fn read(&self, now: Instant) -> Option<(Stamp, i64)> {
        loop {
            let turn = self.turn.load(Ordering::Acquire);
            let (stamp, sent) = (self.stamp.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if turn.is_multiple_of(2) && self.turn.load(Ordering::Relaxed) == turn {
                return (sent != NONE).then(|| (stamp, self.nanos(now).saturating_sub(sent)));
            }
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_read_was_written_in_one_go() {
        let latest = Latest::new();
        let at = |n: u64| (n, latest.origin + Duration::from_nanos(n));
        assert_eq!(latest.read(latest.origin), None);
        latest.write(Some(at(0)));
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut last = 0;
                while last < 100_000 {
                    let Some((stamp, age)) = latest.read(latest.origin) else { continue };
                    assert_eq!(stamp, age.unsigned_abs());
                    assert!(stamp >= last);
                    last = stamp;
                }
            });
            (0..=100_000).for_each(|n| latest.write(Some(at(n))));
            reader.join().expect("whole");
        });
        latest.write(None);
        assert_eq!(latest.read(latest.origin), None);
    }
}
