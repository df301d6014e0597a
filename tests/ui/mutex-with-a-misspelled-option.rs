//! Options of `mutex` are suggested as those of `cached` are.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, mutex(leese = "2s"))]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
