//! One load for many callers.

use std::time::{Duration, Instant};

use cached_runtime::{Policy, key};
use tokio::task::JoinSet;

use crate::on_both_backends;
use crate::support::Count;

const LOAD: Duration = Duration::from_millis(100);

on_both_backends! {
    async fn a_hundred_callers_of_a_cold_key_share_one_load(world: World) {
        let loads = Count::default();
        let mut callers = JoinSet::new();
        for _ in 0..100 {
            let (cache, loads) = (world.cache.clone(), loads.clone());
            callers.spawn(async move {
                cache.get_or_load(key!("k"), Policy::ttl(Duration::from_secs(60)).mutex(), || async {
                    tokio::time::sleep(LOAD).await;
                    Ok::<_, String>(loads.add())
                }).await
            });
        }
        for result in callers.join_all().await {
            assert_eq!(result, Ok(1));
        }
        assert_eq!(loads.get(), 1);
    }

    async fn a_failing_load_is_not_a_convoy(world: World) {
        let began = Instant::now();
        let mut callers = JoinSet::new();
        for _ in 0..20 {
            let cache = world.cache.clone();
            callers.spawn(async move {
                cache.get_or_load(key!("k"), Policy::ttl(Duration::from_secs(60)).mutex(), || async {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Err::<u8, _>("no".to_owned())
                }).await
            });
        }
        for result in callers.join_all().await {
            assert_eq!(result, Err("no".to_owned()));
        }
        assert!(began.elapsed() < Duration::from_millis(60), "{:?}", began.elapsed());
    }

    async fn what_was_loaded_is_a_hit(world: World) {
        let loads = Count::default();
        for _ in 0..20 {
            let value = world.cache.get_or_load(key!("k"), Duration::from_secs(60), || async { Ok::<_, ()>(loads.add()) }).await;
            assert_eq!(value, Ok(1));
        }
        assert_eq!(loads.get(), 1);
        assert_eq!(world.cache.stats().total().hits, 19);
    }
}
