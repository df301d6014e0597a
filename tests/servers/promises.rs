//! The main promises, on each server. `scripts/test` runs all of `tests/behaviour` on them besides.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cached_runtime::{Cache, Health, cached, key, write_through};
use tokio::sync::{RwLock, Semaphore};
use tokio::task::JoinSet;

use crate::figures::field;
use crate::server::Server;
use crate::service::{RECOVERY, SLACK, Service};

fn cache(server: &Server) -> Cache {
    let builder = Cache::builder().redis(server.url()).prefix("test");
    builder.timeout(Duration::from_secs(2)).build().expect("a cache")
}

/// Users with one version, whose loads wait at a gate once they have read it: whoever writes to it closes it.
#[derive(Clone)]
struct Users {
    cache: Cache,
    version: Arc<AtomicU64>,
    reached: Arc<Semaphore>,
    gate: Arc<RwLock<()>>,
}

impl Users {
    fn over(cache: Cache) -> Self {
        let (reached, gate) = (Arc::new(Semaphore::new(0)), Arc::default());
        Self { cache, version: Arc::new(AtomicU64::new(1)), reached, gate }
    }

    #[cached(key = "user:<id>", ttl = 86_400, tag = "org:<org>", cache = self.cache.clone())]
    async fn find(&self, org: u64, id: u64) -> u64 {
        let version = self.version.load(Ordering::SeqCst);
        self.reached.add_permits(1);
        let _passed = self.gate.read().await;
        version
    }

    #[cached(key = "plain:<id>", ttl = 60, cache = self.cache.clone())]
    async fn plain(&self, id: u64) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    #[write_through(key = "plain:<id>", ttl = 60, cache = self.cache.clone())]
    async fn set(&self, id: u64) -> u64 {
        let version = self.version.fetch_add(1, Ordering::SeqCst) + 1;
        self.reached.add_permits(1);
        let _passed = self.gate.read().await;
        version
    }
}

