//! What is served after the wait is what `stale` keeps: without it there is nothing.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, mutex(on_timeout = stale))]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
