//! How long things took: a histogram of fixed buckets, four to every doubling, from a microsecond to minutes.
//!
//! Fixed, so that recording is two additions and no lock, and so that functions' and processes' can be added up. Four to a
//! doubling, so that a quantile is at most a quarter off, and mostly a tenth: enough to tell a fast load from a slow one.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets of one doubling.
const SUB: u64 = 4;
/// The last doubling begins at 134 s. What took longer counts as that.
const BUCKETS: usize = 108;

fn bucket(micros: u64) -> usize {
    let index = match micros.checked_ilog2() {
        None | Some(0 | 1) => micros,
        Some(doubling) => u64::from(doubling - 1) * SUB + ((micros >> (doubling - 2)) & (SUB - 1)),
    };
    usize::try_from(index).map_or(BUCKETS - 1, |index| index.min(BUCKETS - 1))
}

/// The first microsecond of a bucket, and how many there are.
fn span(bucket: usize) -> (u64, u64) {
    let bucket = bucket as u64;
    if bucket < SUB {
        return (bucket, 1);
    }
    let width = 1 << (bucket / SUB - 1);
    ((SUB + bucket % SUB) * width, width)
}

/// Counts while others read.
pub(crate) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], nanos: AtomicU64::new(0) }
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}

impl Histogram {
    pub(crate) fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(micros)].fetch_add(1, Ordering::Relaxed);
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Latency {
        let buckets = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        Latency { buckets, sum: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)) }
    }
}

/// How long one function's loads took: how many there were, and their quantiles.
///
/// Quantiles come from buckets, four to every doubling: they are at most a quarter off, and mostly a tenth. What took
/// over two minutes counts as two minutes.
///
/// ```
/// # use cached_runtime::Cache;
/// for function in Cache::in_memory().stats().functions {
///     if let Some(p99) = function.load_latency.p99() {
///         println!("{}: one load in a hundred takes {p99:?} or longer", function.name);
///     }
/// }
/// ```
#[derive(Clone, Default)]
pub struct Latency {
    /// Empty: nothing yet.
    buckets: Box<[u64]>,
    sum: Duration,
}

impl Latency {
    /// How many were measured: every load that came to an end, with a value or an error.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// All of them together.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// The average; `None` before the first.
    pub fn mean(&self) -> Option<Duration> {
        let count = self.count();
        (count > 0)
            .then(|| Duration::from_nanos(u64::try_from(self.sum.as_nanos() / u128::from(count)).unwrap_or(u64::MAX)))
    }

    /// What this share of them, 0 to 1, did not take longer than; `None` before the first.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank, between one and the count"
    )]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let count = self.count();
        let rank = ((share.clamp(0.0, 1.0) * count as f64).ceil() as u64).clamp(1, count.max(1));
        let mut before = 0;
        for (index, &inside) in self.buckets.iter().enumerate() {
            if before + inside >= rank {
                let (first, width) = span(index);
                // As if those of one bucket were evenly spread over it.
                let into = (rank - before) as f64 / inside as f64 * width as f64;
                return Some(Duration::from_micros(first) + Duration::from_secs_f64(into / 1e6));
            }
            before += inside;
        }
        None
    }

    /// The median.
    pub fn p50(&self) -> Option<Duration> {
        self.quantile(0.50)
    }

    /// One in twenty takes as long, or longer.
    pub fn p95(&self) -> Option<Duration> {
        self.quantile(0.95)
    }

    /// One in a hundred takes as long, or longer.
    pub fn p99(&self) -> Option<Duration> {
        self.quantile(0.99)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        if self.buckets.is_empty() {
            self.buckets = other.buckets.clone();
        } else {
            self.buckets.iter_mut().zip(&other.buckets).for_each(|(own, other)| *own += other);
        }
        self.sum = self.sum.saturating_add(other.sum);
    }
}

impl fmt::Debug for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latency")
            .field("count", &self.count())
            .field("p50", &self.p50())
            .field("p95", &self.p95())
            .field("p99", &self.p99())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        let mut next = 0;
        for index in 0..BUCKETS {
            let (first, width) = span(index);
            assert_eq!(first, next, "{index}");
            assert_eq!((bucket(first), bucket(first + width - 1)), (index, index));
            next = first + width;
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        assert!(Duration::from_micros(next) > Duration::from_secs(120));
    }

    #[test]
    fn quantiles_are_at_most_a_quarter_off() {
        let histogram = Histogram::default();
        assert_eq!(histogram.read().p50(), None);
        for micros in 1..=10_000 {
            histogram.record(Duration::from_micros(micros));
        }
        let latency = histogram.read();
        assert_eq!((latency.count(), latency.mean()), (10_000, Some(Duration::from_nanos(5_000_500))));
        for (found, exact) in [(latency.p50(), 5_000.0), (latency.p95(), 9_500.0), (latency.p99(), 9_900.0)] {
            let off = found.unwrap().as_secs_f64() * 1e6 / exact;
            assert!((0.8..1.25).contains(&off), "{found:?} for {exact} µs");
        }
        assert!(latency.quantile(0.0).unwrap() <= Duration::from_micros(2));
        assert!(latency.quantile(1.0).unwrap() >= Duration::from_millis(10));
    }

    #[test]
    fn what_is_added_up_has_the_quantiles_of_both() {
        let (fast, slow) = (Histogram::default(), Histogram::default());
        for _ in 0..90 {
            fast.record(Duration::from_millis(1));
        }
        for _ in 0..10 {
            slow.record(Duration::from_secs(1));
        }
        let mut both = Latency::default();
        both.add(&fast.read());
        both.add(&slow.read());
        assert_eq!(both.count(), 100);
        assert!(both.p50().unwrap() < Duration::from_micros(1_300));
        assert!(both.p95().unwrap() > Duration::from_millis(800));
    }
}
