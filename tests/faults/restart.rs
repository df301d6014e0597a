//! A server that comes back with what it knew a while ago: what was invalidated since is not served again.

use crate::service::{RECOVERY, Service};
use crate::support::Redis;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_invalidated_after_the_dump_that_a_server_starts_from_is_not_served() {
    let mut redis = Redis::start();
    let service = Service::over(redis.cache()).mutex();
    for id in ["k", "kept"] {
        service.until_hit(id).await;
    }
    redis.command::<()>(&["SAVE"]);
    let fresh = service.write();
    service.invalidate("k").await.expect("a server");
    redis.kill();
    service.uncached("k").await;
    redis.restart();
    let found: u64 = redis.command(&["EXISTS", &Service::entry("kept")]);
    assert_eq!(found, 1, "the server did not start from its dump");
    // From the very first answer on.
    while service.read("kept").await.loaded {
        assert_eq!(service.read("k").await.value, fresh);
    }
    assert_eq!(service.read("k").await.value, fresh);
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
    assert_eq!(service.hit("k").await, fresh);
    assert_eq!(service.hit("kept").await, 1, "what was not invalidated is still a hit");
    let dump = std::env::temp_dir().join(format!("test-{}.rdb", redis.port()));
    std::fs::remove_file(dump).expect("its dump");
}
