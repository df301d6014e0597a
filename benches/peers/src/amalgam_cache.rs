//! amalgam-cache: `get_or_set`, in memory and as its example over Redis has it, with the timeouts, the breaker and the
//! fail-safe that its documentation advises for outages.

use std::sync::Arc;
use std::time::Duration;

use amalgam::provider::{JsonSerializer, RedisBackplane, RedisDistributedCache, RedisDistributedLocker};
use amalgam::{Cache, EntryOptions, Timeout};
use peer::value::{Failure, User};
use peer::{Peer, World, origin};

async fn get_or_set(cache: &Cache<User>, id: u64) -> Result<User, Failure> {
    cache.get_or_set(format!("user:{id}"), move |_| origin::load(id)).await.map_err(Failure::of)
}

async fn remove(cache: &Cache<User>, id: u64) -> Result<(), Failure> {
    cache.remove(format!("user:{id}")).await.map_err(Failure::of)
}

fn options(world: &World) -> EntryOptions {
    let options = EntryOptions::new(world.ttl()).with_fail_safe(true, None, None);
    let (soft, hard) = (Duration::from_millis(100), Duration::from_millis(500));
    options.with_distributed_timeouts(Timeout::After(soft), Timeout::After(hard))
}

pub struct Memory(Cache<User>);

impl Peer for Memory {
    async fn open(world: &World) -> Result<Self, Failure> {
        let cache = Cache::builder().default_options(EntryOptions::new(world.ttl())).try_build();
        cache.map(Self).map_err(Failure::of)
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        get_or_set(&self.0, id).await
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        remove(&self.0, id).await
    }
}

async fn over_redis(world: &World, options: EntryOptions) -> Result<Cache<User>, Failure> {
    let url = || world.redis.clone();
    let l2 = RedisDistributedCache::connect(url()).await.map_err(Failure::of)?;
    let backplane = RedisBackplane::connect(url()).await.map_err(Failure::of)?;
    let locker = RedisDistributedLocker::connect(url()).await.map_err(Failure::of)?;
    Cache::builder()
        .default_options(options)
        .distributed(Arc::new(l2))
        .serializer(Arc::new(JsonSerializer))
        .backplane(Arc::new(backplane))
        .distributed_locker(Arc::new(locker))
        .distributed_circuit_breaker(Duration::from_secs(1))
        .backplane_circuit_breaker(Duration::from_secs(1))
        .instance_id(format!("board-{}", std::process::id()))
        .wait_for_initial_backplane_subscribe(true)
        .try_build()
        .map_err(Failure::of)
}

/// The same without its first tier: each hit is one over Redis.
pub struct Remote(Cache<User>);

impl Peer for Remote {
    async fn open(world: &World) -> Result<Self, Failure> {
        over_redis(world, options(world).with_skip_memory(true, true)).await.map(Self)
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        get_or_set(&self.0, id).await
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        remove(&self.0, id).await
    }
}

pub struct TwoTier(Cache<User>);

impl Peer for TwoTier {
    async fn open(world: &World) -> Result<Self, Failure> {
        over_redis(world, options(world)).await.map(Self)
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        get_or_set(&self.0, id).await
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        remove(&self.0, id).await
    }
}
