//! Seconds are whole; shorter times are written as text.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 1.5)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
