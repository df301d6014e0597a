//! `cache` takes a `Cache`, or a reference to one.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, cache = "redis://127.0.0.1/")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
