//! Redis is away, hangs or forgets: callers write to the database themselves, and nothing older comes after them.

use std::time::Duration;

use cached_runtime::__private::{Accepted, Queue, Through};
use cached_runtime::Cache;

use crate::server::Durable;
use crate::support::eventually;
use crate::table::{SITE, Table, items, read, row, save, until_written};

static ROWS: Queue = Queue::new("rows").linger(Duration::from_millis(5)).lease(Duration::from_millis(300));

fn quick(server: &Durable) -> Cache {
    Cache::builder().redis(server.url()).prefix("test").timeout(Duration::from_millis(300)).build().expect("a cache")
}

async fn past(cache: &Cache, value: u64) -> Through {
    match ROWS.accept(&SITE, cache, items(cache, &[row(1, value)])).await {
        Accepted::Through(through) => through,
        other => panic!("not past the queue: {other:?}"),
    }
}

/// As an annotated function does.
async fn write(cache: &Cache, table: &Table, value: u64) {
    let mut through = past(cache, value).await;
    table.set(&row(1, value));
    through.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_queued_before_an_outage_does_not_overwrite_what_was_written_in_it() {
    let mut server = Durable::start();
    let (cache, table) = (quick(&server), Table::default());
    eventually("queued", async || {
        matches!(ROWS.accept(&SITE, &cache, items(&cache, &[row(1, 1), row(2, 1)])).await, Accepted::Queued)
    })
    .await;
    server.kill();
    write(&cache, &table, 2).await;
    assert_eq!(read(&cache, &table, 1).await, Some(2));
    server.start_again();
    // Of a process that knows nothing of all this.
    let other = server.cache();
    eventually("it is known to be older", async || cache.stats().queued == 0).await;
    let worker = table.worker(&ROWS, &other).await;
    worker.flush().await.expect("flushed");
    assert_eq!((table.history(1), table.history(2)), (vec![], vec![1]));
    assert_eq!((table.value(1), read(&other, &table, 1).await), (Some(2), Some(2)));
    save(&ROWS, &other, &[row(1, 3)]).await;
    until_written(&table, 1, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_a_hanging_server_carries_out_late_comes_to_nothing() {
    let server = Durable::start();
    let (cache, table) = (quick(&server), Table::default());
    eventually("queued", async || {
        matches!(ROWS.accept(&SITE, &cache, items(&cache, &[row(1, 1)])).await, Accepted::Queued)
    })
    .await;
    server.signal("-STOP");
    // Sent, and carried out when the server goes on.
    write(&cache, &table, 2).await;
    write(&cache, &table, 3).await;
    server.signal("-CONT");
    eventually("it is known to be older", async || cache.stats().queued == 0).await;
    let other = server.cache();
    assert_eq!(read(&other, &table, 1).await, Some(3), "something older is served");
    let worker = table.worker(&ROWS, &other).await;
    worker.flush().await.expect("flushed");
    assert_eq!((table.history(1), table.value(1)), (vec![], Some(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_out_of_memory_hears_of_what_was_written_past_it() {
    let server = Durable::start();
    let (cache, table) = (quick(&server), Table::default());
    eventually("queued", async || {
        matches!(ROWS.accept(&SITE, &cache, items(&cache, &[row(1, 1)])).await, Accepted::Queued)
    })
    .await;
    server.command::<()>(&["CONFIG", "SET", "maxmemory", "100kb"]);
    server.signal("-STOP");
    write(&cache, &table, 2).await;
    server.signal("-CONT");
    eventually("it is known to be older", async || cache.stats().queued == 0).await;
    server.command::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
    let other = server.cache();
    let worker = table.worker(&ROWS, &other).await;
    worker.flush().await.expect("flushed");
    assert_eq!((table.history(1), read(&other, &table, 1).await), (vec![], Some(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_answer_is_late_is_queued_once() {
    let server = Durable::start();
    let (cache, table) = (quick(&server), Table::default());
    let queued =
        async |value| matches!(ROWS.accept(&SITE, &cache, items(&cache, &[row(1, value)])).await, Accepted::Queued);
    eventually("queued", async || queued(1).await).await;
    let before: u64 = server.command(&["XLEN", "test:%queue:{rows}:0"]);
    server.signal("-STOP");
    let call = queued(2);
    let go_on = async {
        // The first answer is not heard any more.
        tokio::time::sleep(Duration::from_millis(450)).await;
        server.signal("-CONT");
    };
    let (queued, ()) = tokio::join!(call, go_on);
    assert!(queued, "a server that is late is not away");
    assert_eq!(server.command::<u64>(&["XLEN", "test:%queue:{rows}:0"]), before + 1);
    assert_eq!(read(&server.cache(), &table, 1).await, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_does_not_overwrite_what_its_process_writes_past_the_queue() {
    let mut server = Durable::start();
    let (cache, table) = (quick(&server), Table::default());
    let worker = {
        let mut started = None;
        eventually("a worker", async || {
            started = ROWS.start(&cache, table.body()).await.ok();
            started.is_some()
        })
        .await;
        started.expect("a worker")
    };
    worker.pause();
    eventually("queued", async || {
        matches!(ROWS.accept(&SITE, &cache, items(&cache, &[row(1, 1)])).await, Accepted::Queued)
    })
    .await;
    server.kill();
    write(&cache, &table, 2).await;
    worker.resume();
    server.start_again();
    worker.flush().await.expect("flushed");
    assert_eq!(table.value(1), Some(2));
    assert_eq!(read(&server.cache(), &table, 1).await, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_write_failed_takes_nothing_queued_along() {
    let mut server = Durable::start();
    let (cache, table) = (quick(&server), Table::default());
    eventually("queued", async || {
        matches!(ROWS.accept(&SITE, &cache, items(&cache, &[row(1, 1)])).await, Accepted::Queued)
    })
    .await;
    server.kill();
    past(&cache, 2).await.failed();
    // Cancelled: nobody knows.
    drop(past(&cache, 2).await);
    server.start_again();
    let worker = table.worker(&ROWS, &server.cache()).await;
    worker.flush().await.expect("flushed");
    assert_eq!(table.value(1), Some(1), "an acknowledged write is lost");
}
