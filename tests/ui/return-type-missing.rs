//! A function that returns nothing has nothing to cache.

use cached_runtime::cached;

#[cached(key = "user", ttl = 60)]
async fn touch() {
    println!();
}

fn main() {}
