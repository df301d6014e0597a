//! A cached value is read back from bytes: not even `&'static` can be.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60)]
async fn find() -> Option<&'static str> {
    None
}

fn main() {}
