//! With `early = off` and without `stale`, nothing is ever loaded anew.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, early = off, refresh = background)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
