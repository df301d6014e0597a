//! The jitter is a share of the ttl.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, jitter = 1.5)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
