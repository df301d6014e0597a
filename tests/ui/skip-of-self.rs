//! `self` is in no key unless a place names it.

use cached_runtime::cached;

struct Users;

impl Users {
    #[cached(key = "user:<id>", ttl = 60, skip(self))]
    async fn find(&self, id: i64) -> Option<String> {
        Some(id.to_string())
    }
}

fn main() {}
