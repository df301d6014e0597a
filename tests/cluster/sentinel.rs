//! A master that sentinels watch: what takes its place is used as soon as they name it.

use std::time::{Duration, Instant};

use cached_runtime::Cache;

use crate::nodes::until;
use crate::server::Server;
use crate::service::{DEADLINE, SLACK, Service};

/// Within this a master that the sentinels name is used.
const RECOVERY: Duration = Duration::from_millis(1_500);

/// A master, its replica and three sentinels.
struct Watched {
    master: Server,
    replica: Server,
    sentinels: Vec<Server>,
}

impl Watched {
    fn start() -> Self {
        let master = Server::start(&["--repl-diskless-sync-delay", "0"]);
        let port = master.port.to_string();
        let replica = Server::start(&["--replicaof", "127.0.0.1", &port]);
        until("the replica follows", || {
            replica.must::<String>(&["INFO", "replication"]).contains("master_link_status:up")
        });
        let watch = format!(
            "sentinel monitor mymaster 127.0.0.1 {port} 2\nsentinel down-after-milliseconds mymaster 500\n\
             sentinel failover-timeout mymaster 2000\n"
        );
        let sentinels: Vec<_> = (0..3).map(|_| Server::sentinel(&watch)).collect();
        until("the sentinels know each other and the replica", || {
            sentinels.iter().all(|sentinel| {
                let known: String = sentinel.must(&["INFO", "sentinel"]);
                known.contains("status=ok") && known.contains("slaves=1,sentinels=3")
            })
        });
        Self { master, replica, sentinels }
    }

    fn cache(&self) -> Cache {
        let builder = Cache::builder().sentinel(self.sentinels.iter().map(Server::url), "mymaster");
        builder.prefix("test").build().expect("a cache")
    }

    /// Waits until every sentinel names the replica, so that the last of them counts; says when the first did.
    async fn named(&self) -> Instant {
        let named = |sentinel: &Server| {
            let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"];
            sentinel.must::<(String, u16)>(&words).1 == self.replica.port
        };
        crate::support::eventually("the replica is named", async || self.sentinels.iter().any(named)).await;
        Instant::now()
    }
}

async fn hits_again_after(end: impl FnOnce(&mut Server)) {
    let mut watched = Watched::start();
    let service = Service::over(watched.cache()).mutex();
    let other = service.through(watched.cache());
    for id in ["k", "other"] {
        service.until_hit(id).await;
        other.hit(id).await;
    }
    assert_eq!(watched.master.must::<u64>(&["WAIT", "1", "5000"]), 1);

    end(&mut watched.master);
    service.write();
    assert!(service.invalidate("k").await.is_err(), "nobody can have acknowledged it");
    for _ in 0..20 {
        let answer = service.read("k").await;
        assert_eq!(answer.value, 2, "an invalidated value was served");
        assert!(answer.took < DEADLINE + service.load + SLACK, "{answer:?}");
    }
    let named = watched.named().await;
    let slow = service.until_hit("k").await.max(other.until_hit("other").await);
    assert!(named.elapsed() < RECOVERY, "hits {:?} after the replica was named ({slow:?})", named.elapsed());
    // The replica had the old value: the invalidation was delivered to it before it was used.
    assert_eq!(service.hit("k").await, 2);
    service.write();
    service.invalidate("k").await.expect("the new master takes invalidations");
    assert_eq!(other.read("k").await.value, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_master_is_replaced_by_the_one_that_the_sentinels_name() {
    hits_again_after(Server::kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_master_is_replaced_by_the_one_that_the_sentinels_name() {
    hits_again_after(|server| server.pause()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_was_made_a_replica_is_left_for_the_new_one() {
    let watched = Watched::start();
    let service = Service::over(watched.cache()).mutex();
    service.until_hit("k").await;
    service.write();
    watched.sentinels[0].must::<()>(&["SENTINEL", "FAILOVER", "mymaster"]);
    let named = watched.named().await;
    while service.invalidate("k").await.is_err() {
        assert!(named.elapsed() < Duration::from_secs(5), "no invalidation lands on the new master");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(service.read("k").await.value, 2);
    service.until_hit("k").await;
    assert_eq!(watched.replica.must::<u64>(&["EXISTS", &Service::entry("k")]), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_that_refuse_the_user_name_a_master_that_does() {
    let master = Server::start(&[]);
    let sentinels = [Server::sentinel(&format!("sentinel monitor mymaster 127.0.0.1 {} 1\n", master.port))];
    master.must::<()>(&["ACL", "SETUSER", "shop", "on", ">hunter2", "~*", "&*", "+@all"]);
    master.must::<()>(&["ACL", "SETUSER", "default", "off"]);
    // One that is gone is no reason to wait for it.
    let list = format!("127.0.0.1:1,127.0.0.1:{}", sentinels[0].port);
    let url = format!("redis+sentinel://shop:hunter2@{list}/mymaster/3");
    let cache = Cache::builder().redis(url).prefix("test").timeout(Duration::from_secs(2)).build().expect("a cache");
    let service = Service::over(cache).mutex();
    service.until_hit("k").await;
    let mut admin = redis::Client::open(format!("redis://shop:hunter2@127.0.0.1:{}/3", master.port))
        .and_then(|client| client.get_connection())
        .expect("a connection");
    let held: u64 = redis::cmd("EXISTS").arg(Service::entry("k")).query(&mut admin).expect("EXISTS");
    assert_eq!(held, 1, "the URL's database is the master's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_no_sentinel_knows_costs_nothing_but_the_load() {
    let sentinel = Server::sentinel("");
    let cache = Cache::builder().sentinel([sentinel.url()], "nobody").build().expect("a cache");
    let service = Service::over(cache);
    service.uncached_times("k", 20).await;
}
