//! The body may run more than once, and there is one `self`.

use std::sync::Arc;

use cached_runtime::cached;

struct Users;

impl Users {
    #[cached(key = "user:<id>", ttl = 60, each = id in ids)]
    async fn find(self: Arc<Self>, ids: &[i64]) -> Vec<Option<String>> {
        drop(self);
        ids.iter().map(|id| Some(id.to_string())).collect()
    }
}

fn main() {}
