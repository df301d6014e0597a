//! Words of other frameworks are translated: `if` and `condition` are `when`.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, if = id > 0)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
