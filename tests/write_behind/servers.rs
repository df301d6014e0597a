//! What a server must be like, and what happens where it is not.

use std::time::Duration;

use cached_runtime::__private::{Accepted, Queue};
use cached_runtime::Cache;

use crate::support::{Redis, documented_user};
use crate::table::{SITE, Table, items, key_of, read, row, save};

static STRICT: Queue = Queue::new("strict");
static CARELESS: Queue = Queue::new("careless").accept_loss();

#[tokio::test]
async fn a_server_that_evicts_or_forgets_what_is_queued_is_refused() {
    let redis = Redis::start();
    let cache = redis.builder().timeout(Duration::from_secs(2)).build().expect("a cache");
    let table = Table::default();
    let refused = async || STRICT.start(&cache, table.body()).await.expect_err("refused").to_string();
    let why = refused().await;
    assert!(why.contains("CONFIG SET appendonly yes") && why.contains("accept_loss"), "{why}");
    let _: () = redis.command(&["CONFIG", "SET", "appendonly", "yes"]);
    drop(STRICT.start(&cache, table.body()).await.expect("durable"));
    let _: () = redis.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let why = refused().await;
    assert!(why.contains("maxmemory-policy noeviction") && why.contains("accept_loss"), "{why}");
    drop(CARELESS.start(&cache, table.body()).await.expect("told to accept it"));
    let _: () = redis.command(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]);
    drop(STRICT.start(&cache, table.body()).await.expect("queues do not expire"));
}

#[tokio::test]
async fn the_documented_user_may_do_all_that_queues_need() {
    let redis = Redis::start();
    let _: () = redis.command(&["CONFIG", "SET", "appendonly", "yes"]);
    let _: () = redis.command(&documented_user());
    let document = include_str!("../../docs/servers.md");
    let line = document.lines().find(|line| line.contains("+setrange")).expect("the document says it in one line");
    let more: Vec<&str> = line.split(['`', ' ']).filter(|word| word.starts_with('+')).collect();
    let _: () = redis.command(&[&["ACL", "SETUSER", "cache"], &more[..]].concat());
    let url = redis.url().replace("redis://", "redis://cache:password@");
    let cache = Cache::builder().redis(url).prefix("test").timeout(Duration::from_secs(2)).build().expect("a cache");
    let table = Table::default();
    table.refuse(666);
    let worker = table.worker(&STRICT, &cache).await;
    for value in [1, 666, 2] {
        save(&STRICT, &cache, &[row(value, value)]).await;
    }
    cache.invalidate(key_of(1)).await.expect("invalidated");
    worker.flush().await.expect("flushed");
    assert_eq!((table.value(1), table.value(2), worker.stats().dead), (Some(1), Some(2), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_out_of_memory_still_gives_what_is_queued() {
    let redis = Redis::start();
    let cache = redis.builder().timeout(Duration::from_secs(2)).build().expect("a cache");
    let table = Table::default();
    let worker = table.worker(&CARELESS, &cache).await;
    save(&CARELESS, &cache, &[row(0, 1)]).await;
    worker.flush().await.expect("it has the shard");
    worker.pause();
    for id in 0..20 {
        save(&CARELESS, &cache, &[row(id, 1)]).await;
    }
    let _: () = redis.command(&["CONFIG", "SET", "maxmemory", "100kb"]);
    let new = CARELESS.accept(&SITE, &cache, items(&cache, &[row(100, 1)])).await;
    let Accepted::Through(mut new) = new else { panic!("{new:?}") };
    table.set(&row(100, 1));
    new.finish().await;
    // By now this process has to read the prefix's stamp again, and cannot.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    // Queued of the same key is something older: it comes first.
    let queued = tokio::spawn({
        let cache = cache.clone();
        async move { CARELESS.accept(&SITE, &cache, items(&cache, &[row(1, 2)])).await }
    });
    worker.resume();
    worker.flush().await.expect("flushed");
    assert_eq!((table.value(0), table.value(19)), (Some(1), Some(1)));
    let after = queued.await.expect("no panic");
    let Accepted::Through(mut after) = after else { panic!("{after:?}") };
    assert_eq!(table.value(1), Some(1), "what was queued would overwrite it");
    table.set(&row(1, 2));
    after.finish().await;
    assert_eq!((read(&cache, &table, 1).await, read(&cache, &table, 5).await), (Some(2), Some(1)));
    let _: () = redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    save(&CARELESS, &cache, &[row(1, 3)]).await;
    worker.flush().await.expect("flushed");
    assert_eq!(table.value(1), Some(3));
}
