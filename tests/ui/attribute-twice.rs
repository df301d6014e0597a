//! A function is cached once.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60)]
#[cached(key = "again", ttl = 60)]
async fn find() -> Option<u8> {
    None
}

fn main() {}
