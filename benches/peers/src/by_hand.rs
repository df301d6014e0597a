//! The cache-aside of every tutorial: `GET`; on a miss a lock with `SETNX` and `EXPIRE`, `SETEX`, `DEL`; who does not get
//! the lock sleeps and looks again. An error of the cache is a miss.

use std::time::Duration;

use peer::value::{Failure, User};
use peer::{Peer, World, origin};
use redis::AsyncCommands;
use redis::aio::ConnectionManager;

pub struct Naive {
    redis: ConnectionManager,
    ttl: u64,
}

impl Naive {
    async fn cached(&self, key: &str) -> Option<User> {
        let json: Option<Vec<u8>> = self.redis.clone().get(key).await.ok()?;
        serde_json::from_slice(&json?).ok()
    }
}

impl Peer for Naive {
    async fn open(world: &World) -> Result<Self, Failure> {
        let client = redis::Client::open(world.redis.as_str()).map_err(Failure::of)?;
        let redis = client.get_connection_manager().await.map_err(Failure::of)?;
        Ok(Self { redis, ttl: world.ttl().as_secs() })
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        let (key, lock) = (format!("user:{id}"), format!("lock:{id}"));
        let mut redis = self.redis.clone();
        // As long as the lock lives, and then without.
        for _ in 0..100 {
            if let Some(user) = self.cached(&key).await {
                return Ok(user);
            }
            match redis.set_nx::<_, _, bool>(&lock, 1).await {
                Ok(true) => {
                    redis.expire::<_, ()>(&lock, 10).await.ok();
                    break;
                }
                Ok(false) => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(_) => break,
            }
        }
        let user = origin::load(id).await?;
        if let Ok(json) = serde_json::to_vec(&user) {
            redis.set_ex::<_, _, ()>(&key, json, self.ttl).await.ok();
        }
        redis.del::<_, ()>(&lock).await.ok();
        Ok(user)
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        self.redis.clone().del(format!("user:{id}")).await.map_err(Failure::of)
    }
}
