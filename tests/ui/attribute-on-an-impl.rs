//! The attribute goes on methods one by one.

use cached_runtime::cached;

struct Users;

#[cached(key = "user", ttl = 60)]
impl Users {
    async fn find(&self) -> Option<u8> {
        None
    }
}

fn main() {}
