//! The value of an unknown option is passed over as a whole, commas included.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, layer = |a: Vec<(u8, u8)>, b| a == b, jitter = 2)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
