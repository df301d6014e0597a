//! An option that resembles nothing gets the list of those there are.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, colour = "red")]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
