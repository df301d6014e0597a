//! A duration says something.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = "")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
