//! There is one filter, `hash`.

use cached_runtime::cached;

#[cached(key = "user:<id|lower>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
