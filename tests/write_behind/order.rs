//! Which writes reach the database, and in which order.

use std::time::Duration;

use cached_runtime::__private::{Accepted, Queue, Through};

use crate::on_both_backends;
use crate::support::eventually;
use crate::table::{SITE, Table, items, key_of, read, read_cached, row, save, until_written};

static ROWS: Queue = Queue::new("rows").linger(Duration::from_millis(5)).accept_loss();

async fn past(queue: &'static Queue, cache: &cached_runtime::Cache, rows: &[crate::table::Row]) -> Through {
    match queue.accept(&SITE, cache, items(cache, rows)).await {
        Accepted::Through(through) => through,
        other => panic!("not past the queue: {other:?}"),
    }
}

on_both_backends! {
    async fn of_the_writes_of_a_key_in_a_batch_the_last_is_written(world: World) {
        let table = Table::default();
        for value in 1..=100 {
            save(&ROWS, &world.cache, &[row(value % 2, value)]).await;
        }
        let worker = table.worker(&ROWS, &world.cache).await;
        worker.flush().await.expect("flushed");
        assert_eq!((table.history(0), table.history(1)), (vec![100], vec![99]));
        let stats = worker.stats();
        assert_eq!((stats.written, stats.coalesced, stats.statements), (2, 98, 1));
    }

    async fn without_coalescing_all_are_written_in_order(world: World) {
        static ALL: Queue = Queue::new("all").linger(Duration::from_millis(5)).max_batch(7).keep_all().accept_loss();
        let table = Table::default();
        let worker = table.worker(&ALL, &world.cache).await;
        for value in 1..=100 {
            save(&ALL, &world.cache, &[row(value % 2, value)]).await;
        }
        worker.flush().await.expect("flushed");
        let even: Vec<u64> = (1..=50).map(|half| half * 2).collect();
        assert_eq!(table.history(0), even);
        let ids: Vec<_> = table.batches().iter().flatten().map(|(id, _)| *id).collect();
        assert!(ids.is_sorted(), "ids grow with the writes");
    }

    async fn two_workers_never_bring_a_key_out_of_order(world: World) {
        static QUICK: Queue = Queue::new("quick").linger(Duration::from_millis(1)).max_batch(3).keep_all()
            .lease(Duration::from_millis(200)).accept_loss();
        let table = Table::default();
        let other = world.other_process();
        let mut one = table.worker(&QUICK, &world.cache).await;
        let _two = table.worker(&QUICK, &other).await;
        for value in 1..=200 {
            save(&QUICK, if value % 3 == 0 { &other } else { &world.cache }, &[row(1, value)]).await;
            if value % 50 == 0 {
                // Dropped in the middle of whatever it does, and replaced.
                drop(one);
                one = table.worker(&QUICK, &world.cache).await;
            }
        }
        one.flush().await.expect("flushed");
        let mut history = table.history(1);
        // A batch that was dropped may be written twice, as it was.
        history.dedup();
        let mut last = 0;
        let firsts: Vec<u64> = history.iter().copied().filter(|value| { let new = *value > last; last = last.max(*value); new }).collect();
        assert_eq!(firsts, (1..=200).collect::<Vec<u64>>());
        assert_eq!(table.value(1), Some(200));
    }

    async fn several_shards_keep_the_order_of_every_key(world: World) {
        static SPREAD: Queue = Queue::new("spread").linger(Duration::from_millis(2)).max_batch(5).keep_all().shards(3)
            .accept_loss();
        let table = Table::default();
        let other = world.other_process();
        let (one, _two) = (table.worker(&SPREAD, &world.cache).await, table.worker(&SPREAD, &other).await);
        for value in 1..=20 {
            let rows: Vec<_> = (0..6).map(|id| row(id, value)).collect();
            save(&SPREAD, if value % 2 == 0 { &other } else { &world.cache }, &rows).await;
        }
        one.flush().await.expect("flushed");
        for id in 0..6 {
            assert_eq!(table.history(id), (1..=20).collect::<Vec<u64>>());
        }
    }

    async fn a_call_that_is_dropped_is_queued_whole_or_not_at_all(world: World) {
        let table = Table::default();
        // So that it is about the call alone.
        read(&world.cache, &table, 1_000).await;
        let worker = table.worker(&ROWS, &world.cache).await;
        for round in 0..100 {
            let rows: Vec<_> = (0..3).map(|at| row(round * 3 + at, 1)).collect();
            let call = ROWS.accept(&SITE, &world.cache, items(&world.cache, &rows));
            let _dropped = tokio::time::timeout(Duration::from_micros(fastrand::u64(..400)), call).await;
        }
        // After it on the same connection.
        save(&ROWS, &world.cache, &[row(2_000, 1)]).await;
        worker.flush().await.expect("flushed");
        for round in 0..100 {
            let written = (0..3).filter(|at| table.value(round * 3 + at).is_some()).count();
            assert!(written == 0 || written == 3, "{written} of 3");
            for id in round * 3..round * 3 + 3 {
                assert_eq!(read_cached(&world.cache, id).await, table.value(id));
            }
        }
    }

    async fn past_the_mark_callers_write_themselves_and_nothing_queued_overtakes_them(world: World) {
        static SMALL: Queue = Queue::new("small").linger(Duration::from_millis(5)).high_water(3).accept_loss();
        let table = Table::default();
        for id in 0..3 {
            save(&SMALL, &world.cache, &[row(id, 1)]).await;
        }
        // Queued already: it takes the place of its earlier one, and the queue grows no longer.
        for value in 2..50 {
            save(&SMALL, &world.cache, &[row(0, value)]).await;
        }
        let mut through = past(&SMALL, &world.cache, &[row(9, 1)]).await;
        // Not over: nobody stores what was before it.
        table.set(&row(9, 0));
        assert_eq!(read(&world.cache, &table, 9).await, Some(0));
        table.set(&row(9, 1));
        through.finish().await;
        assert_eq!(read(&world.cache, &table, 9).await, Some(1));
        table.set(&row(9, 77));
        assert_eq!(read(&world.cache, &table, 9).await, Some(1), "it is in the cache");
        let worker = table.worker(&SMALL, &world.cache).await;
        worker.flush().await.expect("flushed");
        assert_eq!((table.history(0), table.history(1)), (vec![49], vec![1]));
        assert!(worker.stats().coalesced <= 3, "{:?}", worker.stats());
    }

    async fn past_the_mark_a_function_that_wants_it_has_an_error(world: World) {
        static SMALL: Queue = Queue::new("small").high_water(1).refuse_when_full().accept_loss();
        save(&SMALL, &world.cache, &[row(1, 1)]).await;
        let full = SMALL.accept(&SITE, &world.cache, items(&world.cache, &[row(2, 1)])).await;
        assert!(matches!(full, Accepted::Full), "{full:?}");
        assert_eq!(read(&world.cache, &Table::default(), 2).await, None);
        save(&SMALL, &world.cache, &[row(1, 2)]).await;
    }

    async fn who_writes_past_the_queue_waits_for_what_is_queued_of_the_key(world: World) {
        let table = Table::default();
        save(&ROWS, &world.cache, &[row(1, 1)]).await;
        let mut past = std::pin::pin!(ROWS.through(&SITE, &world.cache, vec![key_of(1)]));
        let early = tokio::time::timeout(Duration::from_millis(100), &mut past).await;
        assert!(early.is_err(), "it would be overwritten by what is queued");
        let _worker = table.worker(&ROWS, &world.cache).await;
        let mut past = past.await;
        assert_eq!(table.value(1), Some(1));
        table.set(&row(1, 2));
        past.finish().await;
        assert_eq!(read(&world.cache, &table, 1).await, Some(2));
    }

    async fn a_key_that_is_written_past_the_queue_is_not_queued_meanwhile(world: World) {
        let mut first = ROWS.through(&SITE, &world.cache, vec![key_of(1)]).await;
        let mut second = past(&ROWS, &world.cache, &[row(1, 2)]).await;
        let table = Table::default();
        table.set(&row(1, 1));
        first.finish().await;
        table.set(&row(1, 2));
        second.finish().await;
        assert_eq!(read(&world.cache, &table, 1).await, Some(2));
    }

    async fn a_late_fill_does_not_replace_what_is_queued(world: World) {
        let table = Table::default();
        table.set(&row(1, 1));
        let (begun, go) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
        let policy = cached_runtime::Policy::ttl(Duration::from_secs(60));
        let load = world.cache.get_or_load(key_of(1), policy, || async {
            let old = table.value(1);
            begun.notify_one();
            go.notified().await;
            Ok::<_, std::convert::Infallible>(old.map(|value| row(1, value)))
        });
        let write = async {
            begun.notified().await;
            save(&ROWS, &world.cache, &[row(1, 2)]).await;
            go.notify_one();
        };
        let (loaded, ()) = tokio::join!(load, write);
        assert_eq!(loaded.expect("infallible"), Some(row(1, 1)));
        assert_eq!(read(&world.cache, &table, 1).await, Some(2));
        let _worker = table.worker(&ROWS, &world.cache).await;
        until_written(&table, 1, 2).await;
        assert_eq!(read(&world.cache, &table, 1).await, Some(2));
    }

    async fn a_shutdown_ends_with_its_deadline_and_says_what_is_left(world: World) {
        let table = Table::default();
        let worker = table.worker(&ROWS, &world.cache).await;
        save(&ROWS, &world.cache, &[row(1, 1)]).await;
        worker.flush().await.expect("flushed");
        worker.pause();
        table.down(true);
        for id in 0..5 {
            save(&ROWS, &world.cache, &[row(id, 2)]).await;
        }
        assert_eq!(worker.shutdown(Duration::from_millis(200)).await, 5);
        table.down(false);
        let next = table.worker(&ROWS, &world.other_process()).await;
        assert_eq!(next.shutdown(Duration::from_secs(10)).await, 0, "the next one writes what was left");
        assert_eq!(table.value(4), Some(2));
    }

    async fn a_paused_worker_begins_no_batch(world: World) {
        let table = Table::default();
        let worker = table.worker(&ROWS, &world.cache).await;
        worker.pause();
        save(&ROWS, &world.cache, &[row(1, 1)]).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert_eq!(table.value(1), None);
        worker.resume();
        eventually("written", async || table.value(1) == Some(1)).await;
    }
}
