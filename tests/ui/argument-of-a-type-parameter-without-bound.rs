//! A type parameter in a key is bound by `KeyPart`.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60)]
async fn find<I>(id: I) -> Option<u8> {
    let _ = id;
    None
}

fn main() {}
