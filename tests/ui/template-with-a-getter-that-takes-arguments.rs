//! Getters take no arguments.

use cached_runtime::cached;

#[cached(key = "user:<id.pow(2)>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
