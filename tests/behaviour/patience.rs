//! Worlds that wait for Redis as long as it takes.
//!
//! A call gives Redis 100 ms and then loads uncached, which on a busy machine is what a test that counts loads would
//! see. How long a call waits for Redis is tested elsewhere.

use std::time::Duration;

use cached_runtime::Cache;

use crate::steered::Helm;
use crate::support::{Redis, World};

/// A cache as another process over this Redis would have it.
pub fn patient(redis: &Redis) -> Cache {
    redis.builder().timeout(Duration::from_secs(5)).build().expect("a cache")
}

pub struct PatientWorld {
    pub cache: Cache,
    pub redis: Option<Redis>,
}

impl From<World> for PatientWorld {
    fn from(world: World) -> Self {
        let cache = world.redis.as_ref().map_or(world.cache, patient);
        Self { cache, redis: world.redis }
    }
}

impl PatientWorld {
    /// A second cache on the same store, as another process would have; the same cache where there is but one process.
    pub fn other_process(&self) -> Cache {
        self.redis.as_ref().map_or_else(|| self.cache.clone(), patient)
    }
}

/// Each promise is a test on each backend.
#[macro_export]
macro_rules! promises {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: World) $body:block)*) => {
        $crate::on_both_backends! {$(
            $(#[$meta])*
            async fn $name($world: World) {
                let $world = $crate::patience::PatientWorld::from($world);
                $body
            }
        )*}
    };
}

/// A world whose store does as it is told.
#[allow(dead_code, reason = "not every test binary steers its store")]
pub struct SteeredWorld {
    pub cache: Cache,
    pub helm: Helm,
    pub redis: Option<Redis>,
}

impl From<World> for SteeredWorld {
    fn from(world: World) -> Self {
        let helm = Helm::new();
        let builder = world.redis.as_ref().map_or_else(Cache::builder, Redis::builder);
        let cache = builder.timeout(Duration::from_secs(5)).wrap_store(helm.wrap()).build().expect("a cache");
        Self { cache, helm, redis: world.redis }
    }
}

#[allow(dead_code, reason = "as above")]
impl SteeredWorld {
    /// A second cache on the same store, in whose way nobody stands; the same cache where there is but one process.
    pub fn other_process(&self) -> Cache {
        self.redis.as_ref().map_or_else(|| self.cache.clone(), patient)
    }
}
