//! Every name that a pattern binds counts as an argument.

use cached_runtime::cached;

#[cached(key = "users:<page>", ttl = 60)]
async fn list((page, size): (u32, u32)) -> Vec<u32> {
    vec![page, size]
}

fn main() {}
