//! The fields of a tuple are numbered without leading zeros.

use cached_runtime::cached;

#[cached(key = "user:<id.01>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
