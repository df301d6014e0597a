//! Not caching `None` is what happens without `none_ttl`.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, none_ttl = 0)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
