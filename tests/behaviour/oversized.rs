//! Values and entries over the limit.

use std::time::Duration;

use cached_runtime::hostile::HEADER;
use cached_runtime::{Cache, Error, cached, key, write_through};

use crate::logged::{listen, warnings};
use crate::on_both_backends;
use crate::support::{Count, Redis, World, eventually};

const LIMIT: usize = 2_048;

/// The longest text that is stored: the header and two quotes come on top.
const LONGEST: usize = LIMIT - HEADER - 2;

#[derive(Clone)]
struct Texts {
    cache: Cache,
    loads: Count,
}

impl Texts {
    fn over(cache: Cache) -> Self {
        Self { cache, loads: Count::default() }
    }

    fn within(world: &World, limit: usize) -> Self {
        let builder = world.redis.as_ref().map_or_else(Cache::builder, Redis::builder);
        Self::over(builder.max_value(limit).build().expect("a cache"))
    }

    #[cached(key = "text", ttl = 60, mutex(lease = "10s", wait = "10s"), skip(length), cache = self.cache.clone())]
    async fn text(&self, length: usize) -> String {
        self.loads.add();
        "x".repeat(length)
    }

    #[cached(key = "text:<id>", each = id in ids, ttl = 60, skip(length), cache = self.cache.clone())]
    async fn texts(&self, ids: &[u8], length: usize) -> Vec<Option<String>> {
        self.loads.add();
        ids.iter().map(|_| Some("x".repeat(length))).collect()
    }

    #[cached(key = "refused", ttl = 60, error_ttl = 60, skip(length), cache = self.cache.clone())]
    async fn refuse(&self, length: usize) -> Result<u64, String> {
        self.loads.add();
        Err("x".repeat(length))
    }

    #[write_through(key = "text", ttl = 60, cache = self.cache.clone())]
    async fn write(&self, length: usize) -> String {
        "x".repeat(length)
    }
}

on_both_backends! {
    async fn a_value_over_the_limit_reaches_its_callers_is_not_stored_and_is_counted(world: World) {
        let texts = Texts::within(&world, LIMIT);
        for loads in 1..=3 {
            // Not after the lease: it was given back.
            assert_eq!(texts.text(LONGEST + 1).await.len(), LONGEST + 1);
            assert_eq!(texts.loads.get(), loads);
        }
        assert_eq!(texts.text(LONGEST).await.len(), LONGEST);
        assert_eq!(texts.text(LONGEST + 1).await.len(), LONGEST, "a hit");
        let total = texts.cache.stats().total();
        assert_eq!((total.oversized, total.stores, total.hits, total.late_fills), (3, 1, 1, 0));
        assert_eq!((total.lock_waits, total.wait_timeouts), (0, 0));
    }

    async fn a_batch_stores_what_is_within_the_limit(world: World) {
        let texts = Texts::within(&world, LIMIT);
        for length in [LONGEST + 1, LONGEST, LONGEST + 1] {
            let found = texts.texts(&[1, 2], length).await;
            assert!(found.iter().all(Option::is_some));
        }
        let total = texts.cache.stats().total();
        assert_eq!((texts.loads.get(), total.oversized, total.stores, total.hits), (2, 2, 2, 2));
    }

    async fn an_error_over_the_limit_reaches_its_callers_is_not_stored_and_is_counted(world: World) {
        let texts = Texts::within(&world, LIMIT);
        let refused = async |length| texts.refuse(length).await.expect_err("no load succeeds").len();
        assert_eq!(refused(LONGEST + 1).await, LONGEST + 1);
        assert_eq!(texts.cache.stats().total().oversized, 1);
        assert_eq!(refused(LONGEST + 1).await, LONGEST + 1);
        assert_eq!(texts.loads.get(), 2);
        let remembered = async || {
            let loads = texts.loads.get();
            refused(LONGEST).await == LONGEST && texts.loads.get() == loads
        };
        eventually("an error within the limit is remembered", remembered).await;
        assert_eq!(texts.cache.stats().total().unreadable, 0);
    }

    async fn a_write_of_a_value_over_the_limit_leaves_neither_the_old_value_nor_a_marker(world: World) {
        let texts = Texts::within(&world, LIMIT);
        assert_eq!(texts.write(1).await.len(), 1);
        assert_eq!(texts.text(9).await.len(), 1, "a hit");
        assert_eq!(texts.write(LONGEST + 1).await.len(), LONGEST + 1);
        assert_eq!(texts.text(2).await.len(), 2);
        assert_eq!(texts.text(9).await.len(), 2, "a hit");
        assert_eq!(texts.cache.stats().total().oversized, 1);
    }

    async fn a_value_over_the_limit_that_is_put_is_an_error_that_says_the_limit(world: World) {
        let texts = Texts::within(&world, LIMIT);
        let ttl = Duration::from_secs(60);
        let put = texts.cache.put(&key!("text"), &"x".repeat(LONGEST + 1), ttl).await;
        assert!(matches!(&put, Err(error @ Error::Oversized { limit: LIMIT }) if error.to_string().contains("2048")), "{put:?}");
        texts.cache.put(&key!("text"), &"x".repeat(LONGEST), ttl).await.expect("within the limit");
        assert_eq!(texts.cache.get::<String>(&key!("text")).await.map(|text| text.len()), Some(LONGEST));
    }
}

#[tokio::test]
async fn an_entry_over_the_limit_is_a_miss_and_is_replaced() {
    let world = World::redis();
    let (other, texts) = (Texts::within(&world, 1 << 20), Texts::within(&world, LIMIT));
    assert_eq!(other.text(LONGEST + 1).await.len(), LONGEST + 1);
    assert_eq!(other.text(9).await.len(), LONGEST + 1, "a hit");
    assert_eq!(texts.cache.get::<String>(&key!("text")).await, None);
    assert_eq!(texts.text(2).await.len(), 2);
    assert_eq!(other.text(9).await.len(), 2, "what is there now");
    let total = texts.cache.stats().total();
    assert_eq!((total.unreadable, total.stores), (1, 1));
}

#[tokio::test]
async fn a_function_whose_values_are_too_large_is_named_once() {
    struct Reports(Cache);

    impl Reports {
        #[cached(key = "report", ttl = 60, cache = self.0.clone())]
        async fn a_report_without_end(&self) -> String {
            "secret".repeat(LIMIT)
        }
    }

    listen();
    let reports = Reports(Cache::builder().max_value(LIMIT).build().expect("a cache"));
    for _ in 0..3 {
        assert_eq!(reports.a_report_without_end().await.len(), 6 * LIMIT);
    }
    assert_eq!(warnings(&["a_report_without_end", "2048", "max_value"]), 1);
    assert_eq!(warnings(&["secret"]), 0);
}

#[test]
fn a_limit_in_the_wrong_unit_is_an_error_that_says_so() {
    let error = Cache::builder().max_value(5).build().expect_err("five megabytes, perhaps");
    assert!(error.to_string().contains("in bytes"), "{error}");
}
