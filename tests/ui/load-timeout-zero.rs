//! A load takes some time.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, load_timeout = "0s")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
