//! How one function's values are cached: plain data, made in a `const`.

use std::time::Duration;

/// How long a value lives, and how its loading is guarded.
///
/// ```
/// use std::time::Duration;
/// use cached_runtime::Policy;
///
/// let policy = Policy::ttl(Duration::from_secs(60)).mutex().none_ttl(Duration::from_secs(5));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Policy {
    pub(crate) ttl: Ttl,
    pub(crate) mutex: bool,
    pub(crate) lease: Duration,
    pub(crate) wait: Duration,
    pub(crate) none_ttl: Option<Duration>,
    pub(crate) version: u32,
    pub(crate) jitter: f64,
    pub(crate) load_timeout: Duration,
    pub(crate) error_ttl: Option<Duration>,
    pub(crate) stale: Option<Duration>,
    pub(crate) stale_on_timeout: bool,
    pub(crate) background: bool,
    pub(crate) early: Early,
    /// Also keep values in this process, at most so long.
    pub(crate) local: Option<Duration>,
}

/// How long a value lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ttl {
    For(Duration),
    Never,
    /// Each value says it itself; until it did, nothing is stored.
    PerValue,
}

/// Which values are loaded anew before their time to live is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Early {
    /// Those that took long enough to load.
    Worthwhile,
    /// All, this many times as early.
    Beta(f64),
    Off,
}

impl Policy {
    /// A value lives this long. Zero stores nothing.
    pub const fn ttl(ttl: Duration) -> Self {
        Self::with(Ttl::For(ttl))
    }

    /// A value lives until it is invalidated or evicted.
    pub const fn never() -> Self {
        Self::with(Ttl::Never)
    }

    #[doc(hidden)]
    pub const fn per_value() -> Self {
        Self::with(Ttl::PerValue)
    }

    const fn with(ttl: Ttl) -> Self {
        Self {
            ttl,
            mutex: false,
            lease: Duration::from_secs(2),
            wait: Duration::from_secs(10),
            none_ttl: None,
            version: 1,
            jitter: 0.05,
            load_timeout: Duration::from_secs(30),
            error_ttl: None,
            stale: None,
            stale_on_timeout: false,
            background: false,
            early: Early::Worthwhile,
            local: None,
        }
    }

    /// One loader per key across every process that shares the store; the others wait for its result.
    pub const fn mutex(mut self) -> Self {
        self.mutex = true;
        self
    }

    /// How long a lease outlives a holder that died (2 s unless said). A living holder renews it at a third.
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// The longest a caller waits for somebody else's load before it runs its own, uncached (10 s unless said).
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Also cache `None`, this long.
    pub const fn none_ttl(mut self, ttl: Duration) -> Self {
        self.none_ttl = Some(ttl);
        self
    }

    /// Schema version of the value: a value of another version is a miss, and a lower version never overwrites a
    /// higher one. 1 unless said.
    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Shortens each stored ttl at random by up to this share (0.05 unless said), so that values stored together do
    /// not expire together.
    pub const fn jitter(mut self, share: f64) -> Self {
        self.jitter = share;
        self
    }

    /// A load longer than this loses its lease (30 s unless said); its own caller still gets the value.
    pub const fn load_timeout(mut self, timeout: Duration) -> Self {
        self.load_timeout = timeout;
        self
    }

    /// Errors are remembered, this long. Only an annotated function knows that its errors can be stored.
    #[doc(hidden)]
    pub const fn error_ttl(mut self, ttl: Duration) -> Self {
        self.error_ttl = Some(ttl);
        self
    }

    /// After its ttl a value stays servable this long: one caller loads it anew, all others get the old value at once.
    /// It is also what the caller gets whose load fails. Nothing is served past the ttl unless said.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cached_runtime::Policy;
    ///
    /// let policy = Policy::ttl(Duration::from_secs(60)).stale(Duration::from_secs(600));
    /// ```
    pub const fn stale(mut self, stale: Duration) -> Self {
        self.stale = Some(stale);
        self
    }

    /// Whoever has waited as long as it may looks once more, and takes what is there by then, before it loads.
    #[doc(hidden)]
    pub const fn stale_on_timeout(mut self) -> Self {
        self.stale_on_timeout = true;
        self
    }

    /// Values are loaded anew in a task of their own. Only an annotated function says whether its body can be spawned.
    #[doc(hidden)]
    pub const fn in_background(mut self) -> Self {
        self.background = true;
        self
    }

    /// Loads values anew before their ttl is over, at random, the likelier the nearer the end and the longer the load
    /// took; `beta` is how many times as early. Never before 80 % of the ttl. Unless said, 1 for values that took 5 ms
    /// or more to load, and not at all for others.
    pub const fn early(mut self, beta: f64) -> Self {
        self.early = Early::Beta(beta);
        self
    }

    /// No value is loaded anew before its ttl is over.
    pub const fn no_early(mut self) -> Self {
        self.early = Early::Off;
        self
    }

    /// Of annotated functions only: without the macro nobody says how a value is kept.
    #[doc(hidden)]
    pub const fn local(mut self, at_most: Duration) -> Self {
        self.local = Some(at_most);
        self
    }

    /// For many keys at once: what this process keeps of each is looked up one by one.
    pub(crate) const fn without_local(mut self) -> Self {
        self.local = None;
        self
    }

    /// The ttl to store, shortened by the jitter and never by more than all of it.
    pub(crate) fn jittered(&self, ttl: Duration) -> Duration {
        let share = self.jitter.clamp(0.0, 1.0) * fastrand::f64();
        // Subtracted, since `ttl` times nearly 1 may round past the longest duration there is, and panic.
        let less = Duration::try_from_secs_f64(ttl.as_secs_f64() * share).unwrap_or(ttl);
        // At least a millisecond: Redis refuses a ttl of zero.
        ttl.saturating_sub(less).max(Duration::from_millis(1))
    }
}

/// What a call without the macro takes as its policy: a [`Policy`], or the time to live.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy",
    label = "expected a `Duration` or a `Policy`",
    note = "write the time to live as `Duration::from_secs(60)`, or `Policy::ttl(Duration::from_secs(60)).mutex()`"
)]
pub trait IntoPolicy {
    /// The policy.
    fn into_policy(self) -> Policy;
}

impl IntoPolicy for Policy {
    fn into_policy(self) -> Policy {
        self
    }
}

impl IntoPolicy for Duration {
    fn into_policy(self) -> Policy {
        Policy::ttl(self)
    }
}

/// What a `ttl = |value| ...` closure may return: seconds as `u64`, or a [`Duration`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a time to live",
    label = "expected `u64` seconds or a `Duration`",
    note = "let the `ttl` closure return seconds as `u64`, or a `std::time::Duration`; zero means do not store"
)]
pub trait IntoTtl {
    /// The time to live; zero means do not store.
    fn into_ttl(self) -> Duration;
}

impl IntoTtl for u64 {
    fn into_ttl(self) -> Duration {
        Duration::from_secs(self)
    }
}

impl IntoTtl for Duration {
    fn into_ttl(self) -> Duration {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_only_shortens_and_within_its_share() {
        let policy = Policy::ttl(Duration::from_secs(100)).jitter(0.1);
        for _ in 0..1000 {
            let ttl = policy.jittered(Duration::from_secs(100));
            assert!((Duration::from_secs(90)..=Duration::from_secs(100)).contains(&ttl), "{ttl:?}");
        }
    }
}
