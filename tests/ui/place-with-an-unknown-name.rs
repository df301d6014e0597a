//! A name that is no argument gets the list of those there are.

use cached_runtime::cached;

#[cached(key = "user:<colour>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
