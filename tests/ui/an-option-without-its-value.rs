//! An option that takes a value shows how to write one.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
