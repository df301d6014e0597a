//! The path to the runtime is a path.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, crate = "::my::cache")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
