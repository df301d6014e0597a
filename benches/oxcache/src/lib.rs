//! oxcache: `get_or`, which coalesces in the process; its attribute does not. Version 0.5 is a release candidate that
//! needs a newer compiler than this repository's.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use oxcache::backend::{MokaMemoryBackend, RedisBackend};
use oxcache::{Cache, ChainCache, OxCacheError};
use peer::value::{Failure, User};
use peer::{Meter, Peer, Words, World, origin, serve};

pub fn run(meter: Option<Meter>) -> ExitCode {
    let all: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, words)) = all.split_first() else { return usage() };
    let Some(words) = Words::parse(words, meter) else { return usage() };
    let served = match name.as_str() {
        "oxcache-memory" => serve::<Memory>(&words),
        "oxcache-remote" => serve::<Remote>(&words),
        "oxcache" => serve::<TwoTier>(&words),
        _ => return usage(),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: oxcache-peer NAME REDIS ROWS WORKERS long|short (the scoreboard starts this)");
    ExitCode::FAILURE
}

type Users = Cache<String, User>;

async fn get_or(users: &Users, id: u64) -> Result<User, Failure> {
    let load = || async move { origin::load(id).await.map_err(|failure| OxCacheError::Operation(failure.0)) };
    users.get_or(&format!("user:{id}"), load).await.map_err(Failure::of)
}

async fn delete(users: &Users, id: u64) -> Result<(), Failure> {
    users.delete(&format!("user:{id}")).await.map(drop).map_err(Failure::of)
}

fn moka(ttl: Duration) -> MokaMemoryBackend {
    MokaMemoryBackend::builder().capacity(65_536).ttl(ttl).build()
}

pub struct Memory(Users);

impl Peer for Memory {
    async fn open(world: &World) -> Result<Self, Failure> {
        Cache::builder().capacity(65_536).ttl(world.ttl()).build().await.map(Self).map_err(Failure::of)
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        get_or(&self.0, id).await
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        delete(&self.0, id).await
    }
}

/// Redis alone.
pub struct Remote(Users);

impl Peer for Remote {
    async fn open(world: &World) -> Result<Self, Failure> {
        let redis = RedisBackend::new(&world.redis).await.map_err(Failure::of)?;
        let users = Cache::builder().backend_arc(Arc::new(redis)).ttl(world.ttl()).build().await;
        users.map(Self).map_err(Failure::of)
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        get_or(&self.0, id).await
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        delete(&self.0, id).await
    }
}

/// Its chain, the process first; entries of the process live a second, as those of moka by hand.
pub struct TwoTier(Users);

impl Peer for TwoTier {
    async fn open(world: &World) -> Result<Self, Failure> {
        let redis = RedisBackend::new(&world.redis).await.map_err(Failure::of)?;
        let chain = ChainCache::builder().backend(moka(Duration::from_secs(1))).backend(redis).build();
        let users = Cache::builder().backend_arc(Arc::new(chain)).ttl(world.ttl()).build().await;
        users.map(Self).map_err(Failure::of)
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        get_or(&self.0, id).await
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        delete(&self.0, id).await
    }
}
