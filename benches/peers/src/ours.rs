//! cached-runtime: the attribute, and nothing set that its README does not say.

use cached_runtime::{Cache, Error, cached, key};
use peer::value::{Failure, User};
use peer::{Peer, World, origin};

#[cached(key = "user:<id>", ttl = 3600, local)]
async fn find_locally(id: u64) -> Result<User, Failure> {
    origin::load(id).await
}

#[cached(key = "user:<id>", ttl = 3600, mutex)]
async fn find(id: u64) -> Result<User, Failure> {
    origin::load(id).await
}

#[cached(key = "user:<id>", ttl = 1, mutex)]
async fn find_briefly(id: u64) -> Result<User, Failure> {
    origin::load(id).await
}

#[cached(key = "user:<id>", ttl = 3600, mutex, local)]
async fn find_in_both(id: u64) -> Result<User, Failure> {
    origin::load(id).await
}

fn installed(cache: Result<Cache, Error>) -> Result<Cache, Failure> {
    let cache = cache.map_err(Failure::of)?;
    cache.install();
    Ok(cache)
}

fn over_redis(world: &World) -> Result<Cache, Failure> {
    installed(Cache::builder().redis(&world.redis).prefix("ours").build())
}

async fn invalidate(cache: &Cache, id: u64) -> Result<(), Failure> {
    cache.invalidate(&key!("user:<id>")).await.map_err(Failure::of)
}

/// `local`, over the store in memory.
pub struct Local(Cache);

impl Peer for Local {
    async fn open(_: &World) -> Result<Self, Failure> {
        installed(Ok(Cache::in_memory())).map(Self)
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        find_locally(id).await
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        invalidate(&self.0, id).await
    }
}

/// The store in memory, without `local`: bytes, which are decoded each time.
pub struct Memory(Cache);

impl Peer for Memory {
    async fn open(_: &World) -> Result<Self, Failure> {
        installed(Ok(Cache::in_memory())).map(Self)
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        find(id).await
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        invalidate(&self.0, id).await
    }
}

/// Over Redis, with `mutex`.
pub struct Redis {
    cache: Cache,
    short: bool,
}

impl Peer for Redis {
    async fn open(world: &World) -> Result<Self, Failure> {
        Ok(Self { cache: over_redis(world)?, short: world.short })
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        if self.short { find_briefly(id).await } else { find(id).await }
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        invalidate(&self.cache, id).await
    }
}

/// Over Redis, with `mutex` and `local`.
pub struct TwoTier(Cache);

impl Peer for TwoTier {
    async fn open(world: &World) -> Result<Self, Failure> {
        over_redis(world).map(Self)
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        find_in_both(id).await
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        invalidate(&self.0, id).await
    }
}
