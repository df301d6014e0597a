//! One key that everybody reads: who waits when its value is to be loaded anew.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::{Cache, cached};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::support::Count;

/// As it is measured: 100 reads a second of a value that lives a minute and takes a second to load. The clock is paused,
/// so that this takes no minutes.
const BETWEEN_READS: Duration = Duration::from_millis(10);
const LOAD: Duration = Duration::from_secs(1);
const LIVES: u32 = 5;
const READS: u32 = LIVES * 6_000;

struct Headlines {
    cache: Cache,
    loads: Count,
}

impl Headlines {
    async fn load(&self) -> u64 {
        sleep(LOAD).await;
        self.loads.add()
    }

    #[cached(key = "headlines", ttl = 60, early = off, mutex, cache = self.cache.clone())]
    async fn plain(self: Arc<Self>) -> u64 {
        self.load().await
    }

    #[cached(key = "headlines", ttl = 60, mutex, cache = self.cache.clone())]
    async fn early(self: Arc<Self>) -> u64 {
        self.load().await
    }

    #[cached(key = "headlines", ttl = 60, stale = "10m", early = off, mutex, cache = self.cache.clone())]
    async fn stale(self: Arc<Self>) -> u64 {
        self.load().await
    }

    #[cached(
        key = "headlines", ttl = 60, stale = "10m", early = off, refresh = background, mutex,
        cache = self.cache.clone()
    )]
    async fn stale_in_the_background(self: Arc<Self>) -> u64 {
        self.load().await
    }
}

/// How many reads waited for a load, and how many loads there were after the first.
async fn blocked<F: Future<Output = u64> + Send + 'static>(
    name: &str,
    read: impl Fn(Arc<Headlines>) -> F,
) -> (u64, u64) {
    let headlines = Arc::new(Headlines { cache: Cache::in_memory(), loads: Count::default() });
    read(Arc::clone(&headlines)).await;
    let (mut reads, blocked) = (JoinSet::new(), Count::default());
    for _ in 0..READS {
        let (read, blocked, began) = (read(Arc::clone(&headlines)), blocked.clone(), Instant::now());
        reads.spawn(async move {
            read.await;
            if began.elapsed() >= Duration::from_millis(1) {
                blocked.add();
            }
        });
        sleep(BETWEEN_READS).await;
        while let Some(read) = reads.try_join_next() {
            read.expect("nothing panics");
        }
    }
    while let Some(read) = reads.join_next().await {
        read.expect("nothing panics");
    }
    let loads = headlines.loads.get() - 1;
    println!("{name}: {} of {READS} reads waited for one of {loads} loads", blocked.get());
    (blocked.get(), loads)
}

#[tokio::test(start_paused = true)]
async fn with_early_less_than_one_read_in_a_thousand_waits_for_a_load() {
    let (waited, loads) = blocked("plain", Headlines::plain).await;
    assert!(waited * 100 > u64::from(READS), "{waited} waited for {loads} loads: nothing to be better than");
    let (waited, loads) = blocked("early", Headlines::early).await;
    assert!(waited * 1_000 < u64::from(READS) && loads >= u64::from(LIVES) - 1, "{waited} for {loads}");
    // A refresh comes 4.6 s before the end on average.
    assert!(loads < u64::from(LIVES) * 5 / 4, "{loads} loads");
}

#[tokio::test(start_paused = true)]
async fn with_stale_one_read_waits_for_each_load_and_in_the_background_none() {
    let (waited, loads) = blocked("stale", Headlines::stale).await;
    assert!(waited <= loads && loads >= u64::from(LIVES) - 1, "{waited} for {loads}");
    let (waited, loads) = blocked("stale, background", Headlines::stale_in_the_background).await;
    assert!(waited == 0 && loads >= u64::from(LIVES) - 1, "{waited} for {loads}");
}
