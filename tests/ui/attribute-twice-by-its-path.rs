//! A function is cached once, by whatever path the attribute is named.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60)]
#[cached_runtime::cached(key = "again", ttl = 60)]
async fn find() -> Option<u8> {
    None
}

fn main() {}
