//! hitbox: its attribute, over moka and over Redis, with the concurrency manager that its documentation advises against
//! stampedes.

use hitbox::concurrency::BroadcastConcurrencyManager;
use hitbox::policy::PolicyConfig;
use hitbox_backend::Backend;
use hitbox_core::{CacheKey, DisabledOffload, KeyPart};
use hitbox_fn::Cache;
use hitbox_fn::prelude::{CacheableResponse, cached};
use hitbox_moka::MokaBackend;
use hitbox_redis::{ConnectionMode, RedisBackend};
use peer::value::{Failure, User};
use peer::{Peer, World, origin};
use serde::{Deserialize, Serialize};

/// The user, in a type of this crate: its trait must be derived.
#[derive(Clone, Debug, Serialize, Deserialize, CacheableResponse)]
pub struct Row {
    user: User,
}

#[cached(prefix = "user")]
async fn find(id: u64) -> Result<Row, Failure> {
    origin::load(id).await.map(|user| Row { user })
}

type Manager = BroadcastConcurrencyManager<Result<Row, Failure>>;
type Over<B> = Cache<B, Manager, DisabledOffload>;

fn over<B: hitbox_backend::CacheBackend>(world: &World, backend: B) -> Over<B> {
    let one_at_a_time = 1_u8.try_into().expect("one is not zero");
    let policy = PolicyConfig::builder().ttl(world.ttl()).concurrency(one_at_a_time).build();
    Cache::builder().backend(backend).policy(policy).concurrency_manager(Manager::new()).build()
}

/// As its attribute makes it: the prefix, then the argument by its name.
fn key(id: u64) -> CacheKey {
    let parts = vec![KeyPart::new("fn", Some("user")), KeyPart::new("id", Some(id.to_string()))];
    CacheKey::new("", 0, parts)
}

pub struct Memory(Over<MokaBackend>);

impl Peer for Memory {
    async fn open(world: &World) -> Result<Self, Failure> {
        Ok(Self(over(world, MokaBackend::builder().max_entries(65_536).build())))
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        find(id).cache(&self.0).await.map(|row| row.user)
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        self.0.backend().remove(&key(id)).await.map(drop).map_err(Failure::of)
    }
}

pub struct Redis(Over<RedisBackend>);

impl Peer for Redis {
    async fn open(world: &World) -> Result<Self, Failure> {
        let redis = RedisBackend::builder().connection(ConnectionMode::single(&world.redis));
        Ok(Self(over(world, redis.build().map_err(Failure::of)?)))
    }

    async fn find(&self, id: u64) -> Result<User, Failure> {
        find(id).cache(&self.0).await.map(|row| row.user)
    }

    async fn invalidate(&self, id: u64) -> Result<(), Failure> {
        self.0.backend().remove(&key(id)).await.map(drop).map_err(Failure::of)
    }
}
