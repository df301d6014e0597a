//! An `async fn` is a future already.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60)]
async fn find() -> impl Future<Output = u8> {
    async { 1 }
}

fn main() {}