on_every_server! {
    async fn what_one_process_stored_is_a_hit_of_the_other(server: &Server) {
        let service = Service::over(cache(server)).mutex();
        let other = service.through(cache(server));
        assert!(service.read("k").await.loaded);
        service.write();
        assert_eq!(other.hit("k").await, 1);
        assert_eq!(service.cache.health(), Health::Up);
        let kept: i64 = server.must(&["PTTL", &Service::entry("k")]);
        assert!((1..=60_000).contains(&kept), "it stays for {kept} ms");
    }

    async fn a_load_from_before_an_invalidation_is_not_stored_after_it(server: &Server) {
        let users = Users::over(cache(server));
        users.find(1, 0).await;
        for tagged in [false, true] {
            let id = u64::from(tagged) + 1;
            let before = users.reached.available_permits();
            let closed = users.gate.write().await;
            let late = tokio::spawn({ let users = users.clone(); async move { users.find(1, id).await } });
            while users.reached.available_permits() < before + 1 {
                tokio::task::yield_now().await;
            }
            let fresh = users.version.fetch_add(1, Ordering::SeqCst) + 1;
            let other = cache(server);
            if tagged {
                other.invalidate_tag(&key!("org:1")).await.expect("an invalidation");
            } else {
                other.invalidate(&key!("user:<id>")).await.expect("an invalidation");
            }
            drop(closed);
            assert_eq!(late.await.expect("a load"), fresh - 1);
            assert_eq!(users.find(1, id).await, fresh, "the late load was stored (tag: {tagged})");
        }
    }

    async fn callers_of_two_processes_share_one_load_and_are_woken(server: &Server) {
        let service = Service::over(cache(server)).mutex().loading_for(Duration::from_millis(300));
        let other = service.through(cache(server));
        let mut callers = JoinSet::new();
        for service in [&service, &other] {
            for _ in 0..20 {
                let service = service.clone();
                callers.spawn(async move { service.read("k").await });
            }
        }
        for answer in callers.join_all().await {
            assert_eq!(answer.value, 1);
            assert!(answer.took < service.load + SLACK, "{answer:?}");
        }
        assert_eq!(service.loads.get(), 1);
        let tracking = field(server, "clients", "tracking_clients").expect("the server counts them");
        assert_ne!(tracking, "0", "nobody is told");
    }

    async fn a_tag_outlives_its_entries_and_invalidates_them(server: &Server) {
        let users = Users::over(cache(server));
        users.find(1, 1).await;
        let lives = |pattern: &str| -> Vec<i64> {
            let keys: Vec<String> = server.must(&["KEYS", pattern]);
            keys.iter().map(|key| server.must(&["PTTL", key])).collect()
        };
        let entry = lives("test:user:1")[0];
        let tags = lives("test:*org:1*");
        assert!(!tags.is_empty() && tags.iter().all(|tag| *tag > entry), "tags live {tags:?} ms, entries {entry}");

        users.version.store(2, Ordering::SeqCst);
        assert_eq!(users.find(1, 1).await, 1, "a hit");
        // A process that sees the tag again does not shorten its life.
        Users::over(cache(server)).find(1, 1).await;
        assert!(lives("test:*org:1*").iter().all(|tag| *tag > entry));
        users.cache.invalidate_tag(&key!("org:1")).await.expect("an invalidation");
        assert_eq!(users.find(1, 1).await, 2);
    }

    async fn what_was_written_through_is_a_hit_unless_two_writers_overlapped(server: &Server) {
        let users = Users::over(cache(server));
        let written = users.set(1).await;
        assert_eq!(users.plain(1).await, written);
        assert_eq!(server.must::<u64>(&["EXISTS", "test:plain:1"]), 1);

        let before = users.reached.available_permits();
        let closed = users.gate.write().await;
        let overlapping: Vec<_> = (0..2)
            .map(|_| { let users = users.clone(); tokio::spawn(async move { users.set(1).await }) })
            .collect();
        while users.reached.available_permits() < before + 2 {
            tokio::task::yield_now().await;
        }
        drop(closed);
        for writer in overlapping {
            writer.await.expect("a write");
        }
        assert_eq!(server.must::<u64>(&["EXISTS", "test:plain:1"]), 0, "nobody knows whose value is the newer one");
        assert_eq!(users.plain(1).await, 4);
    }

    async fn a_value_of_another_kind_is_replaced(server: &Server) {
        let service = Service::over(cache(server)).mutex();
        server.must::<()>(&["RPUSH", &Service::entry("k"), "1"]);
        assert!(service.read("k").await.loaded);
        service.hit("k").await;
        assert_eq!(server.must::<String>(&["TYPE", &Service::entry("k")]), "string");
    }

    async fn what_a_full_server_has_stays_a_hit_and_is_invalidated(server: &Server) {
        let service = Service::over(cache(server)).mutex();
        for id in ["kept", "k"] {
            service.until_hit(id).await;
        }
        server.must::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
        for _ in 0..10 {
            service.hit("kept").await;
            service.uncached("new").await;
        }
        service.write();
        service.invalidate("k").await.expect("a full server deletes");
        assert_eq!(service.uncached("k").await.value, 2);
        let health = service.cache.health();
        assert!(matches!(&health, Health::Degraded { reason } if reason.contains("out of memory")), "{health:?}");
        assert_eq!(service.cache.stats().breaker_opened, 0, "it is no reason to give the server up");
        server.must::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
        service.until_hit("k").await;
    }

    async fn a_server_that_takes_no_writes_serves_no_hit(server: &Server) {
        let service = Service::over(cache(server)).mutex();
        service.until_hit("k").await;
        // Nothing listens on port 1.
        server.must::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
        service.write();
        for _ in 0..10 {
            assert_eq!(service.uncached("k").await.value, 2, "an invalidation could not have landed");
        }
        assert!(matches!(service.cache.health(), Health::Degraded { .. }));
        assert!(service.invalidate("k").await.is_err());
        server.must::<()>(&["REPLICAOF", "NO", "ONE"]);
        let recovery = service.until_hit("k").await;
        assert!(recovery < RECOVERY, "hits after {recovery:?}");
        assert_eq!(service.hit("k").await, 2);
    }
}
