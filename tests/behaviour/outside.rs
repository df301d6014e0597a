//! Invalidations from outside, as with `redis-cli` or from another language: the name of the key is all they need.

use std::time::Duration;

use cached_runtime::{cached, invalidate, write_through};
use tokio::time::timeout;

use crate::patience::patient;
use crate::row::Row;
use crate::support::{Redis, eventually};

const LONG: Duration = Duration::from_secs(5);

/// Every way to take a key away.
const WAYS: [&[&str]; 5] = [
    &["DEL", "test:row:1"],
    &["UNLINK", "test:row:1"],
    &["PEXPIRE", "test:row:1", "0"],
    &["RENAME", "test:row:1", "elsewhere"],
    &["FLUSHALL"],
];

impl Row {
    #[write_through(key = "row:<id>", ttl = 60, cache = self.cache.clone())]
    async fn write_from_inside(&self, id: usize) -> Result<u64, String> {
        Ok(self.commit().await)
    }

    #[invalidate(key = "row:<id>", two_phase, cache = self.cache.clone())]
    async fn write_hidden_from_inside(&self, id: usize) -> Result<u64, String> {
        Ok(self.commit().await)
    }

    #[cached(key = "row:<id>", ttl = 60, cache = self.cache.clone())]
    async fn find_without_mutex(&self, id: usize) -> Option<u64> {
        Some(self.load().await)
    }

    async fn read_either(&self, mutex: bool) -> Option<u64> {
        if mutex { self.find(1).await.ok() } else { self.find_without_mutex(1).await }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_a_key_away_during_a_load_revokes_it() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    for (way, mutex) in WAYS.into_iter().flat_map(|way| [(way, true), (way, false)]) {
        let standing = row.that_stands_still();
        let read = row.version();
        let loading = tokio::spawn({
            let standing = standing.clone();
            async move { standing.read_either(mutex).await }
        });
        standing.loading.entered(1).await;
        row.commit_blocking();
        redis.command::<redis::Value>(way);
        standing.loading.open();
        assert_eq!(loading.await.unwrap(), Some(read), "its caller came before the write");
        assert_eq!(redis.command::<u64>(&["EXISTS", "test:row:1"]), 0, "a revoked load was stored: {way:?}");
        assert_eq!(row.read_either(mutex).await, Some(read + 1));
        row.must_hit(1, read + 1).await;
        redis.command::<redis::Value>(way);
    }
    let late = row.cache.stats().total().late_fills;
    assert_eq!(late, 2 * WAYS.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_a_load_in_another_process_goes_on_when_its_key_is_taken_away() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    let standing = row.that_stands_still();
    let loading = tokio::spawn({
        let standing = standing.clone();
        async move { standing.find(1).await }
    });
    standing.loading.entered(1).await;
    let elsewhere = row.seen_from(patient(&redis));
    let waiting = tokio::spawn({
        let elsewhere = elsewhere.clone();
        async move { elsewhere.find(1).await }
    });
    eventually("nobody waits", async || elsewhere.cache.stats().total().lock_waits == 1).await;
    row.commit_blocking();
    assert_eq!(redis.command::<u64>(&["DEL", "test:row:1"]), 1);
    // Far below the lease of twenty seconds.
    assert_eq!(timeout(LONG, waiting).await.expect("it waits on").unwrap(), Ok(2));
    standing.loading.open();
    assert_eq!(loading.await.unwrap(), Ok(1));
    row.must_hit(1, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_a_key_away_during_a_write_through_ends_it_in_nothing() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    for way in WAYS {
        let standing = row.that_stands_still();
        let writing = tokio::spawn({
            let standing = standing.clone();
            async move { standing.write_from_inside(1).await }
        });
        standing.writing.open();
        standing.written.entered(1).await;
        let later = row.commit_blocking();
        redis.command::<redis::Value>(way);
        standing.written.open();
        assert_eq!(writing.await.unwrap(), Ok(later - 1));
        assert_eq!(redis.command::<u64>(&["EXISTS", "test:row:1"]), 0, "{way:?}");
        row.must_load(1).await;
        redis.command::<redis::Value>(way);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_marker_that_is_taken_away_leaves_its_writer_the_last_word() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    for through in [true, false] {
        let standing = row.that_stands_still();
        let writing = tokio::spawn({
            let standing = standing.clone();
            async move {
                if through { standing.write_from_inside(1).await } else { standing.write_hidden_from_inside(1).await }
            }
        });
        standing.writing.entered(1).await;
        assert_eq!(redis.command::<u64>(&["DEL", "test:row:1"]), 1);
        // No longer hidden, so what is not yet old is stored.
        row.warm(1).await;
        standing.writing.open();
        standing.written.open();
        writing.await.unwrap().unwrap();
        row.must_load(1).await;
        assert_eq!(redis.command::<u64>(&["DEL", "test:row:1"]), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_a_tag_away_invalidates_what_has_it_and_what_is_being_loaded_with_it() {
    let redis = Redis::start();
    let row = Row::over(&patient(&redis));
    row.find_tagged(1).await;
    let standing = row.that_stands_still();
    let loading = tokio::spawn({
        let standing = standing.clone();
        async move { standing.find_tagged(2).await }
    });
    standing.loading.entered(1).await;
    row.commit_blocking();
    assert_eq!(redis.command::<u64>(&["DEL", "test:%tag:all"]), 1);
    standing.loading.open();
    assert_eq!(loading.await.unwrap(), 1);
    let before = row.loads.get();
    assert_eq!((row.find_tagged(1).await, row.find_tagged(2).await), (2, 2));
    assert_eq!(row.loads.get(), before + 2);
}
