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
    assert_eq!(commands(&redis), BTreeMap::from([("del".to_owned(), 1)]));
}
