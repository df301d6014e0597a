//! `cargo run --release --example hot_key`: one key that everybody wants and that expires every second, over a Redis of
//! its own. 64 callers ask for it as fast as they can for ten seconds, while a load takes 200 ms: an expiry costs one
//! load, however many callers it meets. Exits with 1 if there were more than ten.

#[path = "interrupted/mod.rs"]
mod interrupted;
#[path = "redis_server/mod.rs"]
mod redis_server;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cached_runtime::{Cache, cached};
use redis_server::RedisServer;
use tokio::task::JoinSet;

const CALLERS: usize = 64;
const RUN: Duration = Duration::from_secs(10);
const LOAD: Duration = Duration::from_millis(200);
/// Every second one load, which takes a fifth of a second: at most nine begin in ten seconds, one is to spare.
const PROMISED: u64 = 10;

#[derive(Default)]
struct Headlines {
    loads: AtomicU64,
}

impl Headlines {
    #[cached(key = "headlines", ttl = 1, mutex)]
    async fn latest(&self) -> Result<String, std::io::Error> {
        let load = self.loads.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(LOAD).await;
        Ok(format!("as of load {load}"))
    }
}

#[derive(Default)]
struct Calls {
    answered: u64,
    slowest: Duration,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    tokio::select! {
        held = run() => Ok(if held? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        interrupted = interrupted::interrupted() => {
            interrupted?;
            Err("interrupted".into())
        }
    }
}

/// Whether the promise held.
async fn run() -> Result<bool, Box<dyn Error>> {
    let redis = RedisServer::start().await?;
    let cache = Cache::builder().redis(redis.url()).prefix("hot").build()?;
    cache.install();
    println!("{CALLERS} callers, ttl 1 s, a load takes {LOAD:?}, {RUN:?} ...");

    let headlines = Arc::new(Headlines::default());
    let end = Instant::now() + RUN;
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let headlines = Arc::clone(&headlines);
        callers.spawn(async move {
            let mut calls = Calls::default();
            while Instant::now() < end {
                let began = Instant::now();
                headlines.latest().await?;
                calls.answered += 1;
                calls.slowest = calls.slowest.max(began.elapsed());
            }
            Ok::<_, std::io::Error>(calls)
        });
    }
    let mut calls = Calls::default();
    while let Some(caller) = callers.join_next().await {
        let caller = caller??;
        calls.answered += caller.answered;
        calls.slowest = calls.slowest.max(caller.slowest);
    }

    let loads = headlines.loads.load(Ordering::SeqCst);
    println!("{:>9} calls, the slowest took {:?}", calls.answered, calls.slowest);
    println!("{loads:>9} loads, promised are at most {PROMISED}\n\n{}", cache.stats());
    // Without a second load nothing ever expired, and nothing was shown.
    Ok((2..=PROMISED).contains(&loads))
}
