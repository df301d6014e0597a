//! A value that is missing behind `=` is asked for.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl =, mutex)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
