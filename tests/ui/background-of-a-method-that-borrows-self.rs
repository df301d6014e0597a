//! A refresh in the background outlives the call, and what the call borrows.

use cached_runtime::cached;

struct Users;

impl Users {
    #[cached(key = "user:<id>", ttl = 60, stale = "10m", refresh = background)]
    async fn find(&self, id: i64) -> Option<String> {
        Some(id.to_string())
    }
}

fn main() {}
