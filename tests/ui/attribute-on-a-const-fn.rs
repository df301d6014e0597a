//! A `const fn` runs where there is no cache.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60)]
const fn find() -> Option<u8> {
    None
}

fn main() {}
