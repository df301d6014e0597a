//! The key is written with its name, `key = …`.

use cached_runtime::cached;

#[cached("user:<id>", ttl = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
