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

use crate::answer::Answer;
use crate::entry::{Header, Holds};
use crate::policy::{Early, Policy};

/// The share of the time to live before which nothing is refreshed.
const NEVER_BEFORE: f64 = 0.8;

/// Loads that take less are not worth a refresh that nobody has asked for.
const WORTH_IT: Duration = Duration::from_millis(5);

/// How many loads must fit between an early refresh and the end of a value that is not served after that: one that is
/// not done by then is a load more, beside that of whoever finds nothing. For a key that lives for a second and takes a
/// fifth of it to load that is every one (17 loads in ten seconds, where 9 do).
const IN_TIME: f64 = 1.25;

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

impl Due {
    /// What a call is answered with that is served the value all the same.
    pub(crate) fn answer(self) -> Answer {
        match self {
            Self::Early => Answer::Hit,
            Self::Stale => Answer::Stale,
        }
    }
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

    /// The same for what was read a while ago: the store, which would have dropped it, is not asked again.
    pub(crate) fn is_over_by_now(&self, header: &Header) -> bool {
        let stale = self.stale.unwrap_or_default().min(header.stale);
        header.ttl.is_some_and(|ttl| header.created.age() >= ttl.saturating_add(stale))
    }

    /// Whether it is to be loaded anew while it is served.
    pub(crate) fn due(&self, header: &Header) -> Option<Due> {
        if header.is_past_ttl() {
            return Some(Due::Stale);
        }
        let early = header.holds == Holds::Value && self.draws_early(header);
        early.then_some(Due::Early)
    }

    /// How long nobody has to ask whether it is due: what this process keeps of it ends then, so that refreshes begin
    /// where they are decided. `None` is for as long as the store keeps it.
    pub(crate) fn fresh_for(&self, header: &Header) -> Option<Duration> {
        let ttl = header.ttl.filter(|_| !header.stale.is_zero());
        let early = header.ttl.filter(|_| header.holds == Holds::Value && self.beta(header.load).is_some());
        let due = match (ttl, early.map(|ttl| ttl.min(header.early))) {
            (Some(ttl), early) => early.unwrap_or(ttl),
            (None, early) => early?,
        };
        Some(due.saturating_sub(header.created.age()))
    }

    /// How many times as early as the load takes; `None` is never.
    fn beta(&self, load: Duration) -> Option<f64> {
        match self.early {
            Early::Off => None,
            Early::Worthwhile if load < WORTH_IT => None,
            Early::Worthwhile => Some(1.0),
            Early::Beta(beta) => Some(beta),
        }
    }

    fn draws_early(&self, header: &Header) -> bool {
        let Header { ttl: Some(ttl), early, load, .. } = *header else { return false };
        let Some(beta) = self.beta(load) else { return false };
        // Of the last millisecond it is not known how much has passed.
        let age = header.created.age();
        if age <= early {
            return false;
        }
        if header.stale.is_zero() && age.as_secs_f64() + load.as_secs_f64() * IN_TIME > ttl.as_secs_f64() {
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
    use crate::form::Form;

    const TTL: Duration = Duration::from_secs(60);
    const SECOND: Duration = Duration::from_secs(1);

    fn aged(age: Duration, load: Duration, stale: Duration) -> Header {
        let created = Millis(Millis::now().0 - u64::try_from(age.as_millis()).unwrap());
        Header {
            fill: 1,
            form: Form::of(2, crate::codec::Codec::Json),
            version: 1,
            holds: Holds::Value,
            created,
            ttl: Some(TTL),
            early: TTL * 4 / 5,
            stale,
            load,
            epoch: 3,
            displaced: false,
        }
    }

    /// How many of a thousand reads at this age draw a refresh.
    fn early(policy: Policy, age: Duration, load: Duration) -> usize {
        let header = aged(age, load, Duration::ZERO);
        (0..1000).filter(|_| policy.due(&header) == Some(Due::Early)).count()
    }

    #[test]
    fn no_refresh_is_early_before_four_fifths_of_the_ttl() {
        let policy = Policy::ttl(TTL).early(100.0);
        assert_eq!(early(policy, SECOND * 47, SECOND * 8), 0);
        assert!(early(policy, SECOND * 49, SECOND * 8) > 900);
    }

    #[test]
    fn early_refreshes_grow_with_the_load_and_the_age() {
        let (policy, draws) = (Policy::ttl(TTL), |policy, age, load| early(policy, SECOND * age, load));
        let (soon, late) = (draws(policy, 58, SECOND), draws(policy, 55, SECOND));
        // e^-2 and e^-5 of all reads.
        assert!((80..200).contains(&soon) && late < 30, "{soon}, {late}");
        assert!(draws(policy, 56, SECOND * 3) > 150);
        assert!(draws(policy.early(4.0), 56, SECOND) > 200);
    }

    #[test]
    fn a_load_that_would_not_be_done_in_time_is_not_begun_unless_the_old_value_can_wait() {
        let header = |stale| aged(SECOND * 59, SECOND, stale);
        let policy = Policy::ttl(TTL).early(100.0).stale(SECOND);
        let draws = |header: &Header| (0..100).filter(|_| policy.due(header).is_some()).count();
        assert_eq!(draws(&header(Duration::ZERO)), 0);
        assert!(draws(&header(SECOND)) > 80);
    }

    #[test]
    fn only_loads_that_are_worth_it_are_early_unless_beta_says_so() {
        let (quick, at) = (Duration::from_millis(4), TTL - Duration::from_millis(8));
        assert_eq!(early(Policy::ttl(TTL), at, quick), 0);
        assert!(early(Policy::ttl(TTL).early(10.0), at, quick) > 500);
        assert_eq!(early(Policy::ttl(TTL).no_early(), SECOND * 58, SECOND), 0);
    }

    #[test]
    fn a_value_is_fresh_until_a_read_may_draw_its_refresh() {
        let policy = Policy::ttl(TTL).stale(SECOND);
        let of = |policy: Policy, age, load, stale| {
            policy.fresh_for(&aged(age, load, stale)).map(|left| left.as_secs_f64().round())
        };
        assert_eq!(of(policy, SECOND * 10, Duration::ZERO, SECOND), Some(50.0), "the ttl, not what is stale after it");
        assert_eq!(of(policy, SECOND * 10, SECOND, SECOND), Some(38.0), "four fifths of it");
        assert_eq!(of(policy, SECOND * 50, SECOND, SECOND), Some(0.0));
        assert_eq!(of(policy.no_early(), SECOND * 10, SECOND, SECOND), Some(50.0));
        assert_eq!(of(policy.no_early(), TTL + SECOND, SECOND, SECOND * 5), Some(0.0));
        assert_eq!(of(policy.no_early(), SECOND * 10, SECOND, Duration::ZERO), None, "the store's clock ends it");
        assert_eq!(of(Policy::ttl(TTL), SECOND * 10, SECOND, Duration::ZERO), Some(38.0));
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
