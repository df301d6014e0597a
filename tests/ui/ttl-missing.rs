//! There is no default time to live.

use cached_runtime::cached;

#[cached(key = "user:<id>")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
