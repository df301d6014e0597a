//! The crate `cached`: its three macros' stores, as its README has them.

use std::sync::OnceLock;

use cached::macros::{cached, concurrent_cached};
use cached::{AsyncRedisCache, ConcurrentCachedAsync};
use peer::value::{Failure, User};
use peer::{Peer, World, origin};

static WORLD: OnceLock<World> = OnceLock::new();

/// Coalesced by key, as the README advises for concurrent first calls.
#[cached(name = "LOCKED", max_size = 65_536, ttl_secs = 3_600, sync_writes = "by_key")]
async fn find_locked(id: u64) -> Result<User, Failure> {
    origin::load(id).await
}

#[concurrent_cached(name = "SHARDED", max_size = 65_536, ttl_secs = 3_600)]
async fn find_sharded(id: u64) -> Result<User, Failure> {
    origin::load(id).await
}

async fn store() -> AsyncRedisCache<u64, User> {
    let world = WORLD.get().expect("opened before anything is asked");
    let store = AsyncRedisCache::builder("user").connection_string(&world.redis).ttl(world.ttl());
    // Without it a connection that is lost is lost for good.
    store.connection_manager(true).build().await.expect("a server")
}

#[allow(clippy::redundant_closure, reason = "the attribute takes nothing but a closure")]
#[concurrent_cached(
    name = "OVER_REDIS",
    ty = "AsyncRedisCache<u64, User>",
    create = "{ store().await }",
    map_error = |error| Failure::of(error)
)]
async fn find(id: u64) -> Result<User, Failure> {
    origin::load(id).await
}

pub struct Memory;

impl Peer for Memory {
    async fn open(_: &World) -> Result<Self, Failure> {
        Ok(Self)
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        find_locked(id).await
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        use cached::Cached;
        let _removed = LOCKED.write().await.cache_remove(&id);
        Ok(())
    }
}

pub struct Sharded;

impl Peer for Sharded {
    async fn open(_: &World) -> Result<Self, Failure> {
        Ok(Self)
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        find_sharded(id).await
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        use cached::ConcurrentCached;
        // There is none before the first call of the function, and nothing to remove.
        SHARDED.get().map_or(Ok(()), |store| store.cache_remove(&id).map(drop).map_err(Failure::of))
    }
}

pub struct Redis;

impl Peer for Redis {
    async fn open(world: &World) -> Result<Self, Failure> {
        WORLD.set(world.clone()).map_err(|_| Failure("opened twice".to_owned()))?;
        Ok(Self)
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        find(id).await
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        // There is no handle before the first call of the function.
        let store = OVER_REDIS.get_or_init(store).await;
        store.async_cache_remove(&id).await.map(drop).map_err(Failure::of)
    }
}
