//! `--overhead`: what a call costs beside its body while the breaker is open. On one thread; bodies with and without the
//! attribute take turns, so that a busy machine slows both.

use std::hint::black_box;
use std::time::{Duration, Instant};

use cached_runtime::{Cache, Health, cached, invalidate};

/// What is promised.
pub const MOST: Duration = Duration::from_micros(2);

const ROUNDS: usize = 400;
const CALLS: u32 = 250;

#[cached(key = "row:<id>", ttl = 600)]
async fn row(id: u64) -> Result<u64, String> {
    bare_row(id).await
}

#[cached(key = "row:<id>", ttl = 600, mutex)]
async fn row_with_mutex(id: u64) -> Result<u64, String> {
    bare_row(id).await
}

#[cached(key = "tagged:<id>", ttl = 600, mutex, tag = "rows", none_ttl = 60)]
async fn tagged_row(id: u64) -> Result<Option<String>, String> {
    bare_tagged_row(id).await
}

async fn bare_row(id: u64) -> Result<u64, String> {
    Ok(black_box(id))
}

async fn bare_tagged_row(id: u64) -> Result<Option<String>, String> {
    Ok(Some(black_box(id).to_string()))
}

#[cached(key = "row:<id>", ttl = 600, each = id in ids)]
async fn rows(ids: &[u64]) -> Result<Vec<Option<u64>>, String> {
    bare_rows(ids).await
}

async fn bare_rows(ids: &[u64]) -> Result<Vec<Option<u64>>, String> {
    Ok(ids.iter().copied().map(black_box).map(Some).collect())
}

#[invalidate(key = "row:<id>")]
async fn write(id: u64) -> Result<u64, String> {
    bare_row(id).await
}

/// A cache whose server is gone and given up.
async fn without_server() -> Cache {
    // Nothing listens on port 1.
    let cache = Cache::builder().redis("redis://127.0.0.1:1/").build().expect("a URL");
    cache.install();
    while cache.health() != Health::Down {
        black_box(row(0).await).ok();
    }
    cache
}

/// Prints a line per kind of function; whether each keeps the promise.
pub async fn measure() -> bool {
    let cache = without_server().await;
    println!("an open breaker, nanoseconds per call: the median of {ROUNDS} times {CALLS}\n");
    println!("{:<24} {:>8} {:>8} {:>8}", "", "bare", "cached", "more");
    let mut held = true;
    held &= line("", async |id| row(id).await.is_ok(), async |id| bare_row(id).await.is_ok()).await;
    held &= line("mutex", async |id| row_with_mutex(id).await.is_ok(), async |id| bare_row(id).await.is_ok()).await;
    let bare = async |id| bare_tagged_row(id).await.is_ok();
    held &= line("mutex, a tag, a text", async |id| tagged_row(id).await.is_ok(), bare).await;
    println!("\nfor comparison, of which nothing is promised");
    let ids: Vec<u64> = (0..10).collect();
    let cached = async |_| rows(&ids).await.is_ok();
    line("a batch of ten", cached, async |_| bare_rows(&ids).await.is_ok()).await;
    line("an invalidation", async |id| write(id).await.is_ok(), async |id| bare_row(id).await.is_ok()).await;
    assert_eq!(cache.health(), Health::Down, "the breaker was open all the time");
    held
}

async fn line(name: &str, cached: impl AsyncFn(u64) -> bool, bare: impl AsyncFn(u64) -> bool) -> bool {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        with.push(per_call(&cached).await);
        without.push(per_call(&bare).await);
    }
    let (with, without) = (median(with), median(without));
    let more = with.saturating_sub(without);
    println!("{name:<24} {:>8} {:>8} {:>8}", without.as_nanos(), with.as_nanos(), more.as_nanos());
    more < MOST
}

async fn per_call(call: &impl AsyncFn(u64) -> bool) -> Duration {
    let began = Instant::now();
    for id in 0..CALLS {
        assert!(call(black_box(u64::from(id))).await);
    }
    let took = began.elapsed() / CALLS;
    // The connection's supervisor lives on this thread too.
    tokio::task::yield_now().await;
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// `--calls N`: so many calls and nothing else, for a tool that counts instructions; `N` and twice as many differ by
/// what `N` calls cost.
pub async fn call(times: u64) {
    let _cache = without_server().await;
    for id in 0..times {
        black_box(row(black_box(id)).await).ok();
    }
}
