//! moka, alone and in front of a Redis by hand: what most services write. moka coalesces within the process.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use peer::value::{Failure, User};
use peer::{Peer, World, origin};
use redis::AsyncCommands;
use redis::aio::ConnectionManager;

fn users(ttl: Duration) -> Cache<String, User> {
    Cache::builder().max_capacity(65_536).time_to_live(ttl).build()
}

fn unshared(failure: Arc<Failure>) -> Failure {
    Failure::clone(&failure)
}

pub struct Memory(Cache<String, User>);

impl Peer for Memory {
    async fn open(world: &World) -> Result<Self, Failure> {
        Ok(Self(users(world.ttl())))
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        self.0.try_get_with(format!("user:{id}"), origin::load(id)).await.map_err(unshared)
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        self.0.invalidate(&format!("user:{id}")).await;
        Ok(())
    }
}

/// An entry of the process lives a second at most, since nobody tells it of others' invalidations.
pub struct TwoTier {
    users: Cache<String, User>,
    redis: ConnectionManager,
    ttl: u64,
}

impl Peer for TwoTier {
    async fn open(world: &World) -> Result<Self, Failure> {
        let client = redis::Client::open(world.redis.as_str()).map_err(Failure::of)?;
        let redis = client.get_connection_manager().await.map_err(Failure::of)?;
        Ok(Self { users: users(Duration::from_secs(1)), redis, ttl: world.ttl().as_secs() })
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        let key = format!("user:{id}");
        let mut redis = self.redis.clone();
        let of_redis = async {
            if let Ok(Some(json)) = redis.get::<_, Option<Vec<u8>>>(&key).await
                && let Ok(user) = serde_json::from_slice(&json)
            {
                return Ok(user);
            }
            let user = origin::load(id).await?;
            if let Ok(json) = serde_json::to_vec(&user) {
                redis.set_ex::<_, _, ()>(&key, json, self.ttl).await.ok();
            }
            Ok::<_, Failure>(user)
        };
        self.users.try_get_with_by_ref(&key, of_redis).await.map_err(unshared)
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        let key = format!("user:{id}");
        let deleted = self.redis.clone().del::<_, ()>(&key).await.map_err(Failure::of);
        self.users.invalidate(&key).await;
        deleted
    }
}
