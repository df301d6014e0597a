//! A hundred years are a slip of the unit: seconds where milliseconds were meant.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 604_800_000_000)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
