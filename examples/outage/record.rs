//! What every call got, in the order of its end: enough to judge by, and to draw.
#![allow(dead_code, reason = "the example prints what the test only judges")]

use std::time::Duration;

/// One call. Times are since the run began.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub caller: usize,
    pub began: Duration,
    pub took: Duration,
    /// How long its own body ran, if it did.
    pub body: Option<Duration>,
    /// Whether it returned what its body, or anybody's, would have.
    pub right: bool,
}

/// One run of the body.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub key: usize,
    pub began: Duration,
    pub ended: Duration,
}

/// What happened when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    /// Redis was killed or stopped.
    pub fault: Duration,
    /// The breaker was seen open.
    pub opened: Option<Duration>,
    /// Redis was started again, or went on.
    pub over: Duration,
    /// It answered again.
    pub back: Duration,
    pub end: Duration,
}

/// Everything that one run has to show.
#[derive(Debug, Default)]
pub struct Record {
    pub calls: Vec<Call>,
    pub loads: Vec<Load>,
    pub moments: Moments,
    /// Most loads of one key at a time.
    pub at_a_time: usize,
    /// Loads that did not wait for their turn any longer.
    pub over_bound: u64,
}

impl Record {
    /// The calls that began within this time.
    pub fn within(&self, from: Duration, until: Duration) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |call| (from..until).contains(&call.began))
    }

    /// How many of these calls saw more than one load of their key end: they came when one had begun, which is not for
    /// them, and then waited for the next.
    pub fn late<'c>(&self, calls: impl Iterator<Item = &'c Call>, key: impl Fn(usize) -> usize) -> usize {
        let mut ends: Vec<_> = self.loads.iter().map(|load| (load.key, load.ended)).collect();
        ends.sort_unstable();
        let until = |key, time| ends.partition_point(|end| *end <= (key, time));
        let saw = |call: &Call| {
            let key = key(call.caller);
            until(key, call.began + call.took) - until(key, call.began)
        };
        calls.filter(|call| saw(call) > 1).count()
    }

    /// When the first call ended that ran no body, of those that began after this.
    pub fn first_hit_after(&self, from: Duration) -> Option<Duration> {
        let hits = self.calls.iter().filter(|call| call.began >= from && call.body.is_none());
        hits.map(|call| call.began + call.took).min()
    }
}

/// Half of them, and ninety-nine of a hundred, took no longer; and the longest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread {
    pub p50: Duration,
    pub p99: Duration,
    pub most: Duration,
}

impl Spread {
    pub fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 100).or(times.last()).copied().unwrap_or_default();
        Self { p50: at(50), p99: at(99), most: at(100) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        write!(f, "{:>7.2} {:>7.2} {:>7.2}", millis(self.p50), millis(self.p99), millis(self.most))
    }
}
