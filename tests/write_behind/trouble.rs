//! What holds while the database fails, wholly or in part.

use std::time::Duration;

use cached_runtime::__private::Queue;

use crate::on_both_backends;
use crate::support::eventually;
use crate::table::{Table, read, row, save, until_written};

on_both_backends! {
    async fn poison_is_buried_with_its_reason_and_the_rest_flows(world: World) {
        static ROWS: Queue = Queue::new("rows").linger(Duration::from_millis(5)).retries(2).accept_loss();
        let table = Table::default();
        table.set(&row(7, 1));
        for id in 0..40 {
            let value = if id % 13 == 7 { 666 } else { id + 1 };
            save(&ROWS, &world.cache, &[row(id, value)]).await;
        }
        table.refuse(666);
        let worker = table.worker(&ROWS, &world.cache).await;
        worker.flush().await.expect("flushed");
        for id in 0..40 {
            match id % 13 {
                7 if id == 7 => assert_eq!(read(&world.cache, &table, id).await, Some(1), "what is in the database"),
                7 => assert_eq!(table.value(id), None),
                _ => assert_eq!(table.value(id), Some(id + 1)),
            }
        }
        let stats = worker.stats();
        assert_eq!((stats.dead, stats.written), (3, 37), "{stats:?}");
        if let Some(redis) = &world.redis {
            let dead: Vec<(String, Vec<Vec<u8>>)> = redis.command(&["XRANGE", "test:%queue:{rows}:dead", "-", "+"]);
            let reasons: Vec<_> = dead.iter().map(|(_, words)| String::from_utf8_lossy(&words[5])).collect();
            assert_eq!(reasons, ["value 666 is refused"; 3]);
        }
        // The key goes on with its next write.
        save(&ROWS, &world.cache, &[row(7, 2)]).await;
        until_written(&table, 7, 2).await;
    }

    async fn a_good_write_is_not_lost_to_the_poison_that_was_to_replace_it(world: World) {
        static ROWS: Queue = Queue::new("rows").linger(Duration::from_millis(5)).retries(1).accept_loss();
        let table = Table::default();
        table.refuse(666);
        for value in [1, 2, 666] {
            save(&ROWS, &world.cache, &[row(1, value), row(2, value.min(3))]).await;
        }
        let worker = table.worker(&ROWS, &world.cache).await;
        worker.flush().await.expect("flushed");
        assert_eq!((table.value(1), table.value(2)), (Some(2), Some(3)));
        assert_eq!(read(&world.cache, &table, 1).await, Some(2));
        assert_eq!(worker.stats().dead, 1);
        save(&ROWS, &world.cache, &[row(1, 4)]).await;
        until_written(&table, 1, 4).await;
    }

    async fn a_batch_that_is_all_poison_is_told_by_what_comes_after_it(world: World) {
        static ROWS: Queue =
            Queue::new("rows").linger(Duration::from_millis(5)).max_batch(2).retries(1).accept_loss();
        let table = Table::default();
        table.refuse(666);
        let worker = table.worker(&ROWS, &world.cache).await;
        for id in 0..4 {
            save(&ROWS, &world.cache, &[row(id, 666)]).await;
        }
        save(&ROWS, &world.cache, &[row(9, 1)]).await;
        until_written(&table, 9, 1).await;
        eventually("the first two are buried", async || worker.stats().dead == 2).await;
        // The others have nothing to be told by until something else is written.
        save(&ROWS, &world.cache, &[row(10, 1)]).await;
        worker.flush().await.expect("flushed");
        assert_eq!((worker.stats().dead, table.value(10)), (4, Some(1)));
    }

    async fn a_database_that_is_down_buries_nothing_and_holds_up_no_caller(world: World) {
        static ROWS: Queue =
            Queue::new("rows").linger(Duration::from_millis(5)).max_batch(8).retries(1).accept_loss();
        let table = Table::default();
        table.down(true);
        let worker = table.worker(&ROWS, &world.cache).await;
        for id in 0..100 {
            save(&ROWS, &world.cache, &[row(id, id + 1)]).await;
            assert_eq!(read(&world.cache, &table, id).await, Some(id + 1));
        }
        eventually("attempts", async || worker.stats().retried >= 20).await;
        assert_eq!((worker.stats().dead, worker.stats().written), (0, 0));
        table.down(false);
        worker.flush().await.expect("flushed");
        for id in 0..100 {
            assert_eq!(table.value(id), Some(id + 1));
        }
        assert_eq!(worker.stats().dead, 0);
    }

    async fn a_panic_in_the_body_is_a_failure_like_another(world: World) {
        use std::sync::Arc;
        static ROWS: Queue = Queue::new("rows").linger(Duration::from_millis(5)).accept_loss();
        let table = Table::default();
        let (body, panics) = (table.body(), crate::support::Count::default());
        let panicking: cached_runtime::__private::Body = Arc::new(move |batch| {
            assert!(panics.add() > 2, "a bug in the body");
            body(batch)
        });
        save(&ROWS, &world.cache, &[row(1, 1), row(2, 2)]).await;
        let worker = ROWS.start(&world.cache, panicking).await.expect("a worker");
        until_written(&table, 2, 2).await;
        worker.flush().await.expect("flushed");
        assert_eq!(worker.stats().dead, 0);
    }

    async fn what_the_body_cannot_read_is_buried_and_the_rest_is_written(world: World) {
        use std::sync::Arc;
        static ROWS: Queue = Queue::new("rows").linger(Duration::from_millis(5)).accept_loss();
        let table = Table::default();
        for id in 0..5 {
            save(&ROWS, &world.cache, &[row(id, id + 1)]).await;
        }
        let body = table.body();
        let reading: cached_runtime::__private::Body = Arc::new(move |batch| {
            let odd = |item: &cached_runtime::__private::Taken| item.value::<crate::table::Row>().is_some_and(|row| row.id % 2 == 1);
            let odd: Vec<usize> = batch.items().iter().enumerate().filter(|(_, item)| odd(item)).map(|(at, _)| at).collect();
            if odd.is_empty() {
                return body(batch);
            }
            Box::pin(async { Err(cached_runtime::__private::Failed::unreadable(odd, "of another build")) })
        });
        let worker = ROWS.start(&world.cache, reading).await.expect("a worker");
        worker.flush().await.expect("flushed");
        assert_eq!((worker.stats().dead, worker.stats().written), (2, 3));
        assert_eq!((table.value(0), table.value(1), table.value(4)), (Some(1), None, Some(5)));
    }
}
