//! Words of other crates and frameworks are translated: `expire` is `ttl`.

use cached_runtime::cached;

#[cached(key = "user:<id>", expire = 60)]
async fn find(id: i64) -> Option<String> {
    Some(id.to_string())
}

fn main() {}
