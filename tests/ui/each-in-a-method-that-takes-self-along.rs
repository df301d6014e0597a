//! Under `#[async_trait]` the body's future takes `self` along, and there may be a second one.

use std::collections::HashMap;

use async_trait::async_trait;
use cached_runtime::cached;

struct Users(u64);

#[async_trait]
trait Find {
    async fn find(&mut self, ids: &[i64]) -> HashMap<i64, u64>;
}

#[async_trait]
impl Find for Users {
    #[cached(key = "user:<id>", ttl = 60, each = id in ids)]
    async fn find(&mut self, ids: &[i64]) -> HashMap<i64, u64> {
        self.0 += 1;
        ids.iter().map(|id| (*id, self.0)).collect()
    }
}

fn main() {}
