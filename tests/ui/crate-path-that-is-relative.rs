//! The path to the runtime means the same in every module.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, crate = my::cache)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
