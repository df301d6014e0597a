//! The closure of `ttl` gives seconds as `u64`, or a `Duration`.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = |_| "60s")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
