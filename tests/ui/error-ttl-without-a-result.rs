//! A function without an `Err` has none to remember.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, error_ttl = "200ms")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
