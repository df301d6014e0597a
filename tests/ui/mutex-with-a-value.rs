//! `mutex` is there or it is not.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, mutex = true)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
