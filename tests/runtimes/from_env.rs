//! `Cache::from_env`, in processes with an environment of their own.

use cached_runtime::{Cache, cached};

use crate::child::{self, Child};
use crate::support::{Count, Redis};

#[cached(key = "answer", ttl = 60, skip(loads))]
async fn answer(loads: &Count) -> u64 {
    loads.add();
    42
}

/// The child's part: installs what the environment says, calls twice, and says what came of it.
async fn call_twice() {
    match Cache::from_env() {
        Ok(cache) => {
            cache.install();
            let loads = Count::default();
            assert_eq!((answer(&loads).await, answer(&loads).await), (42, 42));
            child::say(&format!("{} loads, {} errors", loads.get(), cache.stats().total().errors));
            child::say(&format!("{cache:?}"));
        }
        Err(error) => child::say(&format!("{error}; {error:?}")),
    }
}

/// Every variable that counts, so that the surroundings of this test do not.
fn environment<'e>(set: &[(&'e str, &'e str)]) -> Vec<(&'e str, &'e str)> {
    let mut all: Vec<_> = [
        "REDIS_URL",
        "CACHE_PREFIX",
        "CACHE_TIMEOUT_MS",
        "CACHE_MAX_VALUE",
        "CACHE_CODEC",
        "CACHE_COMPRESSION",
        "CACHE_DISABLED",
    ]
    .map(|name| (name, ""))
    .to_vec();
    for &(name, value) in set {
        all.retain(|(other, _)| *other != name);
        all.push((name, value));
    }
    all
}

