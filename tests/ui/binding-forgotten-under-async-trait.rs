//! `#[async_trait]` leaves no name of an argument that is a pattern.

use async_trait::async_trait;
use cached_runtime::cached;

#[async_trait]
trait Users {
    async fn find(&self, pair: (u32, u32)) -> u32;
}

struct Repository;

#[async_trait]
impl Users for Repository {
    #[cached(key = "user", ttl = 60)]
    async fn find(&self, (org, id): (u32, u32)) -> u32 {
        org + id
    }
}

fn main() {}
