//! Every argument is in the key or skipped: calls that differ in it would share a value.

use cached_runtime::cached;

#[cached(key = "users:<page>", ttl = 60)]
async fn list(page: u32, size: u32) -> Vec<u32> {
    vec![page, size]
}

fn main() {}
