//! The expansion's own names are invisible to the body.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60)]
async fn find(id: i64) -> Option<u8> {
    drop(__key);
    u8::try_from(id).ok()
}

fn main() {}
