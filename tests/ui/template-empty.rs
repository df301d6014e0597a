//! A key is not empty.

use cached_runtime::cached;

#[cached(key = "", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
