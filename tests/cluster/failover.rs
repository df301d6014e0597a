//! A master that dies or hangs: its own keys run uncached until its replica has taken over, all others stay hits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cached_runtime::Health;
use tokio::task::JoinSet;

use crate::nodes::{Nodes, until};
use crate::server::Server;
use crate::service::{DEADLINE, RECOVERY, SLACK, Service};

fn is_master(server: &Server) -> bool {
    server.ask::<String>(&["INFO", "replication"]).is_ok_and(|info| info.contains("role:master"))
}

/// How often keys of the masters that go on were read, and which of those reads were no hits.
struct Bystanders {
    over: Arc<AtomicBool>,
    readers: JoinSet<(u64, Vec<String>)>,
}

impl Bystanders {
    async fn of(service: &Service, ids: Vec<String>) -> Self {
        let over = Arc::<AtomicBool>::default();
        let mut readers = JoinSet::new();
        for ids in ids.chunks(ids.len().div_ceil(4)) {
            let (service, ids, over) = (service.clone(), ids.to_vec(), Arc::clone(&over));
            for id in &ids {
                service.until_hit(id).await;
            }
            readers.spawn(async move {
                let (mut read, mut misses) = (0, Vec::new());
                while !over.load(Ordering::SeqCst) {
                    for id in &ids {
                        let answer = service.read(id).await;
                        read += 1;
                        if answer.loaded {
                            misses.push(format!("{id}: {answer:?}"));
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                (read, misses)
            });
        }
        Self { over, readers }
    }

    async fn were_hits_throughout(self) {
        self.over.store(true, Ordering::SeqCst);
        for (read, misses) in self.readers.join_all().await {
            assert!(read > 100, "read only {read} times");
            assert!(misses.is_empty(), "{} of {read} reads were no hits, first {:?}", misses.len(), misses.first());
        }
    }
}

/// The first master's, the second's or the third's end, with the epoch on one of them.
async fn others_stay_hits(master: usize, end: impl FnOnce(&mut Server)) {
    let mut nodes = Nodes::start();
    let service = Service::over(nodes.cache()).mutex();
    let own = nodes.ids_of(master, 10);
    for id in &own {
        service.until_hit(id).await;
    }
    let others = (0..3).filter(|other| *other != master).flat_map(|other| nodes.ids_of(other, 10)).collect();
    let bystanders = Bystanders::of(&service, others).await;

    end(&mut nodes.servers[master]);
    let ended = Instant::now();
    // What is written meanwhile is not forgotten, and its old value not served.
    service.write();
    assert!(service.invalidate(&own[0]).await.is_err(), "nobody can have acknowledged it");
    let mut promoted = None;
    let mut known_as = Health::Up;
    while promoted.is_none() {
        for id in &own[1..] {
            let answer = service.read(id).await;
            assert!(answer.took < DEADLINE + service.load + SLACK, "{answer:?}");
        }
        known_as = if service.cache.health() == Health::Up { known_as } else { service.cache.health() };
        assert_eq!(service.read(&own[0]).await.value, 2, "an invalidated value was served");
        assert!(ended.elapsed() < Duration::from_secs(15), "no replica was promoted");
        promoted = is_master(&nodes.servers[master + 3]).then(Instant::now);
    }
    for id in &own {
        service.until_hit(id).await;
    }
    let recovery = promoted.expect("a new master").elapsed();
    assert!(recovery < RECOVERY, "its keys are hits {recovery:?} after the replica took over");
    assert_eq!(service.hit(&own[0]).await, 2);
    assert!(matches!(known_as, Health::Degraded { .. }), "{known_as:?}");
    bystanders.were_hits_throughout().await;
    service.invalidate(&own[1]).await.expect("the new master takes invalidations");
    assert_eq!(service.read(&own[1]).await.value, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_other_masters_stay_hits_while_the_first_is_killed() {
    others_stay_hits(0, Server::kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_other_masters_stay_hits_while_the_second_is_killed() {
    others_stay_hits(1, Server::kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_other_masters_stay_hits_while_the_third_is_killed() {
    others_stay_hits(2, Server::kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_other_masters_stay_hits_while_one_hangs() {
    others_stay_hits(1, |server| server.pause()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_was_promoted_without_the_latest_invalidations_hears_of_them_first() {
    let mut nodes = Nodes::start();
    let service = Service::over(nodes.cache()).mutex();
    let id = nodes.ids_of(0, 1).remove(0);
    service.until_hit(&id).await;
    assert_eq!(nodes.servers[0].must::<u64>(&["WAIT", "1", "5000"]), 1);
    let entry = Service::entry(&id);
    until("the replica has the value", || nodes.servers[3].must::<Vec<String>>(&["KEYS", "*"]).contains(&entry));
    // The replica hears nothing more: stopped it cannot connect again, and nothing waits in its socket.
    nodes.servers[3].pause();
    assert_eq!(nodes.servers[0].must::<u64>(&["CLIENT", "KILL", "TYPE", "replica"]), 1);
    service.write();
    service.invalidate(&id).await.expect("the master acknowledges it");
    nodes.servers[0].kill();
    nodes.servers[3].resume();
    let began = Instant::now();
    while service.read(&id).await.loaded {
        assert!(began.elapsed() < Duration::from_secs(15), "never a hit again");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(service.hit(&id).await, 2, "the promoted replica served what had been invalidated");
}
