//! What time it is, for those who ask how old an entry is.
//!
//! Clocks of several machines differ, so nothing that has to be right may depend on this one: it times refreshes. What
//! expires, expires by the store's own clock.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Millis(pub(crate) u64);

impl Millis {
    /// The system's time as it was when this was first asked, and what has passed on the runtime's clock since: under
    /// tokio's paused time entries age by that, as they expire by it.
    pub(crate) fn now() -> Self {
        static ANCHOR: OnceLock<(Duration, Instant)> = OnceLock::new();
        let (then, at) = *ANCHOR.get_or_init(|| {
            let then = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            (then, Instant::now())
        });
        let now = Instant::now();
        // A paused clock may be behind the one that was asked first.
        let since = then.saturating_add(now.saturating_duration_since(at));
        let since = since.saturating_sub(at.saturating_duration_since(now));
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// How long ago that was; no time for what another clock says is still to come.
    pub(crate) fn age(self) -> Duration {
        Duration::from_millis(Self::now().0.saturating_sub(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_stored_ages_by_the_runtimes_clock() {
        let created = Millis::now();
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(created.age(), Duration::from_secs(90));
    }

    #[test]
    fn what_is_still_to_come_has_no_age() {
        let created = Millis(Millis::now().0 + 3_600_000);
        assert_eq!(created.age(), Duration::ZERO);
    }
}
