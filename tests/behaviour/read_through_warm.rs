//! `ReadThrough::warm`: loading ahead, bounded, and where it was left off.

use cached_runtime::{Cache, Policy, Warmed};
use tokio::time::timeout;

use crate::promises;
use crate::read_through::{MINUTE, Table, UserKey, sorted};
use crate::support::{Redis, eventually};

fn policy() -> Policy {
    Policy::ttl(MINUTE)
}

/// Loaded, cached, absent, skipped.
fn figures(warmed: Warmed) -> [u64; 4] {
    [warmed.loaded, warmed.cached, warmed.absent, warmed.skipped]
}

promises! {
    async fn what_is_not_there_is_loaded_and_what_is_there_is_not_loaded_again(world: World) {
        let table = Table::over(&world.cache);
        let users = table.users(policy());
        users.get(&1).await.unwrap();
        assert_eq!(users.warm(1..=20_u64).await.map(figures), Ok([17, 1, 2, 0]));
        assert_eq!(sorted(table.asked().concat()), (1..=20).collect::<Vec<_>>());
        assert_eq!(users.warm(1..=20_u64).await.map(figures), Ok([0, 18, 2, 0]), "absences are not stored");
        table.asked();
        for id in [1_u64, 2, 20] {
            users.get(&id).await.unwrap();
        }
        assert!(table.asked().is_empty());
    }

    async fn a_loader_for_many_is_asked_for_a_hundred_at_a_time(world: World) {
        let table = Table::over(&world.cache);
        let users = table.batches(policy());
        let warmed = users.warm((1..=250).map(|id: u64| UserKey { id })).await;
        assert_eq!(warmed.map(figures), Ok([215, 0, 35, 0]));
        let mut pieces: Vec<usize> = table.asked().iter().map(Vec::len).collect();
        pieces.sort_unstable();
        assert_eq!(pieces, [50, 100, 100]);
    }

    async fn so_many_loads_run_at_a_time_and_no_more(world: World) {
        let table = Table::standing_still(&world.cache);
        let users = table.users(policy()).at_once(3);
        let all = tokio::spawn(async move { users.warm(1..=12_u64).await });
        for begun in 3..=12 {
            table.gate.entered(begun).await;
            assert_eq!(table.gate.loads(), begun, "one that ends lets one begin");
            table.gate.let_one_on();
        }
        table.gate.open();
        assert_eq!(all.await.unwrap().map(figures), Ok([11, 0, 1, 0]));
    }

    async fn what_stops_at_an_error_goes_on_where_it_stopped(world: World) {
        let table = Table::standing_still(&world.cache);
        let users = table.users(policy()).at_once(1);
        let first = tokio::spawn({
            let users = users.clone();
            async move { users.warm(1..=6_u64).await }
        });
        for begun in 1..=3 {
            table.gate.entered(begun).await;
            table.refuse(begun == 3);
            table.gate.let_one_on();
        }
        let first = timeout(MINUTE / 6, first).await.expect("it ends at the first error");
        assert!(first.unwrap().is_err(), "the loader's error");
        table.refuse(false);
        table.gate.open();
        assert_eq!(table.asked(), [vec![1], vec![2], vec![3]], "nothing is begun after it");
        assert_eq!(users.warm(1..=6_u64).await.map(figures), Ok([4, 2, 0, 0]));
        assert_eq!(table.asked(), [vec![3], vec![4], vec![5], vec![6]]);
    }

    async fn what_is_given_up_goes_on_where_it_was_left(world: World) {
        let table = Table::standing_still(&world.cache);
        let users = table.users(policy()).at_once(2);
        {
            let mut first = Box::pin(users.warm(1..=6_u64));
            tokio::select! {
                _ = &mut first => panic!("it stands still"),
                () = table.gate.entered(2) => table.gate.let_one_on(),
            }
            tokio::select! {
                _ = &mut first => panic!("it stands still"),
                () = table.gate.entered(3) => {}
            }
        }
        table.gate.open();
        assert_eq!(users.warm(1..=6_u64).await.map(figures), Ok([5, 1, 0, 0]));
    }
}

#[tokio::test]
async fn nothing_is_loaded_that_could_not_be_kept() {
    let table = Table::over(&Cache::disabled());
    assert_eq!(table.users(policy()).warm(1..=5_u64).await.map(figures), Ok([0, 0, 0, 5]));
    assert!(table.asked().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_nothing_is_loaded_ahead() {
    let mut redis = Redis::start();
    let table = Table::over(&redis.cache());
    let users = table.users(policy());
    assert_eq!(users.warm([1_u64]).await.map(figures), Ok([1, 0, 0, 0]));
    redis.kill();
    eventually("Redis is given up", async || {
        users.get(&1).await.unwrap();
        table.cache.stats().breaker_open
    })
    .await;
    table.asked();
    assert_eq!(users.warm(1..=200_u64).await.map(figures), Ok([0, 0, 0, 200]));
    assert!(table.asked().is_empty());
}
