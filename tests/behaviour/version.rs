//! Schema versions of one value, side by side as in a rolling deploy.

use std::time::Duration;

use cached_runtime::{Cache, Policy, cached, key};

use crate::gate::Gate;
use crate::promises;
use crate::support::{Count, eventually};

mod old {
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    pub struct Document {
        pub load: u64,
    }
}

mod new {
    /// The old one's JSON would decode as this: only the version tells them apart.
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    pub struct Document {
        #[serde(default)]
        pub load: u64,
        #[serde(default)]
        pub author: String,
    }
}

struct Documents {
    cache: Cache,
    old_loads: Count,
    new_loads: Count,
}

impl Documents {
    fn over(cache: &Cache) -> Self {
        Self { cache: cache.clone(), old_loads: Count::default(), new_loads: Count::default() }
    }

    #[cached(key = "document:<id>", ttl = 60, cache = self.cache.clone())]
    async fn before_the_deploy(&self, id: u32) -> Result<old::Document, String> {
        Ok(old::Document { load: self.old_loads.add() })
    }

    #[cached(key = "document:<id>", ttl = 60, version = 2, cache = self.cache.clone())]
    async fn after_the_deploy(&self, id: u32) -> Result<new::Document, String> {
        Ok(new::Document { load: self.new_loads.add(), author: "ann".to_owned() })
    }

    #[cached(key = "document:<id>", ttl = 60, mutex, cache = self.cache.clone())]
    async fn one_before_the_deploy(&self, id: u32) -> Result<old::Document, String> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Ok(old::Document { load: self.old_loads.add() })
    }

    #[cached(key = "document:<id>", ttl = 60, mutex, version = 2, cache = self.cache.clone())]
    async fn one_after_the_deploy(&self, id: u32) -> Result<new::Document, String> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Ok(new::Document { load: self.new_loads.add(), author: "ann".to_owned() })
    }
}

/// A table that the new build has filled and the old one does not know.
#[derive(Clone)]
struct Table {
    cache: Cache,
    gate: Gate,
}

impl Table {
    #[cached(key = "table:<id>", ttl = 60, mutex, cache = self.cache.clone())]
    async fn before_the_deploy(&self, id: u32) -> Option<u32> {
        self.gate.pass().await;
        None
    }

    #[cached(key = "table:<id>", ttl = 60, version = 2, mutex, cache = self.cache.clone())]
    async fn after_the_deploy(&self, id: u32) -> Option<u32> {
        Some(id)
    }
}

fn old(load: u64) -> Result<old::Document, String> {
    Ok(old::Document { load })
}

fn new(load: u64) -> Result<new::Document, String> {
    Ok(new::Document { load, author: "ann".to_owned() })
}

promises! {
    async fn another_version_is_a_miss_and_a_lower_one_never_overwrites_a_higher_one(world: World) {
        let documents = Documents::over(&world.cache);
        assert_eq!(documents.before_the_deploy(1).await, old(1));
        assert_eq!(documents.before_the_deploy(1).await, old(1), "a hit while there is no newer one");
        assert_eq!(documents.after_the_deploy(1).await, new(1), "an old value is a miss");
        // In turn, as two processes of a rolling deploy would: the new one hits, the old one loads.
        for turn in 2..6 {
            assert_eq!(documents.before_the_deploy(1).await, old(turn));
            assert_eq!(documents.after_the_deploy(1).await, new(1), "the old version overwrote the new one");
        }
    }

    async fn a_lower_version_stores_nothing_where_the_higher_one_came_first(world: World) {
        let documents = Documents::over(&world.cache);
        assert_eq!(documents.after_the_deploy(1).await, new(1));
        assert_eq!(documents.before_the_deploy(1).await, old(1));
        assert_eq!(documents.before_the_deploy(1).await, old(2));
        assert_eq!(documents.after_the_deploy(1).await, new(1));
    }

    async fn an_invalidation_reaches_every_version(world: World) {
        let documents = Documents::over(&world.cache);
        documents.before_the_deploy(1).await.unwrap();
        world.cache.invalidate(&key!("document:1")).await.unwrap();
        assert_eq!(documents.before_the_deploy(1).await, old(2));
        assert_eq!(documents.after_the_deploy(1).await, new(1));
        world.cache.invalidate(&key!("document:1")).await.unwrap();
        assert_eq!(documents.after_the_deploy(1).await, new(2));
        world.cache.invalidate(&key!("document:1")).await.unwrap();
        // Nothing newer is left: the old version may store again.
        assert_eq!(documents.before_the_deploy(1).await, old(3));
        assert_eq!(documents.before_the_deploy(1).await, old(3));
    }

    async fn both_versions_at_once_get_values_of_their_own(world: World) {
        let documents = Documents::over(&world.cache);
        let elsewhere = Documents { cache: world.other_process(), ..Documents::over(&world.cache) };
        for id in 0..20 {
            let (a, b, c, d) = tokio::join!(
                documents.one_before_the_deploy(id),
                documents.one_after_the_deploy(id),
                elsewhere.one_before_the_deploy(id),
                elsewhere.one_after_the_deploy(id),
            );
            assert!(a.is_ok() && c.is_ok());
            assert_eq!(b.unwrap().author, "ann", "an old value was shared");
            assert_eq!(d.unwrap().author, "ann", "an old value was shared");
            // Whoever was faster: from now on the new version hits.
            let settled = documents.one_after_the_deploy(id).await;
            documents.one_before_the_deploy(id).await.unwrap();
            assert_eq!(documents.one_after_the_deploy(id).await, settled);
        }
    }

    async fn an_absence_of_another_version_is_not_for_those_who_wait(world: World) {
        let here = Table { cache: world.cache.clone(), gate: Gate::closed() };
        let elsewhere = Table { cache: world.other_process(), ..here.clone() };
        let leader = here.clone();
        let leader = tokio::spawn(async move { leader.before_the_deploy(1).await });
        here.gate.entered(1).await;
        let waiting = elsewhere.clone();
        let waiting = tokio::spawn(async move { futures_util::future::join_all((0..5).map(|_| waiting.after_the_deploy(1))).await });
        if world.redis.is_some() {
            eventually("the other process does not wait", async || elsewhere.cache.stats().total().lock_waits > 0).await;
        }
        here.gate.open();
        assert_eq!(leader.await.unwrap(), None);
        assert_eq!(waiting.await.unwrap(), [Some(1); 5]);
    }

    async fn a_version_counts_without_the_macro_too(world: World) {
        let policy = Policy::ttl(Duration::from_secs(60));
        let load = |version: u32| {
            let cache = world.cache.clone();
            let policy = policy.version(version);
            async move { cache.get_or_load(key!("k"), policy, || async { Ok::<_, ()>(version) }).await }
        };
        assert_eq!(load(1).await, Ok(1));
        assert_eq!(load(3).await, Ok(3));
        assert_eq!(load(2).await, Ok(2));
        world.cache.put(&key!("k"), &30_u32, policy.version(3)).await.unwrap();
        assert_eq!(load(3).await, Ok(30));
        assert_eq!(load(2).await, Ok(2));
    }
}
