//! Without arguments there is nothing to name.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60)]
async fn find() -> Option<String> {
    None
}

fn main() {}
