//! An option of `mutex` is set once.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, mutex(lease = "2s", lease = "3s"))]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
