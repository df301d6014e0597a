//! A field in a key exists.

use cached_runtime::cached;

struct User {
    id: u8,
}

#[cached(key = "user:<user.idd>", ttl = 60)]
async fn find(user: &User) -> Option<u8> {
    Some(user.id)
}

fn main() {}
