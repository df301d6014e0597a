//! A future says what it ends with.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60)]
fn find() -> impl Future {
    async { 1 }
}

fn main() {}
