//! Versions of a value count from 1.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, version = 0)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
