//! The jitter is a share of the ttl, not a percentage.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, jitter = 10)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
