//! How fresh an entry is, and whether it is time to load it anew.
//!
//! ```text
//! stored ───────────── 80 % ── early? ── ttl ───────── stale ───────── gone
//!        fresh              drawn with       served, and one caller         a miss
//!                           each read        refreshes
//! ```
//! The early refresh is *XFetch* (Vattani, Chierichetti and Lowenstein, VLDB 2015): each read draws whether the value is to
//! be loaded anew, the likelier the nearer its end is and the longer the load takes. So a key that is read often is
//! loaded anew before anybody has to wait, and one that is not read is not.

use std::time::Duration;

use crate::entry::Header;
use crate::policy::{Early, Policy};

/// The share of the time to live before which nothing is refreshed.
const NEVER_BEFORE: f64 = 0.8;

/// Loads that take less are not worth a refresh that nobody has asked for.
const WORTH_IT: Duration = Duration::from_millis(5);

/// How long a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    /// `None` is for ever.
    pub(crate) ttl: Option<Duration>,
    /// It is not loaded anew before it is so old: jitter makes its life shorter, and this no earlier.
    pub(crate) early: Duration,
    /// After that it may still be served so long.
    pub(crate) stale: Duration,
}

impl Life {
    pub(crate) const FOR_EVER: Self = Self { ttl: None, early: Duration::MAX, stale: Duration::ZERO };

    /// Of a value that lives for `ttl`, less its jitter.
    pub(crate) fn of(policy: &Policy, ttl: Duration, stale: Duration) -> Self {
        let early = Duration::try_from_secs_f64(ttl.as_secs_f64() * NEVER_BEFORE).unwrap_or(ttl);
        Self { ttl: Some(policy.jittered(ttl)), early, stale }
    }

    /// How long the store keeps it.
    pub(crate) fn px(self) -> Option<Duration> {
        self.ttl.map(|ttl| ttl.saturating_add(self.stale))
    }
}

/// Why a value that is served is to be loaded anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The time to live is not over.
    Early,
    /// It is.
    Stale,
}

impl Header {
    /// Whether its time to live is over. Where nobody allowed more than that, the store's clock alone says so.
    pub(crate) fn is_past_ttl(&self) -> bool {
        !self.stale.is_zero() && self.ttl.is_some_and(|ttl| self.created.age() >= ttl)
    }
}

impl Policy {
    /// Whether this reader must not be served the entry any more. Another one may have stored it: of what each of them
    /// allows, the less counts.
    pub(crate) fn is_over(&self, header: &Header) -> bool {
        header.is_past_ttl()
            && header.ttl.zip(self.stale).is_none_or(|(ttl, stale)| header.created.age() >= ttl.saturating_add(stale))
    }

    /// Whether it is to be loaded anew while it is served.
    pub(crate) fn due(&self, header: &Header) -> Option<Due> {
        if header.is_past_ttl() {
            return Some(Due::Stale);
        }
        let early = header.present && self.draws_early(header);
        early.then_some(Due::Early)
    }

    fn draws_early(&self, header: &Header) -> bool {
        let Header { ttl: Some(ttl), early, load, .. } = *header else { return false };
        let beta = match self.early {
            Early::Off => return false,
            Early::Worthwhile if load < WORTH_IT => return false,
            Early::Worthwhile => 1.0,
            Early::Beta(beta) => beta,
        };
        // Of the last millisecond it is not known how much has passed.
        let age = header.created.age();
        if age <= early {
            return false;
        }
        // Exponential with a mean of `beta` loads; 1 less a number from 0 to 1 is never 0.
        let ahead = load.as_secs_f64() * beta * -(1.0 - fastrand::f64()).ln();
        age.as_secs_f64() + ahead >= ttl.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Millis;

    const TTL: Duration = Duration::from_secs(60);
    const SECOND: Duration = Duration::from_secs(1);

    fn aged(age: Duration, load: Duration, stale: Duration) -> Header {
        let created = Millis(Millis::now().0 - u64::try_from(age.as_millis()).unwrap());
        Header {
            fill: 1,
            type_tag: 2,
            version: 1,
            present: true,
            created,
            ttl: Some(TTL),
            early: TTL * 4 / 5,
            stale,
            load,
            epoch: 3,
        }
    }

    /// How many of a thousand reads at this age draw a refresh.
    fn early(policy: Policy, age: Duration, load: Duration) -> usize {
        let header = aged(age, load, Duration::ZERO);
        (0..1000).filter(|_| policy.due(&header) == Some(Due::Early)).count()
    }

    #[test]
    fn no_refresh_is_early_before_four_fifths_of_the_ttl() {
        let slow = Duration::from_secs(600);
        assert_eq!(early(Policy::ttl(TTL).early(100.0), SECOND * 47, slow), 0);
        assert!(early(Policy::ttl(TTL), SECOND * 49, slow) > 900);
    }

    #[test]
    fn early_refreshes_grow_with_the_load_and_the_age() {
        let (policy, draws) = (Policy::ttl(TTL), |policy, age, load| early(policy, SECOND * age, load));
        let (soon, late) = (draws(policy, 59, SECOND), draws(policy, 56, SECOND));
        // e^-1 and e^-4 of all reads.
        assert!((250..500).contains(&soon) && (2..60).contains(&late), "{soon}, {late}");
        assert!(draws(policy, 56, SECOND * 4) > 200);
        assert!(draws(policy.early(4.0), 56, SECOND) > 200);
    }

    #[test]
    fn only_loads_that_are_worth_it_are_early_unless_beta_says_so() {
        let (quick, at) = (Duration::from_millis(4), TTL - Duration::from_millis(1));
        assert_eq!(early(Policy::ttl(TTL), at, quick), 0);
        assert!(early(Policy::ttl(TTL).early(1.0), at, quick) > 500);
        assert_eq!(early(Policy::ttl(TTL).no_early(), at, SECOND), 0);
    }

    #[test]
    fn past_its_ttl_a_value_is_served_only_to_those_who_allow_it() {
        let header = aged(TTL + SECOND, Duration::ZERO, SECOND * 10);
        let over = |policy: Policy| policy.is_over(&header);
        assert!(over(Policy::ttl(TTL)));
        assert!(over(Policy::ttl(TTL).stale(SECOND / 2)));
        assert!(!over(Policy::ttl(TTL).stale(SECOND * 5)));
        assert_eq!(Policy::ttl(TTL).stale(SECOND * 5).due(&header), Some(Due::Stale));
        let without = aged(TTL + SECOND, Duration::ZERO, Duration::ZERO);
        assert!(!Policy::ttl(TTL).is_over(&without));
    }
}
