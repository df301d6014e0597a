//! `|hash` takes what is `Serialize`.

use cached_runtime::cached;

struct Filter;

#[cached(key = "users:<filter|hash>", ttl = 60)]
async fn list(filter: &Filter) -> Vec<u8> {
    let _ = filter;
    vec![]
}

fn main() {}
