//! `early` is a factor.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, early = 0)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
