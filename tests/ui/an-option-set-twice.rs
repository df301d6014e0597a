//! An option is set once.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, ttl = "1m")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
