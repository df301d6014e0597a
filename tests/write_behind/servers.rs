//! What a server must be like, and what happens where it is not.

use std::time::Duration;

use cached_runtime::__private::Queue;
use cached_runtime::Cache;

use crate::support::{Redis, documented_user};
use crate::table::{Table, key_of, row, save};

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
