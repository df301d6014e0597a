//! A reader writes nothing.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, two_phase, after_commit, value = id)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
