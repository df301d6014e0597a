//! What calls cost on each server: round trips, and commands.

use std::time::Duration;

use cached_runtime::{Cache, cached, key};

use crate::figures::{commands, not_understood, reads};
use crate::installed::{OLDEST, start};
use crate::server::Server;
use crate::support::Count;

struct Users {
    cache: Cache,
    loads: Count,
}

impl Users {
    fn over(server: &Server) -> Self {
        let cache = Cache::builder().redis(server.url()).prefix("test").timeout(Duration::from_secs(5));
        Self { cache: cache.build().expect("a cache"), loads: Count::default() }
    }

    #[cached(key = "user:<id>", ttl = 60, mutex, cache = self.cache.clone())]
    async fn find(&self, id: u64) -> u64 {
        self.loads.add();
        id
    }

    #[cached(key = "member:<id>", ttl = 60, tag = "org:<org>", cache = self.cache.clone())]
    async fn member(&self, org: u64, id: u64) -> u64 {
        self.loads.add();
        id
    }

    #[cached(key = "user:<id>", ttl = 60, mutex, each = id in ids, cache = self.cache.clone())]
    async fn find_all(&self, ids: &[u64]) -> Vec<Option<u64>> {
        self.loads.add();
        ids.iter().copied().map(Some).collect()
    }

    /// With the connection, the scripts and the epoch.
    async fn warm(&self) {
        self.find(1_000).await;
    }
}

/// Round trips of what is done, without that of looking at them.
async fn round_trips(server: &Server, done: impl Future) -> u64 {
    reads(server);
    let looking = reads(server);
    done.await;
    reads(server) - looking
}

on_every_server! {
    async fn a_hit_is_one_round_trip_and_a_cold_miss_two(server: &Server) {
        let users = Users::over(server);
        users.warm().await;
        users.member(2, 2).await;
        assert_eq!(not_understood(server), 0, "the server said what it can: nothing was tried in vain");
        assert_eq!(round_trips(server, users.find(1)).await, 2, "a miss");
        assert_eq!(round_trips(server, users.find(1)).await, 1, "a hit");
        assert_eq!(round_trips(server, users.member(1, 1)).await, 2, "a miss with a tag");
        assert_eq!(round_trips(server, users.member(1, 1)).await, 1, "a hit with a tag");
        assert_eq!(round_trips(server, users.cache.invalidate(&key!("user:1"))).await, 1, "an invalidation");
        assert_eq!(users.loads.get(), 4);
    }

    async fn a_batch_is_one_round_trip_for_its_looks_and_one_for_its_stores(server: &Server) {
        let users = Users::over(server);
        users.warm().await;
        let ids: Vec<u64> = (0..100).collect();
        assert_eq!(round_trips(server, users.find_all(&ids[..60])).await, 2, "sixty looks, sixty stores");
        assert_eq!(round_trips(server, users.find_all(&ids)).await, 2, "sixty hits, forty stores");
        assert_eq!(round_trips(server, users.find_all(&ids)).await, 1, "a hundred hits");
        assert_eq!(users.loads.get(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hit_is_one_command_and_only_before_7_0_a_script() {
    for on in ["installed", "redis-8.2", "valkey-8.1", "valkey-9.1", OLDEST] {
        let Some(server) = start(on) else { continue };
        let users = Users::over(&server);
        users.warm().await;
        users.find(1).await;
        commands(&server);
        users.find(1).await;
        let sent: Vec<(String, u64)> = commands(&server).into_iter().collect();
        let words: Vec<(&str, u64)> = sent.iter().map(|(name, count)| (&**name, *count)).collect();
        if on == OLDEST {
            assert_eq!(words, [("evalsha", 1), ("get", 1), ("set", 1)], "{on}");
        } else {
            assert_eq!(words, [("set", 1)], "{on}");
        }
    }
}
