//! The output of a future is looked at as a return type is.

use cached_runtime::cached;

#[cached(key = "user:<name>", ttl = 60)]
fn find(name: &str) -> impl Future<Output = &str> {
    async move { name }
}

fn main() {}
