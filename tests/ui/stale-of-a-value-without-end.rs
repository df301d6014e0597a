//! A value that does not end is never past its end.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = never, stale = "10m", early)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
