//! `self` is the name of no field.

use cached_runtime::cached;

#[cached(key = "user:<id.self>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
