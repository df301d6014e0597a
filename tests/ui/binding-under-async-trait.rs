//! `#[async_trait]` takes patterns apart inside of the body, where a key cannot see them.

use async_trait::async_trait;
use cached_runtime::cached;

#[async_trait]
trait Users {
    async fn find(&self, pair: (u32, u32)) -> u32;
}

struct Repository;

#[async_trait]
impl Users for Repository {
    #[cached(key = "user:<org>:<id>", ttl = 60)]
    async fn find(&self, (org, id): (u32, u32)) -> u32 {
        org + id
    }
}

fn main() {}
