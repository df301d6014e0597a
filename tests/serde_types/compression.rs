//! Large values are stored compressed, where that makes them smaller.

use cached_runtime::{Cache, Compression, cached};

use crate::on_both_backends;
use crate::support::{Count, Redis};

struct Reports {
    cache: Cache,
    loads: Count,
}

impl Reports {
    fn over(cache: Cache) -> Self {
        Self { cache, loads: Count::default() }
    }

    #[cached(key = "report:<id>", ttl = 3600, skip(text), cache = self.cache.clone())]
    async fn report(&self, id: u32, text: &str) -> String {
        self.loads.add();
        text.to_owned()
    }
}

/// What gets smaller, what is small already, and what does not get smaller.
fn texts() -> [String; 3] {
    let mut dice = fastrand::Rng::with_seed(7);
    [
        "a line of a report, ".repeat(1000),
        "a".repeat(4000),
        (0..20_000).map(|_| char::from(dice.u8(b' '..=b'~'))).filter(|c| !"\\\"".contains(*c)).collect(),
    ]
}

on_both_backends! {
    async fn a_large_value_is_stored_compressed_and_comes_back(world: World) {
        let builder = world.redis.as_ref().map_or_else(Cache::builder, Redis::builder);
        let reports = Reports::over(builder.clone().compress(Compression::Lz4).build().expect("a cache"));
        for (id, text) in (0..).zip(texts()) {
            for _ in 0..3 {
                assert_eq!(reports.report(id, &text).await, text);
            }
        }
        assert_eq!(reports.loads.get(), 3, "each is a hit afterwards");
        let Some(redis) = &world.redis else { return };
        let stored = |id: u32| redis.command::<usize>(&["STRLEN", &format!("test:report:{id}")]);
        let [large, small, noise] = texts().map(|text| text.len());
        assert!((1..large / 10).contains(&stored(0)), "{} of {large} bytes", stored(0));
        assert!(stored(1) > small && stored(2) > noise, "stored as they are");
        let plain = Reports::over(builder.build().expect("a cache"));
        for (id, text) in (0..).zip(texts()) {
            assert_eq!(plain.report(id, &text).await, text);
        }
        assert_eq!(plain.loads.get(), 0, "whoever does not compress reads what is compressed");
    }
}
