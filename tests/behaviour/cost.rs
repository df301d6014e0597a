//! What a call costs in Redis commands.

use std::collections::BTreeMap;

use cached_runtime::{Cache, cached, key};

use crate::patience::patient;
use crate::support::{Count, Redis};

struct Users {
    cache: Cache,
    loads: Count,
}

impl Users {
    #[cached(key = "user:<id>", ttl = 60, mutex, cache = self.cache.clone())]
    async fn find(&self, id: u64) -> Result<Option<u64>, String> {
        self.loads.add();
        Ok(Some(id))
    }

    #[cached(key = "free:<id>", ttl = 60, cache = self.cache.clone())]
    async fn find_without_mutex(&self, id: u64) -> Option<u64> {
        self.loads.add();
        Some(id)
    }
}

impl Users {
    #[cached(key = "user:<id>", ttl = 60, mutex, each = id in ids, cache = self.cache.clone())]
    async fn find_all(&self, ids: &[u64]) -> Vec<Option<u64>> {
        self.loads.add();
        ids.iter().copied().map(Some).collect()
    }
}

/// How often Redis had to read from its clients since the last look.
pub fn reads(redis: &Redis) -> u64 {
    let stats: String = redis.command(&["INFO", "stats"]);
    redis.command::<()>(&["CONFIG", "RESETSTAT"]);
    let reads = stats.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
    reads.expect("Redis counts its reads").trim().parse().expect("a number")
}

/// How often each command was sent by clients since the last look. Commands inside a script are not sent.
fn commands(redis: &Redis) -> BTreeMap<String, u64> {
    let stats: String = redis.command(&["INFO", "commandstats"]);
    redis.command::<()>(&["CONFIG", "RESETSTAT"]);
    let line = |line: &str| {
        let (name, figures) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), figures.split(',').next()?.parse().ok()?))
    };
    let ours = ["info", "config|resetstat", "hello", "client|setinfo"];
    stats.lines().filter_map(line).filter(|(name, _)| !ours.contains(&&**name)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hit_is_one_command_and_a_cold_miss_is_two() {
    let redis = Redis::start();
    let users = Users { cache: patient(&redis), loads: Count::default() };
    users.find(0).await.unwrap();
    users.cache.invalidate(&key!("user:0")).await.unwrap();
    commands(&redis);
    for id in 0..10 {
        users.find(id).await.unwrap();
        users.find_without_mutex(id).await.unwrap();
    }
    let cold = commands(&redis);
    assert_eq!(users.loads.get(), 21);
    // The acquisition and the script; inside the script, a look and the value.
    assert_eq!(cold.get("evalsha"), Some(&20), "{cold:?}");
    assert_eq!(cold.get("set"), Some(&40), "{cold:?}");
    assert_eq!(cold.get("getrange"), Some(&20), "{cold:?}");
    assert_eq!(cold.len(), 3, "{cold:?}");
    for id in 0..10 {
        users.find(id).await.unwrap();
        users.find_without_mutex(id).await.unwrap();
    }
    let hits = commands(&redis);
    assert_eq!(hits, BTreeMap::from([("set".to_owned(), 20)]), "a script or a second command on the way to a hit");
    users.cache.invalidate(&key!("user:0")).await.unwrap();
    // Inside of a script, which leaves what is queued for the database.
    let deleted = BTreeMap::from([("del", 1), ("evalsha", 1), ("getrange", 1)].map(|(name, n)| (name.to_owned(), n)));
    assert_eq!(commands(&redis), deleted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_one_round_trip_for_its_looks_and_one_for_its_stores() {
    let redis = Redis::start();
    let users = Users { cache: patient(&redis), loads: Count::default() };
    let ids: Vec<u64> = (0..100).collect();
    // With the connection, the scripts and the epoch.
    users.find_all(&[1000]).await;
    reads(&redis);
    let ours = reads(&redis);
    users.find_all(&ids[..60]).await;
    assert_eq!(reads(&redis) - ours, 2, "sixty looks, sixty stores");
    commands(&redis);
    users.find_all(&ids).await;
    let mixed = commands(&redis);
    // Inside of a script, a look and the value.
    let forty = BTreeMap::from([("set", 140), ("evalsha", 40), ("getrange", 40)].map(|(name, n)| (name.to_owned(), n)));
    assert_eq!(mixed, forty);
    reads(&redis);
    users.find_all(&ids).await;
    assert_eq!(reads(&redis) - ours, 1, "a hundred hits");
    assert_eq!(users.loads.get(), 3);
}
