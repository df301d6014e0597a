//! A place begins with a name, not with the number of an argument.

use cached_runtime::cached;

#[cached(key = "user:<0>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
