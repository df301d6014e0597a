//! A function without receiver has no `self`.

use cached_runtime::cached;

#[cached(key = "user:<self.tenant>:<id>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
