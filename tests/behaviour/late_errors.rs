//! An error is an answer like any other: who came after an invalidation does not get the one from before.

use cached_runtime::{Cache, cached, key};
use tokio::sync::oneshot;

use crate::on_both_backends;
use crate::support::Count;

#[cached(key = "row", ttl = 60, mutex, cache = cache, skip(cache, answer))]
async fn find(cache: &Cache, answer: impl Future<Output = Result<u8, String>>) -> Result<u8, String> {
    answer.await
}

on_both_backends! {
    async fn a_read_that_starts_after_an_invalidation_elsewhere_does_not_get_the_error_from_before(world: World) {
        let (began, has_begun) = oneshot::channel();
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let cache = world.cache.clone();
        let old = tokio::spawn(async move {
            find(&cache, async {
                began.send(()).expect("somebody waits");
                may_go_on.await.expect("told to go on");
                Err("no such row".to_owned())
            }).await
        });
        has_begun.await.expect("the load begins");
        // The row was inserted, by another process.
        world.other_process().invalidate(&key!("row")).await.expect("an invalidation");
        let cache = world.cache.clone();
        let loads = Count::default();
        let counted = loads.clone();
        let new = tokio::spawn(async move {
            find(&cache, async move {
                counted.add();
                Ok(1)
            }).await
        });
        tokio::task::yield_now().await;
        go_on.send(()).expect("the load goes on");
        assert_eq!(old.await.expect("the first call"), Err("no such row".to_owned()));
        assert_eq!(new.await.expect("the second call"), Ok(1));
        assert_eq!(loads.get(), 1);
    }
}
