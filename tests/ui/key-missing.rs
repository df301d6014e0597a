//! There is no default key: an argument would be forgotten. The error drafts one.

use cached_runtime::cached;

#[cached(ttl = 60, skip(pool))]
async fn find(pool: &str, id: i64) -> Option<String> {
    Some(format!("{pool}{id}"))
}

fn main() {}
