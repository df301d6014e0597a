//! What holds while nothing goes wrong.

use std::time::Duration;

use cached_runtime::__private::Queue;

use crate::on_both_backends;
use crate::table::{Table, key_of, read, row, save, until_written};

static ROWS: Queue = Queue::new("rows").linger(Duration::from_millis(5)).accept_loss();

on_both_backends! {
    async fn a_queued_value_is_read_at_once_and_written_later(world: World) {
        let table = Table::default();
        table.set(&row(1, 1));
        assert_eq!(read(&world.cache, &table, 1).await, Some(1));
        save(&ROWS, &world.cache, &[row(1, 2)]).await;
        assert_eq!(read(&world.cache, &table, 1).await, Some(2));
        assert_eq!(read(&world.other_process(), &table, 1).await, Some(2));
        assert_eq!(table.value(1), Some(1), "there is no worker yet");
        let worker = table.worker(&ROWS, &world.cache).await;
        until_written(&table, 1, 2).await;
        assert_eq!(read(&world.cache, &table, 1).await, Some(2));
        assert_eq!(worker.shutdown(Duration::from_secs(5)).await, 0);
    }

    async fn a_flush_returns_when_what_was_queued_before_is_written(world: World) {
        static SLOW: Queue = Queue::new("slow").linger(Duration::from_secs(60)).accept_loss();
        let table = Table::default();
        let worker = table.worker(&SLOW, &world.cache).await;
        for id in 0..10 {
            save(&SLOW, &world.cache, &[row(id, id + 1)]).await;
        }
        worker.flush().await.expect("flushed");
        for id in 0..10 {
            assert_eq!(table.value(id), Some(id + 1));
            // Served from the cache: clean by now.
            table.set(&row(id, 99));
            assert_eq!(read(&world.cache, &table, id).await, Some(id + 1));
        }
        assert_eq!(worker.stats().written, 10);
        world.cache.invalidate(key_of(3)).await.expect("invalidated");
        assert_eq!(read(&world.cache, &table, 3).await, Some(99), "a written value is a value like others");
    }

    async fn an_invalidation_leaves_what_is_queued_until_it_is_written(world: World) {
        let table = Table::default();
        table.set(&row(1, 1));
        save(&ROWS, &world.cache, &[row(1, 2)]).await;
        world.cache.invalidate(key_of(1)).await.expect("invalidated");
        assert_eq!(read(&world.cache, &table, 1).await, Some(2), "an acknowledged write is not to be seen");
        world.cache.clear().await.expect("cleared");
        assert_eq!(read(&world.cache, &table, 1).await, Some(2), "an acknowledged write is not to be seen");
        let worker = table.worker(&ROWS, &world.cache).await;
        worker.flush().await.expect("flushed");
        table.set(&row(1, 3));
        assert_eq!(read(&world.cache, &table, 1).await, Some(3), "invalidated, it goes with its flush");
    }
}

#[tokio::test]
async fn in_memory_what_is_queued_is_not_evicted() {
    let cache = cached_runtime::Cache::builder().memory_limit(64 << 10).build().expect("a cache");
    let table = Table::default();
    table.set(&row(1, 1));
    save(&ROWS, &cache, &[row(1, 2)]).await;
    for id in 10..5_000 {
        table.set(&row(id, id));
        read(&cache, &table, id).await;
    }
    assert_eq!(read(&cache, &table, 1).await, Some(2));
}
