//! What a user must be allowed at least: the list of docs/servers.md, word by word.

use std::collections::HashMap;
use std::time::Duration;

use cached_runtime::{Cache, Health, cached, key, write_through};
use tokio::task::JoinSet;

use crate::figures::field;
use crate::server::Server;
use crate::service::{SLACK, Service};
use crate::support::documented_user;

fn cache(server: &Server) -> Cache {
    let url = server.url().replace("redis://", "redis://cache:password@");
    Cache::builder().redis(url).prefix("test").timeout(Duration::from_secs(2)).build().expect("a cache")
}

#[cached(key = "user:<id>", ttl = 60, tag = "org:<org>", cache = cache.clone(), skip(cache, version))]
async fn find(cache: &Cache, org: u64, id: u64, version: u64) -> u64 {
    version
}

#[cached(key = "user:<id>", ttl = 60, mutex, each = id in ids, cache = cache.clone(), skip(cache))]
async fn find_all(cache: &Cache, ids: &[u64]) -> Vec<Option<u64>> {
    ids.iter().copied().map(Some).collect()
}

#[write_through(key = "written:<id>", ttl = 60, cache = cache.clone())]
async fn set(cache: &Cache, id: u64) -> u64 {
    id
}

on_every_server! {
    async fn a_user_with_the_documented_rules_lacks_nothing(server: &Server) {
        server.must::<()>(&documented_user());
        let service = Service::over(cache(server)).mutex().loading_for(Duration::from_millis(300)).lease(SLACK);
        let other = service.through(cache(server));
        let mut callers = JoinSet::new();
        for service in [&service, &other] {
            for _ in 0..10 {
                let service = service.clone();
                callers.spawn(async move { service.read("k").await });
            }
        }
        callers.join_all().await;
        assert_eq!(service.loads.get(), 1);
        assert_ne!(field(server, "clients", "tracking_clients").as_deref(), Some("0"), "nobody is told");

        let cache = &service.cache;
        assert_eq!(find(cache, 1, 1, 1).await, 1);
        assert_eq!(find(cache, 1, 1, 2).await, 1, "a hit");
        cache.invalidate_tag(&key!("org:1")).await.expect("an invalidation");
        assert_eq!(find(cache, 1, 1, 2).await, 2);
        assert_eq!(find_all(cache, &[2, 3]).await, [Some(2), Some(3)]);
        assert_eq!(set(cache, 1).await, 1);
        server.must::<()>(&["RPUSH", "test:row:list", "1"]);
        assert!(service.read("list").await.loaded);
        service.hit("list").await;
        cache.put(&key!("put"), &1_u64, Duration::from_secs(60)).await.expect("room");
        cache.clear().await.expect("a clear");
        // As after an outage.
        server.must::<()>(&["CLIENT", "KILL", "TYPE", "normal"]);
        service.until_hit("k").await;
        assert_eq!(cache.health(), Health::Up);

        let denied: Vec<HashMap<String, redis::Value>> = server.must(&["ACL", "LOG"]);
        let denied = denied.iter().filter_map(|entry| redis::from_redis_value_ref::<String>(entry.get("object")?).ok());
        // The client library says its name, and does without; Redis 6.2 does not say which `CLIENT` it was.
        let lacking: Vec<String> = denied.filter(|object| object != "client|setinfo" && object != "client").collect();
        assert!(lacking.is_empty(), "denied: {lacking:?}");
    }
}
