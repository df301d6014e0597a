//! The connection on which waiters are told is lost while they wait.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::admin::Admin;
use crate::service::{DEADLINE, SLACK, Service, patient};
use crate::support::{Redis, eventually};

/// Ends every connection that is told of changes; says how many there were.
fn kill_trackers(admin: &mut Admin) -> usize {
    let clients: String = admin.run(&["CLIENT", "LIST"]).expect("CLIENT LIST");
    let word =
        |line: &str, name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)).expect("a field").to_owned();
    let told = clients.lines().filter(|line| word(line, "flags=").contains('t'));
    let ids: Vec<String> = told.map(|line| word(line, "id=")).collect();
    for id in &ids {
        // One may have gone by itself.
        let _ = admin.run::<redis::Value>(&["CLIENT", "KILL", "ID", id]);
    }
    ids.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiters_whose_connection_is_killed_again_and_again_have_the_value_soon_after_it_is_there() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let service = Service::over(patient(&redis)).mutex().loading_for(Duration::from_millis(800));
    let other = service.through(patient(&redis));
    let loading = tokio::spawn({
        let service = service.clone();
        async move { service.read("k").await }
    });
    eventually("the load", async || service.loads.get() == 1).await;
    let mut waiters = JoinSet::new();
    for _ in 0..20 {
        let other = other.clone();
        waiters.spawn(async move { (other.read("k").await, Instant::now()) });
    }
    eventually("a waiter", async || other.cache.stats().total().lock_waits > 0).await;
    let mut killed = 0;
    while !loading.is_finished() {
        killed += kill_trackers(&mut admin);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(loading.await.expect("no panic").value, 1);
    let there = Instant::now();
    for (answer, at) in waiters.join_all().await {
        assert_eq!(answer.value, 1);
        // At the latest when it looks again by itself.
        assert!(at < there + Duration::from_millis(500) + DEADLINE + SLACK, "{answer:?}");
    }
    assert!(killed > 1, "{killed} connections killed");
    assert_eq!(service.loads.get(), 1);
}
