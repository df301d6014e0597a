//! Redis 6.2 where it does not say so, or has forgotten the scripts.

use std::time::Duration;

use cached_runtime::{Cache, key};

use crate::figures::{commands, not_understood};
use crate::installed::{OLDEST, start};
use crate::logged;
use crate::service::Service;

/// A cache that logs in as a user who may not ask what server this is.
fn not_told(server: &crate::server::Server) -> Cache {
    server.must::<()>(&["ACL", "SETUSER", "shop", "on", ">pass", "~*", "&*", "+@all", "-info"]);
    let url = server.url().replace("redis://", "redis://shop:pass@");
    Cache::builder().redis(url).prefix("test").timeout(Duration::from_secs(2)).build().expect("a cache")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_say_what_it_is_corrects_us_once() {
    logged::listen();
    let Some(server) = start(OLDEST) else { return };
    let service = Service::over(not_told(&server)).mutex();
    assert!(service.read("k").await.loaded);
    service.write();
    assert_eq!(service.hit("k").await, 1, "already the first answer was a lease");
    let corrected = not_understood(&server);
    assert!((1..=3).contains(&corrected), "{corrected} commands were refused");
    for id in 0..10 {
        service.read(&id.to_string()).await;
        service.hit(&id.to_string()).await;
    }
    service.invalidate("k").await.expect("an invalidation");
    assert_eq!(service.read("k").await.value, 2);
    assert_eq!(not_understood(&server), corrected, "it is asked in its own words from then on");
    assert_eq!(logged::warnings(&["scripts are used instead"]), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_to_a_server_that_does_not_say_what_it_is_is_stored() {
    let Some(server) = start(OLDEST) else { return };
    let cache = not_told(&server);
    let ids: Vec<u64> = (0..20).collect();
    let first = find(&cache, &ids, 1).await;
    let corrected = not_understood(&server);
    assert!(corrected > 0, "the test is not about what it says");
    assert_eq!(find(&cache, &ids, 2).await, first, "hits");
    assert_eq!(not_understood(&server), corrected);
}

#[cached_runtime::cached(key = "user:<id>", ttl = 60, each = id in ids, cache = cache.clone(), skip(cache, version))]
async fn find(cache: &Cache, ids: &[u64], version: u64) -> Vec<Option<u64>> {
    ids.iter().map(|_| Some(version)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_its_scripts_is_told_again() {
    let Some(server) = start(OLDEST) else { return };
    let cache = Cache::builder().redis(server.url()).prefix("test").timeout(Duration::from_secs(2));
    let service = Service::over(cache.build().expect("a cache")).mutex();
    let ids: Vec<u64> = (0..20).collect();
    service.until_hit("k").await;
    server.must::<()>(&["SCRIPT", "FLUSH"]);
    service.hit("k").await;
    server.must::<()>(&["SCRIPT", "FLUSH"]);
    let first = find(&service.cache, &ids, 1).await;
    server.must::<()>(&["SCRIPT", "FLUSH"]);
    assert_eq!(find(&service.cache, &ids, 2).await, first, "hits");
    commands(&server);
    assert_eq!(find(&service.cache, &ids, 3).await, first);
    assert_eq!(commands(&server).get("eval"), None, "it has them again");
    service.write();
    service.cache.invalidate(&key!("row:k")).await.expect("an invalidation");
    assert_eq!(service.read("k").await.value, 2);
}
