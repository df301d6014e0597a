//! A value that lives for no time is not cached, however it is written.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = "0s")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
