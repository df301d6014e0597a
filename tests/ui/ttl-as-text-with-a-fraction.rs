//! Numbers in a text are whole.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = "1.5h")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
