//! A struct is no key part; its fields are, or its hash.

use cached_runtime::cached;

struct Filter;

#[cached(key = "users:<filter>", ttl = 60)]
async fn list(filter: &Filter) -> Vec<u8> {
    let _ = filter;
    vec![]
}

fn main() {}
