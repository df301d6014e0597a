//! A vector is a key part if what is in it is one.

use cached_runtime::cached;

struct Id(u8);

#[cached(key = "users:<ids>", ttl = 60)]
async fn list(ids: Vec<Id>) -> Vec<u8> {
    ids.iter().map(|id| id.0).collect()
}

fn main() {}
