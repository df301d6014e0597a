//! A place is written without spaces.

use cached_runtime::cached;

#[cached(key = "user:<id | hash>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