macro_rules! in_an_environment {
    ($($(#[$meta:meta])* async fn $name:ident($said:ident: $set:expr) $body:block)*) => {$(
        $(#[$meta])*
        #[tokio::test]
        async fn $name() {
            if child::arguments().is_some() {
                return call_twice().await;
            }
            let this = concat!("from_env::", stringify!($name));
            let $said = Child::of(this, &[], &environment(&$set)).end().await;
            $body
        }
    )*};
}

in_an_environment! {
    async fn without_a_url_it_is_in_memory(said: []) {
        assert_eq!(said[0], "1 loads, 0 errors");
        assert!(said[1].contains("MemoryStore"), "{}", said[1]);
    }

    async fn disabled_it_runs_every_body(said: [("CACHE_DISABLED", "1"), ("REDIS_URL", "redis://127.0.0.1:1/")]) {
        assert_eq!(said[0], "2 loads, 0 errors");
    }

    async fn a_server_that_is_down_is_no_error(said: [("REDIS_URL", "redis://127.0.0.1:1/"), ("CACHE_PREFIX", "shop")]) {
        assert_eq!(said[0], "2 loads, 2 errors");
        assert!(said[1].contains("127.0.0.1:1") && said[1].contains("shop"), "{}", said[1]);
    }

    async fn a_url_that_does_not_parse_is_an_error_without_its_password(said: [("REDIS_URL", "redis://:hunter2@127.0.0.1:x/")]) {
        assert!(said[0].contains("not the URL of a Redis server"), "{}", said[0]);
        assert!(!said[0].contains("hunter2"), "{}", said[0]);
    }

    async fn a_timeout_that_is_no_number_is_an_error_that_names_it(said: [("CACHE_TIMEOUT_MS", "fast")]) {
        assert!(said[0].contains("CACHE_TIMEOUT_MS"), "{}", said[0]);
    }

    async fn a_timeout_of_zero_is_an_error(said: [("CACHE_TIMEOUT_MS", "0")]) {
        assert!(said[0].contains("timeout of zero"), "{}", said[0]);
    }

    async fn a_largest_value_that_is_no_number_is_an_error_that_names_it(said: [("CACHE_MAX_VALUE", "1 MB")]) {
        assert!(said[0].contains("CACHE_MAX_VALUE"), "{}", said[0]);
    }

    async fn the_largest_value_is_what_the_environment_says(said: [("CACHE_MAX_VALUE", "7")]) {
        assert!(said[0].contains("7 bytes"), "{}", said[0]);
    }

    async fn a_codec_that_does_not_exist_is_an_error_that_names_those_that_do(said: [("CACHE_CODEC", "bson")]) {
        assert!(said[0].contains("CACHE_CODEC") && said[0].contains("msgpack"), "{}", said[0]);
    }

    async fn a_compression_that_does_not_exist_is_an_error_that_names_the_one_that_does(said: [("CACHE_COMPRESSION", "gzip")]) {
        assert!(said[0].contains("CACHE_COMPRESSION") && said[0].contains("lz4"), "{}", said[0]);
    }

    async fn a_switch_that_is_neither_on_nor_off_is_an_error_that_names_it(said: [("CACHE_DISABLED", "maybe")]) {
        assert!(said[0].contains("CACHE_DISABLED"), "{}", said[0]);
    }
}

#[tokio::test]
async fn with_a_url_it_stores_in_redis_under_the_prefix() {
    if child::arguments().is_some() {
        return call_twice().await;
    }
    let redis = Redis::start();
    let this = "from_env::with_a_url_it_stores_in_redis_under_the_prefix";
    let url = redis.url();
    let set = environment(&[("REDIS_URL", url.as_str()), ("CACHE_PREFIX", "shop"), ("CACHE_TIMEOUT_MS", "2000")]);
    assert_eq!(Child::of(this, &[], &set).end().await[0], "1 loads, 0 errors");
    assert_eq!(redis.command::<Vec<String>>(&["KEYS", "*answer*"]), ["shop:answer"]);
    assert_eq!(Child::of(this, &[], &set).end().await[0], "0 loads, 0 errors", "the next process hits");
}

#[tokio::test]
async fn the_codec_is_what_the_environment_says() {
    if child::arguments().is_some() {
        return call_twice().await;
    }
    let redis = Redis::start();
    let this = "from_env::the_codec_is_what_the_environment_says";
    let url = redis.url();
    // What `answer` returns: 42 in one byte, and in two.
    for (name, payload) in [("postcard", &[42][..]), ("json", b"42")] {
        let of = |codec| environment(&[("REDIS_URL", &url), ("CACHE_CODEC", codec), ("CACHE_TIMEOUT_MS", "2000")]);
        assert_eq!(Child::of(this, &[], &of(name)).end().await[0], "1 loads, 0 errors");
        let stored = redis.command::<Vec<u8>>(&["GET", "cache:answer"]);
        assert!(stored.ends_with(payload), "{name}: {stored:?}");
        assert_eq!(Child::of(this, &[], &of("msgpack")).end().await[0], "0 loads, 0 errors", "read by its own codec");
        redis.command::<()>(&["DEL", "cache:answer"]);
    }
}

#[tokio::test]
async fn the_timeout_is_what_the_environment_says() {
    if let Some(arguments) = child::arguments() {
        let cache = Cache::from_env().expect("a cache");
        cache.install();
        let loads = Count::default();
        // The parent stops the server once there is a connection.
        assert_eq!(answer(&loads).await, 42);
        child::say(&arguments[0]);
        child::listen().await;
        let began = std::time::Instant::now();
        assert_eq!(answer(&loads).await, 42);
        return child::say(&began.elapsed().as_millis().to_string());
    }
    let redis = Redis::start();
    let this = "from_env::the_timeout_is_what_the_environment_says";
    let url = redis.url();
    let set = environment(&[("REDIS_URL", url.as_str()), ("CACHE_TIMEOUT_MS", "700")]);
    let mut child = Child::of(this, &["connected"], &set);
    assert_eq!(child.says().await, "connected");
    redis.pause();
    child.tell("go on");
    let took: u64 = child.says().await.parse().expect("milliseconds");
    redis.resume();
    // The last twentieth is for timers that are late.
    assert!((630..1_000).contains(&took), "{took} ms");
}
