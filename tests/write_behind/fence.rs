//! Who has lost a shard touches nothing of it any more.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::__private::{Body, Queue};
use tokio::sync::Notify;

use crate::server::Durable;
use crate::support::eventually;
use crate::table::{Table, read_cached, row, save, until_written};

static ROWS: Queue = Queue::new("rows").linger(Duration::from_millis(2)).lease(ROWS_LEASE);

/// Says that it has begun, and ends when it is told to.
fn held(table: &Table, begun: &Arc<Notify>, go: &Arc<Notify>) -> Body {
    let (body, begun, go) = (table.body(), Arc::clone(begun), Arc::clone(go));
    Arc::new(move |batch| {
        let (written, begun, go) = (body(batch), Arc::clone(&begun), Arc::clone(&go));
        Box::pin(async move {
            begun.notify_one();
            go.notified().await;
            written.await
        })
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_lost_its_shard_removes_nothing_from_it() {
    let server = Durable::start();
    let (first, second, table) = (server.cache(), server.cache(), Table::default());
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    save(&ROWS, &first, &[row(1, 1)]).await;
    let slow = ROWS.start(&first, held(&table, &begun, &go)).await.expect("a worker");
    begun.notified().await;
    // As after its lease: somebody else has it, who has written nothing yet.
    server.command::<()>(&["SET", "test:%queue:{rows}:0:lease", "somebody", "PX", "60000"]);
    go.notify_one();
    until_written(&table, 1, 1).await;
    eventually("it knows by now", async || slow.stats().statements == 1).await;
    assert_eq!(slow.shutdown(Duration::from_secs(5)).await, 1, "it was the other one's to remove");
    // And its entry stays queued: clean, it could expire before the other one has written what it took.
    assert_eq!(server.command::<i64>(&["PTTL", "test:row:1"]), -1);
    server.command::<()>(&["DEL", "test:%queue:{rows}:0:lease"]);
    let next = table.worker(&ROWS, &second).await;
    next.flush().await.expect("flushed");
    assert_eq!(table.history(1), [1, 1], "at least once");
    assert_eq!(read_cached(&second, 1).await, Some(1));
    assert!(server.command::<i64>(&["PTTL", "test:row:1"]) > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_outlives_the_lease_keeps_the_shard() {
    let server = Durable::start();
    let (cache, table) = (server.cache(), Table::default());
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    save(&ROWS, &cache, &[row(1, 1)]).await;
    let slow = ROWS.start(&cache, held(&table, &begun, &go)).await.expect("a worker");
    begun.notified().await;
    let other = table.worker(&ROWS, &server.cache()).await;
    tokio::time::sleep(ROWS_LEASE * 2).await;
    assert!(table.history(1).is_empty(), "two at a time");
    go.notify_one();
    slow.flush().await.expect("flushed");
    assert_eq!((table.history(1), other.stats().statements), (vec![1], 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_a_shutdown_ended_keeps_the_next_worker_away_until_the_lease_is_over() {
    let server = Durable::start();
    let (cache, table) = (server.cache(), Table::default());
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    save(&ROWS, &cache, &[row(1, 1)]).await;
    let slow = ROWS.start(&cache, held(&table, &begun, &go)).await.expect("a worker");
    begun.notified().await;
    assert_eq!(slow.shutdown(Duration::ZERO).await, 1);
    assert!(server.command::<i64>(&["PTTL", "test:%queue:{rows}:0:lease"]) > 0, "a statement may be under way");
    let next = table.worker(&ROWS, &server.cache()).await;
    next.flush().await.expect("flushed");
    assert_eq!(table.history(1), [1]);
    // Where none was, the next one begins at once.
    assert_eq!(next.shutdown(Duration::from_secs(5)).await, 0);
    assert_eq!(server.command::<i64>(&["PTTL", "test:%queue:{rows}:0:lease"]), -2);
}

const ROWS_LEASE: Duration = Duration::from_secs(1);
