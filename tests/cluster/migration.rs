//! Slots that move from one master to another while they are used: no caller notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cached_runtime::Cache;
use tokio::task::JoinSet;

use crate::nodes::Nodes;
use crate::service::Service;

/// Moves a slot with all of its keys, slowly enough that calls come in between.
async fn move_slot(nodes: &Nodes, slot: u16, from: usize, to: usize) {
    let slot = slot.to_string();
    let (from, to) = (&nodes.servers[from], &nodes.servers[to]);
    let (from_id, to_id): (String, String) = (from.must(&["CLUSTER", "MYID"]), to.must(&["CLUSTER", "MYID"]));
    let pause = || tokio::time::sleep(Duration::from_millis(30));
    to.must::<()>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]);
    from.must::<()>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]);
    pause().await;
    loop {
        let keys: Vec<String> = from.must(&["CLUSTER", "GETKEYSINSLOT", &slot, "10"]);
        if keys.is_empty() {
            break;
        }
        for key in &keys {
            let port = to.port.to_string();
            from.must::<redis::Value>(&["MIGRATE", "127.0.0.1", &port, key, "0", "1000", "REPLACE"]);
        }
        pause().await;
    }
    to.must::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]);
    pause().await;
    from.must::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]);
}

/// A cache whose keys are all in one slot, that of its prefix; the epoch's too.
fn in_one_slot(nodes: &Nodes) -> Cache {
    nodes.builder().prefix(PREFIX).timeout(Duration::from_secs(2)).build().expect("a cache")
}

const PREFIX: &str = "{shop}";

fn ids() -> Vec<String> {
    (0..8).map(|id| format!("{id}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_moves_under_readers_and_writers_without_an_error_or_an_old_value() {
    let nodes = Nodes::masters();
    let service = Service::over(in_one_slot(&nodes)).mutex().loading_for(Duration::from_millis(3));
    let other = service.through(in_one_slot(&nodes));
    let ids = ids();
    let slot = nodes.slot(PREFIX);
    let from = (0..3).find(|at| holds(&nodes, *at, slot)).expect("a holder");
    for id in &ids {
        service.until_hit(id).await;
    }
    let over = Arc::<AtomicBool>::default();
    let mut callers = JoinSet::new();
    for (number, service) in [&service, &other, &service, &other].into_iter().enumerate() {
        let (service, ids, over) = (service.clone(), ids.clone(), Arc::clone(&over));
        callers.spawn(async move {
            let mut calls = 0_u64;
            while !over.load(Ordering::SeqCst) {
                for id in &ids {
                    if number == 0 && calls.is_multiple_of(5) {
                        let written = service.write();
                        service.invalidate(id).await.expect("an invalidation");
                        let answer = service.read(id).await;
                        assert!(answer.value >= written, "{id}: {answer:?} after {written} was written");
                    } else {
                        service.read(id).await;
                    }
                    calls += 1;
                }
            }
            calls
        });
    }
    for to in [(from + 1) % 3, (from + 2) % 3, from] {
        let from = (0..3).find(|at| holds(&nodes, *at, slot)).expect("a holder");
        if from != to {
            move_slot(&nodes, slot, from, to).await;
        }
    }
    over.store(true, Ordering::SeqCst);
    for calls in callers.join_all().await {
        // Every id several times over, also where everything is slow.
        assert!(calls > 40, "only {calls} calls");
    }
    for id in &ids {
        let newest = service.read(id).await;
        assert_eq!(other.hit(id).await, newest.value);
    }
    assert_eq!(service.cache.stats().total().errors + other.cache.stats().total().errors, 0);
}

fn holds(nodes: &Nodes, at: usize, slot: u16) -> bool {
    let nodes: String = nodes.servers[at].must(&["CLUSTER", "NODES"]);
    let own = nodes.lines().find(|line| line.contains("myself")).expect("itself");
    own.split_ascii_whitespace().skip(8).filter(|word| !word.starts_with('[')).any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        (first.parse().expect("a slot")..=last.parse().expect("a slot")).contains(&slot)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_whose_slot_moves_meanwhile_fills_its_key_where_it_is_by_then() {
    let nodes = Nodes::masters();
    let service = Service::over(in_one_slot(&nodes)).mutex().loading_for(Duration::from_millis(800));
    let id = ids().remove(0);
    let slot = nodes.slot(PREFIX);
    let from = (0..3).find(|at| holds(&nodes, *at, slot)).expect("a holder");
    let waiting = service.through(in_one_slot(&nodes));
    let loading = tokio::spawn({
        let (service, id) = (service.clone(), id.clone());
        async move { service.read(&id).await }
    });
    crate::support::eventually("the load", async || service.loads.get() == 1).await;
    let waiter = tokio::spawn({
        let id = id.clone();
        async move { waiting.read(&id).await }
    });
    move_slot(&nodes, slot, from, (from + 1) % 3).await;
    assert!(loading.await.expect("no panic").loaded);
    assert!(!waiter.await.expect("no panic").loaded, "the waiter loaded too");
    service.hit(&id).await;
    assert_eq!(service.loads.get(), 1);
    let entry = format!("{PREFIX}:row:{id}");
    assert_eq!(nodes.servers[(from + 1) % 3].must::<u64>(&["EXISTS", &entry]), 1);
}
