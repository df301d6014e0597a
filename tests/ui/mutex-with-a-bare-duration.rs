//! Options of `mutex` have names.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, mutex("2s"))]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
