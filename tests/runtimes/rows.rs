//! The annotated functions under test, and what a server sees of them.

use std::convert::Infallible;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use cached_runtime::{Cache, cached};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::foreign_executor::block_on;
use crate::support::{Count, Redis};

#[cached(key = "row:<id>", ttl = 60, mutex, skip(loads))]
pub async fn row(id: u64, loads: &Count) -> Result<u64, Infallible> {
    loads.add();
    Ok(id * 10)
}

#[cached(key = "other:<id>", ttl = 60, skip(loads))]
pub async fn other(id: u64, loads: &Count) -> u64 {
    loads.add();
    id * 100
}

#[cached(key = "row:<id>", ttl = 60, mutex, skip(loads))]
pub fn row_blocking(id: u64, loads: &Count) -> Result<u64, Infallible> {
    loads.add();
    Ok(id * 10)
}

/// The same functions with a cache of their own.
pub struct Rows {
    pub cache: Cache,
    pub loads: Count,
    pub load: Duration,
}

impl Rows {
    pub fn over(cache: Cache) -> Self {
        Self { cache, loads: Count::default(), load: Duration::from_millis(20) }
    }

    #[cached(key = "row:<id>", ttl = 60, mutex, cache = self.cache.clone())]
    pub async fn row(&self, id: u64) -> u64 {
        self.loads.add();
        tokio::time::sleep(self.load).await;
        id * 10
    }

    /// Like `row`, of the body that needs no tokio.
    #[cached(key = "row:<id>", ttl = 60, mutex, cache = self.cache.clone())]
    pub async fn quick_row(&self, id: u64) -> u64 {
        self.loads.add();
        id * 10
    }

    #[cached(key = "row:<id>", ttl = 60, mutex, cache = self.cache.clone())]
    pub fn row_blocking(&self, id: u64) -> u64 {
        self.loads.add();
        std::thread::sleep(self.load);
        id * 10
    }
}

/// A cache with so much patience that a count of loads does not depend on how busy this machine is.
pub fn patient(redis: &Redis) -> Cache {
    redis.builder().timeout(Duration::from_secs(5)).build().expect("a cache")
}

pub fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

pub fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Installs a cache for as long as the guard lives: there is one installed cache per process, and many tests.
pub fn install(cache: &Cache) -> OwnedSemaphorePermit {
    static INSTALLED: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(1)));
    let guard = block_on(Arc::clone(&INSTALLED).acquire_owned()).expect("never closed");
    cache.install();
    guard
}

/// How many connections the server has beside the one that asks.
pub fn connections(redis: &Redis) -> usize {
    redis.command::<String>(&["CLIENT", "LIST", "TYPE", "NORMAL"]).lines().count() - 1
}

/// Waits until the server has `count` connections.
pub fn settle_at(redis: &Redis, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let now = connections(redis);
        if now == count {
            return;
        }
        assert!(Instant::now() < deadline, "{now} connections instead of {count}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Runs `f` with a server on a thread of its own, and fails rather than hangs when it does not end.
pub fn in_time(what: &str, f: impl FnOnce(&Redis) + Send + 'static) {
    let redis = Arc::new(Redis::start());
    let (done, wait) = std::sync::mpsc::channel();
    let thread = std::thread::spawn({
        let redis = Arc::clone(&redis);
        move || {
            let _done: std::sync::mpsc::Sender<()> = done;
            f(&redis);
        }
    });
    if let Err(RecvTimeoutError::Timeout) = wait.recv_timeout(Duration::from_secs(20)) {
        // The thread that hangs will not end the server.
        let server = redis::Client::open(redis.url()).and_then(|client| client.get_connection());
        let _ = server.and_then(|mut server| redis::cmd("SHUTDOWN").arg("NOSAVE").query::<()>(&mut server));
        panic!("{what}: not done after 20 s");
    }
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
