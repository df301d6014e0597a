//! `refresh` has one word.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, stale = "10m", refresh = "background")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
