//! A future that is returned belongs to the caller.

use cached_runtime::cached;

#[cached(key = "user:<id>", ttl = 60, refresh = background)]
fn find(id: i64) -> impl Future<Output = Option<String>> {
    async move { Some(id.to_string()) }
}

fn main() {}
