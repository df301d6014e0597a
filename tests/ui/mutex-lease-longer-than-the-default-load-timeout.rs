//! A lease ends with `load_timeout`, 30 seconds by default.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, mutex(lease = "1m"))]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
