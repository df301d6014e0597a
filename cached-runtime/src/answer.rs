//! What a call of a reader was answered with.

/// Each call is counted as one of these, or as a local hit, and once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A stored value.
    Hit,
    /// One past its ttl.
    Stale,
    /// There was nothing to serve: its own load, or one that it shared.
    Miss,
    /// The cache was not to be used.
    Bypass,
    /// The cache could not be used: the same as after a miss.
    Error,
}

impl Answer {
    pub(crate) const COUNT: usize = 5;

    /// As in the label `result` of the metric `cache_requests_total`, and in traces.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
            Self::Error => "error",
        }
    }

    /// A stored value, of that age.
    pub(crate) fn of_age(past_ttl: bool) -> Self {
        if past_ttl { Self::Stale } else { Self::Hit }
    }
}
