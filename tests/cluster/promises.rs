//! The main promises of the cache, over a cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cached_runtime::store::{Bytes, End, Ending, Filling, Store};
use cached_runtime::{Cache, Health, cached, invalidate, key, write_through};
use tokio::task::JoinSet;

use crate::nodes::Nodes;
use crate::service::{SLACK, Service};
use crate::support::{Count, eventually};

/// Enough keys that every master has some.
const MANY: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_stored_on_any_master_is_a_hit_of_the_other() {
    let nodes = Nodes::masters();
    let service = Service::over(nodes.patient()).mutex();
    let other = service.through(nodes.patient());
    for id in 0..MANY {
        let answer = service.read(&id.to_string()).await;
        assert!(answer.loaded);
        assert_eq!(other.hit(&id.to_string()).await, answer.value);
    }
    assert_eq!(service.cache.health(), Health::Up);
    let held: Vec<u64> = nodes.servers.iter().map(|server| server.must(&["DBSIZE"])).collect();
    assert!(held.iter().all(|held| *held > 3), "{held:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_of_two_processes_share_one_load_and_are_woken_by_the_master_of_their_key() {
    let nodes = Nodes::masters();
    let service = Service::over(nodes.patient()).mutex().loading_for(Duration::from_millis(300));
    let other = service.through(nodes.patient());
    for master in 0..3 {
        let id = nodes.ids_of(master, 1).remove(0);
        let before = service.loads.get();
        let mut callers = JoinSet::new();
        for service in [&service, &other] {
            for _ in 0..10 {
                let (service, id) = (service.clone(), id.clone());
                callers.spawn(async move { service.read(&id).await });
            }
        }
        for answer in callers.join_all().await {
            assert_eq!(answer.value, 1);
            assert!(answer.took < service.load + SLACK, "{answer:?}");
        }
        assert_eq!(service.loads.get(), before + 1);
        let tracking: u64 = info(&nodes.servers[master].must::<String>(&["INFO", "clients"]), "tracking_clients");
        assert!(tracking > 0, "nobody is told by the master of the key");
    }
}

fn info(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|value| value.trim().parse().ok()).expect("a number")
}

/// Users of organizations, all of them with one version.
#[derive(Clone)]
struct Users {
    cache: Cache,
    version: Arc<AtomicU64>,
    loads: Count,
}

impl Users {
    fn over(cache: Cache) -> Self {
        Self { cache, version: Arc::new(AtomicU64::new(1)), loads: Count::default() }
    }

    #[cached(key = "user:<id>", tag = "org:<org>", ttl = 60, cache = self.cache.clone())]
    async fn find(&self, org: u64, id: usize) -> u64 {
        self.loads.add();
        self.version.load(Ordering::SeqCst)
    }

    #[cached(key = "plain:<id>", ttl = 60, cache = self.cache.clone())]
    async fn plain(&self, id: usize) -> u64 {
        self.loads.add();
        self.version.load(Ordering::SeqCst)
    }

    #[invalidate(key = "plain:<one>", key = "plain:<other>", tag = "org:<org>", cache = self.cache.clone())]
    async fn change(&self, org: u64, one: usize, other: usize) -> Result<u64, String> {
        Ok(self.version.fetch_add(1, Ordering::SeqCst) + 1)
    }

    #[write_through(key = "plain:<id>", ttl = 60, cache = self.cache.clone())]
    async fn set(&self, id: usize) -> u64 {
        self.version.fetch_add(1, Ordering::SeqCst) + 1
    }

