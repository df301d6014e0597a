//! `cached-instructions local_hit 1000`: so many hits, and nothing else that depends on how many.

use std::process::ExitCode;
use std::sync::Arc;

use cached_runtime::{Cache, cached};

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct User {
    id: u64,
    name: String,
}

impl User {
    fn load(id: u64) -> Arc<Self> {
        Arc::new(Self { id, name: "from the database".to_owned() })
    }
}

#[cached(key = "near:<id>", ttl = 3600, mutex, local)]
async fn near(id: u64) -> Result<Arc<User>, String> {
    Ok(User::load(id))
}

#[cached(key = "user:<id>", ttl = 3600, mutex)]
async fn user(id: u64) -> Result<Arc<User>, String> {
    Ok(User::load(id))
}

async fn hits<F: Future<Output = Result<Arc<User>, String>>>(
    call: impl Fn(u64) -> F,
    times: u64,
) -> Result<u64, String> {
    let mut sum = 0;
    // The first ones load, and are kept.
    for _ in 0..10 + times {
        sum += call(7).await?.id;
    }
    Ok(sum)
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (what, times) = (words.next().unwrap_or_default(), words.next().and_then(|times| times.parse().ok()));
    let (Some(times), Ok(runtime)) = (times, tokio::runtime::Builder::new_current_thread().enable_time().build())
    else {
        eprintln!("say what, and how often: `cached-instructions local_hit 1000`");
        return ExitCode::FAILURE;
    };
    let cache = Cache::in_memory();
    cache.install();
    let sum = match what.as_str() {
        "local_hit" => runtime.block_on(hits(near, times)),
        "memory_hit" => runtime.block_on(hits(user, times)),
        _ => Err(format!("`{what}` is neither `local_hit` nor `memory_hit`")),
    };
    let requests = cache.stats().total().requests;
    // What is counted is what it says.
    let hits = if what == "local_hit" { requests.hit_local } else { requests.hit };
    if sum == Ok(7 * (10 + times)) && hits >= times {
        return ExitCode::SUCCESS;
    }
    eprintln!("{sum:?}, {requests:?}");
    ExitCode::FAILURE
}
