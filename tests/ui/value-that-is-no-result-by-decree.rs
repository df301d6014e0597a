//! `returns = result` needs a `Result`.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60, returns = result)]
async fn find() -> Option<u8> {
    None
}

fn main() {}
