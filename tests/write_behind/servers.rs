//! What a server must be like, and what happens where it is not.

use std::time::Duration;

use cached_runtime::__private::Queue;

use crate::support::Redis;
use crate::table::Table;

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