    async fn filled(&self, read: impl AsyncFn(usize) -> u64) {
        for id in 0..MANY {
            read(id).await;
        }
        let before = self.loads.get();
        for id in 0..MANY {
            read(id).await;
        }
        assert_eq!(self.loads.get(), before, "not all of them are hits");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tag_invalidates_entries_on_every_master() {
    let nodes = Nodes::masters();
    let users = Users::over(nodes.patient());
    users.filled(async |id| users.find(1, id).await).await;
    users.version.store(2, Ordering::SeqCst);
    users.cache.invalidate_tag(&key!("org:1")).await.expect("an invalidation");
    for id in 0..MANY {
        assert_eq!(users.find(1, id).await, 2, "user {id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clear_reaches_every_master_and_every_process() {
    let nodes = Nodes::masters();
    let users = Users::over(nodes.patient());
    let other = Users { cache: nodes.patient(), ..users.clone() };
    users.filled(async |id| users.plain(id).await).await;
    other.filled(async |id| other.plain(id).await).await;
    users.version.store(2, Ordering::SeqCst);
    users.cache.clear().await.expect("a clear");
    for id in 0..MANY {
        assert_eq!(other.plain(id).await, 2, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_of_keys_on_several_masters_makes_all_of_them_old() {
    let nodes = Nodes::masters();
    let users = Users::over(nodes.patient());
    for id in (0..MANY).step_by(2) {
        users.plain(id).await;
        users.plain(id + 1).await;
        users.find(7, id).await;
        let version = users.change(7, id, id + 1).await.expect("a write");
        assert_eq!([users.plain(id).await, users.plain(id + 1).await, users.find(7, id).await], [version; 3]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_through_is_a_hit_on_any_master() {
    let nodes = Nodes::masters();
    let users = Users::over(nodes.patient());
    for id in 0..MANY {
        let version = users.set(id).await;
        assert_eq!(users.plain(id).await, version);
    }
    assert_eq!(users.loads.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scripts_are_known_again_after_they_were_flushed_on_one_master() {
    let nodes = Nodes::masters();
    let service = Service::over(nodes.patient()).mutex();
    service.read("warm").await;
    nodes.servers[1].must::<()>(&["SCRIPT", "FLUSH"]);
    for id in nodes.ids_of(1, 5) {
        assert!(service.read(&id).await.loaded);
        service.hit(&id).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_over_many_slots_is_answered_in_order() {
    let nodes = Nodes::masters();
    let store: Arc<std::sync::OnceLock<Arc<dyn Store>>> = Arc::default();
    let seen = Arc::clone(&store);
    let wrapped = nodes.builder().timeout(Duration::from_secs(2)).wrap_store(move |store| {
        let _ = seen.set(Arc::clone(&store));
        store
    });
    let _cache = wrapped.build().expect("a cache");
    let store = store.get().expect("a store");
    let lease = |number: usize| {
        let mut lease = [0; 18];
        lease[..2].copy_from_slice(&[0xC5, b'L']);
        lease[2..10].copy_from_slice(&number.to_le_bytes());
        lease
    };
    let keys: Vec<(Arc<str>, _)> = (0..500).map(|id| (format!("test:b:{id}").into(), lease(id))).collect();
    let px = Duration::from_secs(30);
    let (held, _) = store.acquire_many(&keys, px, &[]).await.expect("leases");
    assert!(held.iter().all(|held| *held == Ok(None)));
    let endings: Vec<_> = keys
        .iter()
        .map(|(key, lease)| {
            let value = Bytes::from(format!("value of {key}"));
            let how = End::Fill(Filling { value, px: Some(px), tags: Vec::new() });
            Ending { key: Arc::clone(key), lease: *lease, how }
        })
        .collect();
    assert!(store.end_many(&endings).await.expect("fills").into_iter().all(|filled| filled == Ok(true)));
    let (held, _) = store.acquire_many(&keys, px, &[]).await.expect("values");
    for ((key, _), held) in keys.iter().zip(held) {
        assert_eq!(held, Ok(Some(Bytes::from(format!("value of {key}")))));
    }
    let names: Vec<_> = keys.iter().map(|(key, _)| Arc::clone(key)).collect();
    store.delete(&names).await.expect("deletions");
    let left: u64 = nodes.servers.iter().map(|server| server.must::<u64>(&["DBSIZE"])).sum();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_not_there_costs_nothing_but_the_load() {
    let cache = Cache::builder().cluster(["redis://127.0.0.1:1/", "redis://127.0.0.1:2/"]).build().expect("a cache");
    let service = Service::over(cache);
    service.uncached_times("k", 20).await;
    eventually("known to be down", async || {
        service.uncached("k").await;
        service.cache.health() == Health::Down
    })
    .await;
    let began = Instant::now();
    service.uncached("k").await;
    assert!(began.elapsed() < service.load + Duration::from_millis(50));
}

impl Users {
    #[cached(key = "local:<id>", tag = "org:<org>", ttl = 60, local, skip(org), cache = &self.cache)]
    async fn local(&self, org: u64, id: usize) -> u64 {
        self.loads.add();
        self.version.load(Ordering::SeqCst)
    }

    /// Whether every one of them was answered in this process, with this version.
    async fn all_local(&self, version: u64) -> bool {
        let before = self.cache.stats().total().hits_local;
        for id in 0..MANY {
            if self.local(1, id).await != version {
                return false;
            }
        }
        self.cache.stats().total().hits_local == before + MANY as u64
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_master_says_what_of_its_own_changes_and_all_of_them_that_all_did() {
    let nodes = Nodes::masters();
    let users = Users::over(nodes.patient());
    let other = Users { cache: nodes.patient(), ..users.clone() };
    let mut version = 1;
    for change in 0..4 {
        eventually("local hits of all masters", async || users.all_local(version).await).await;
        version = users.version.fetch_add(1, Ordering::SeqCst) + 1;
        let began = Instant::now();
        match change {
            0 => {
                for id in 0..MANY {
                    other.cache.invalidate(key!("local:<id>")).await.unwrap();
                }
            }
            1 => other.cache.invalidate_tag(key!("org:1")).await.unwrap(),
            2 => other.cache.clear().await.unwrap(),
            _ => users.cache.invalidate_tag(key!("org:1")).await.unwrap(),
        }
        // The cache that invalidates, and whoever comes after a clear, sees it at once.
        let patience = if change < 2 { Duration::from_secs(1) } else { Duration::ZERO };
        for id in 0..MANY {
            while users.local(1, id).await < version {
                assert!(began.elapsed() < patience + SLACK && change < 2, "{id} after change {change}");
                tokio::task::yield_now().await;
            }
        }
    }
}
