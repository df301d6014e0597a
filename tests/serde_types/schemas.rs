//! Two builds of a type that derives `CacheSchema`, side by side as in a rolling deploy.

use std::fmt::Debug;
use std::time::Duration;

use cached_runtime::{Cache, CacheSchema, CacheValue, cached, key};

use crate::patience::PatientWorld;
use crate::promises;
use crate::support::{Count, eventually};

const READS: u64 = 20;

macro_rules! builds {
    ($($build:ident { $($(#[$meta:meta])* $name:ident { $($fields:tt)* })* })*) => {$(
        mod $build {
            $(
                #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, cached_runtime::CacheSchema)]
                $(#[$meta])*
                pub struct $name { $($fields)* }
            )*
        }
    )*};
}

builds! {
    old {
        User { pub id: u64, pub name: String }
        Order { pub id: u64, pub total: i64 }
        Shrunk { pub id: u64, pub legacy: String }
    }
    new {
        User { pub id: u64, pub name: String, #[serde(default)] pub phone: Option<String> }
        Order { pub id: String, pub total: i64 }
        Shrunk { pub id: u64 }
    }
    newest {
        Order { pub id: (u64, u64), pub total: i64 }
    }
}

struct Build {
    cache: Cache,
    loads: Count,
}

impl Build {
    fn over(cache: &Cache) -> Self {
        Self { cache: cache.clone(), loads: Count::default() }
    }

    #[cached(key = "row:<id>", ttl = 3600, skip(value), cache = self.cache.clone())]
    async fn read<T: CacheValue + CacheSchema + Clone>(&self, id: u32, value: &T) -> Result<Option<T>, String> {
        self.loads.add();
        Ok(Some(value.clone()))
    }

    #[cached(key = "row:<id>", ttl = 3600, version = 2, skip(value), cache = self.cache.clone())]
    async fn read_version_2<T: CacheValue + CacheSchema + Clone>(
        &self,
        id: u32,
        value: &T,
    ) -> Result<Option<T>, String> {
        self.loads.add();
        Ok(Some(value.clone()))
    }

    #[cached(key = "row:<id>", ttl = 3600, local, skip(value), cache = self.cache.clone())]
    async fn read_locally<T>(&self, id: u32, value: &T) -> Result<Option<T>, String>
    where
        T: CacheValue + CacheSchema + Clone + Send + Sync + 'static,
    {
        self.loads.add();
        Ok(Some(value.clone()))
    }

    /// Reads it, and says whether that was answered in this process.
    async fn hits_locally<T>(&self, id: u32, value: &T) -> bool
    where
        T: CacheValue + CacheSchema + Clone + PartialEq + Debug + Send + Sync + 'static,
    {
        let before = self.cache.stats().total().hits_local;
        assert_eq!(self.read_locally(id, value).await.unwrap().as_ref(), Some(value));
        self.cache.stats().total().hits_local > before
    }

    /// Reads it, and says whether that was a hit.
    async fn hits<T: CacheValue + CacheSchema + Clone + PartialEq + Debug>(&self, id: u32, value: &T) -> bool {
        let before = self.loads.get();
        assert_eq!(self.read(id, value).await.unwrap().as_ref(), Some(value));
        self.loads.get() == before
    }
}

/// The share of 20 reads each, in turn, that were hits: of the old build and of the new one.
async fn shares(mut reads: impl AsyncFnMut() -> (bool, bool)) -> (f64, f64) {
    let (mut old, mut new) = (0, 0);
    for _ in 0..READS {
        let (by_old, by_new) = reads().await;
        old += u64::from(by_old);
        new += u64::from(by_new);
    }
    (old as f64 / READS as f64, new as f64 / READS as f64)
}

async fn in_turn<O, N>(world: &PatientWorld, id: u32, old: &O, new: &N) -> (f64, f64)
where
    O: CacheValue + CacheSchema + Clone + PartialEq + Debug,
    N: CacheValue + CacheSchema + Clone + PartialEq + Debug,
{
    let (before, after) = (Build::over(&world.cache), Build::over(&world.other_process()));
    shares(async || (before.hits(id, old).await, after.hits(id, new).await)).await
}

/// How often this process or the other one has stored anything.
fn stores(world: &PatientWorld, other: &Build) -> u64 {
    let other = other.cache.stats().total().stores;
    // In memory they are one.
    if world.redis.is_some() { world.cache.stats().total().stores + other } else { other }
}

fn text(text: &str) -> String {
    text.to_owned()
}

promises! {
    async fn a_change_that_serde_reads_both_ways_shares_the_entry(world: World) {
        let old = old::User { id: 1, name: text("bob") };
        let new = new::User { id: 1, name: text("bob"), phone: None };
        let (by_old, by_new) = in_turn(&world, 1, &old, &new).await;
        assert!(by_old > 0.8 && by_new > 0.8, "the old build stored first: {by_old} and {by_new}");
        let (by_new, by_old) = in_turn(&world, 2, &new, &old).await;
        assert!(by_old > 0.8 && by_new > 0.8, "the new build stored first: {by_old} and {by_new}");
    }

    async fn an_incompatible_change_with_its_version_hits_in_the_new_build(world: World) {
        let old = old::Order { id: 1, total: 5 };
        let new = new::Order { id: text("1"), total: 5 };
        let (before, after) = (Build::over(&world.cache), Build::over(&world.other_process()));
        let (by_old, by_new) = shares(async || {
            let by_old = before.hits(1, &old).await;
            let loads = after.loads.get();
            assert_eq!(after.read_version_2(1, &new).await.unwrap().as_ref(), Some(&new));
            (by_old, after.loads.get() == loads)
        })
        .await;
        assert!(by_new > 0.8, "{by_new}");
        assert_eq!(by_old, 0.0, "an entry of the newer version was overwritten");
        assert_eq!(stores(&world, &after), 2, "one before the deploy and one after");
    }

    async fn builds_that_forgot_the_version_do_not_thrash(world: World) {
        let old = old::Order { id: 1, total: 5 };
        let new = new::Order { id: text("1"), total: 5 };
        let (before, after) = (Build::over(&world.cache), Build::over(&world.other_process()));
        let (by_old, by_new) = shares(async || (before.hits(1, &old).await, after.hits(1, &new).await)).await;
        assert!(by_new > 0.8 && by_old == 0.0, "the old build was there first: {by_old} and {by_new}");
        assert_eq!(stores(&world, &after), 2, "one before the deploy and one after");
        // After an invalidation nobody was there first, and one of them hits all the same.
        world.cache.invalidate(&key!("row:1")).await.unwrap();
        let (by_old, by_new) = in_turn(&world, 1, &old, &new).await;
        assert!(by_old.max(by_new) > 0.8, "{by_old} and {by_new}");
    }

    async fn who_cannot_read_an_entry_keeps_nothing_of_its_own_in_the_process(world: World) {
        let old = old::Order { id: 1, total: 5 };
        let new = new::Order { id: text("1"), total: 5 };
        let (before, after) = (Build::over(&world.cache), Build::over(&world.other_process()));
        assert!(!before.hits(1, &old).await && !after.hits(1, &new).await);
        eventually("a local hit of the new build", async || {
            assert!(!before.hits_locally(1, &old).await, "not what the store holds");
            after.hits_locally(1, &new).await
        })
        .await;
        for _ in 0..READS {
            assert!(!before.hits_locally(1, &old).await, "not what the store holds");
        }
        assert_eq!(stores(&world, &after), 2, "the old build's and the new one's");
        assert_eq!(after.loads.get(), 1);
    }

    async fn three_builds_that_forgot_the_version_do_not_thrash_either(world: World) {
        let builds = [(); 3].map(|()| Build::over(&world.other_process()));
        let newest = newest::Order { id: (1, 1), total: 5 };
        let mut hits = [0; 3];
        for _ in 0..READS {
            hits[0] += u64::from(builds[0].hits(1, &old::Order { id: 1, total: 5 }).await);
            hits[1] += u64::from(builds[1].hits(1, &new::Order { id: text("1"), total: 5 }).await);
            hits[2] += u64::from(builds[2].hits(1, &newest).await);
        }
        assert!(hits.iter().sum::<u64>() > READS * 8 / 10, "{hits:?}");
    }

    async fn a_change_that_only_one_side_reads_ends_in_hits_for_both(world: World) {
        let old = old::Shrunk { id: 1, legacy: text("x") };
        let new = new::Shrunk { id: 1 };
        let (by_new, by_old) = in_turn(&world, 1, &new, &old).await;
        assert!(by_old > 0.8 && by_new > 0.8, "{by_old} and {by_new}");
    }

    async fn an_absence_is_one_in_every_schema(world: World) {
        let (before, after) = (Build::over(&world.cache), Build::over(&world.other_process()));
        assert_eq!(before.known::<old::User>(1).await, None);
        assert_eq!(after.known::<new::User>(1).await, None);
        assert_eq!((before.loads.get(), after.loads.get()), (1, 0));
    }
}

impl Build {
    #[cached(key = "row:<id>", ttl = 3600, none_ttl = 3600, cache = self.cache.clone())]
    async fn known<T: CacheValue + CacheSchema>(&self, id: u32) -> Option<T> {
        self.loads.add();
        None
    }
}

/// An entry that nobody can read any more must not keep its place for as long as it lives.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_replaced_after_a_minute_at_the_latest() {
    let cache = Cache::in_memory();
    let build = Build::over(&cache);
    let old = old::Order { id: 1, total: 5 };
    let new = new::Order { id: text("1"), total: 5 };
    assert!(!build.hits(1, &old).await);
    assert!(!build.hits(1, &new).await);
    assert!(build.hits(1, &new).await, "it has taken the old one's place");
    // The new build is rolled back.
    for _ in 0..5 {
        assert!(!build.hits(1, &old).await, "the new one stays for now");
    }
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(!build.hits(1, &old).await);
    assert!(build.hits(1, &old).await);
}
