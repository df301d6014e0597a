//! A cached value has a type with a name.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60)]
async fn find() -> impl Clone {
    1
}

fn main() {}
