//! Between two commas there is an option.

use cached_runtime::cached;

#[cached(key = "user:<id>", , ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
