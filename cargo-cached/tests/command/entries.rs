//! `get`, `ttl` and `del` over a real Redis.

use std::time::Duration;

use cached_runtime::{Builder, Cache, Codec, Compression, Policy, cached, key};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::support::Redis;
use super::{Said, cargo_cached};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: i64,
    names: Vec<String>,
}

#[cached(key = "user:<id>", ttl = 600, stale = "1m", tag = "org:<org>", version = 3)]
async fn find_user(org: i64, id: i64) -> Option<User> {
    Some(User { id, names: vec!["Ada".to_owned(), format!("of {org}")] })
}

#[cached(key = "nobody:<id>", ttl = 600, none_ttl = 60)]
async fn find_nobody(id: i64) -> Option<User> {
    (id < 0).then(|| User { id, names: Vec::new() })
}

/// On a busy machine a slow answer is no outage.
fn patient(redis: &Redis) -> Builder {
    redis.builder().timeout(Duration::from_secs(5))
}

fn over(redis: &Redis, words: &[&str]) -> Said {
    cargo_cached(&[words, &["--prefix", "test", "--url", &redis.url()]].concat())
}

fn shown(redis: &Redis, key: &str) -> Value {
    over(redis, &["get", key, "--json"]).json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_is_shown_with_all_that_its_entry_says() {
    let redis = Redis::start();
    let cache = patient(&redis).build().expect("a cache");
    cache.scope(find_user(7, 42)).await;
    let user = shown(&redis, "user:42");
    assert_eq!(user["value"], json!({"id": 42, "names": ["Ada", "of 7"]}));
    for (field, expected) in [
        ("key", json!("test:user:42")),
        ("kind", json!("value")),
        ("version", json!(3)),
        ("codec", json!("json")),
        ("compressed", json!(false)),
        ("tags", json!(["org:7"])),
        ("stale_ms", json!(60_000)),
        ("invalidated", json!(false)),
    ] {
        assert_eq!(user[field], expected, "{field}");
    }
    let between = |field: &str, least: u64, most: u64| {
        assert!(user[field].as_u64().is_some_and(|it| (least..=most).contains(&it)), "{field}: {user}");
    };
    // Up to a twentieth less, by jitter.
    between("ttl_ms", 570_000, 600_000);
    between("left_ms", 600_000, 660_000);

    let said = over(&redis, &["get", "user:42"]);
    assert_eq!(said.code, Some(0));
    for part in [
        "test:user:42\n",
        "value of version 3, JSON and ",
        " ago) after a load of ",
        "then stale for 1m; dropped in 1",
        "tag org:7\n",
        "\"names\": [",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let ttl = over(&redis, &["ttl", "user:42"]);
    assert!(ttl.code == Some(0) && ttl.out.starts_with("10m"), "{}", ttl.out);

    // Looking changed nothing: still the same entry, and a hit.
    assert_eq!(shown(&redis, "user:42")["created_ms"], user["created_ms"]);
    cache.invalidate_tag(&key!("org:7")).await.expect("invalidated");
    let user = shown(&redis, "user:42");
    assert_eq!((&user["kind"], &user["invalidated"]), (&json!("value"), &json!(true)));
    assert!(over(&redis, &["get", "user:42"]).out.contains("tag org:7, invalidated since\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_codec_is_decoded_and_so_is_what_is_compressed() {
    let redis = Redis::start();
    let user = User { id: 7, names: vec!["x".repeat(30); 300] };
    for (codec, name) in [(Codec::Json, "json"), (Codec::MessagePack, "msgpack"), (Codec::Postcard, "postcard")] {
        let cache = patient(&redis).codec(codec).compress(Compression::Lz4).build().expect("a cache");
        cache.put(&key!("user:<name>"), &user, Duration::from_secs(60)).await.expect("stored");
        let shown = shown(&redis, &format!("user:{name}"));
        assert_eq!((&shown["codec"], &shown["compressed"]), (&json!(name), &json!(true)));
        if codec == Codec::Postcard {
            // Without the type nobody knows what the bytes mean.
            assert_eq!((&shown["value"], shown["hex"].as_str().map(|hex| &hex[..4])), (&json!(null), Some("0eac")));
        } else {
            assert_eq!(shown["value"], serde_json::to_value(&user).expect("JSON"), "{name}");
        }
    }
    patient(&redis).build().expect("a cache").scope(find_nobody(404)).await;
    assert_eq!(shown(&redis, "nobody:404")["kind"], "none");
    assert!(over(&redis, &["get", "nobody:404"]).out.ends_with("None\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_foreign_values_and_nothing_are_told_apart() {
    let redis = Redis::start();
    let cache = patient(&redis).build().expect("a cache");
    let nothing = over(&redis, &["get", "user:1"]);
    assert!(nothing.code == Some(1) && nothing.out.contains("nothing: the next call loads"), "{}", nothing.out);
    assert_eq!(over(&redis, &["ttl", "user:1"]).code, Some(1));
    let hint = over(&redis, &["get", "test:user:1"]);
    assert!(hint.out.contains("the prefix is added: write `user:1`"), "{}", hint.out);

    let (began, has_begun) = oneshot::channel();
    let (end, ends) = oneshot::channel::<()>();
    let load = tokio::spawn(async move {
        let load = async move || {
            began.send(()).expect("somebody waits");
            ends.await.map(|()| 5_u32)
        };
        cache.get_or_load(key!("slow"), Policy::ttl(Duration::from_secs(60)), load).await
    });
    has_begun.await.expect("a load");
    let lease = shown(&redis, "slow");
    assert!(lease["kind"] == "lease" && lease["left_ms"].as_u64().is_some_and(|left| left > 0), "{lease}");
    end.send(()).expect("it still waits");
    load.await.expect("no panic").expect("a value");
    assert_eq!(shown(&redis, "slow")["value"], 5);

    let _: () = redis.command(&["SET", "test:text", "hello"]);
    let _: i64 = redis.command(&["LPUSH", "test:list", "a"]);
    for key in ["text", "list"] {
        assert_eq!(shown(&redis, key)["kind"], "foreign", "{key}");
    }
    assert_eq!(over(&redis, &["ttl", "text"]).out, "never\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn del_revokes_a_load_that_is_running() {
    let redis = Redis::start();
    let cache = patient(&redis).build().expect("a cache");
    let (began, has_begun) = oneshot::channel();
    let (end, ends) = oneshot::channel::<()>();
    let loading = cache.clone();
    let load = tokio::spawn(async move {
        let load = async move || {
            began.send(()).expect("somebody waits");
            ends.await.map(|()| 5_u32)
        };
        loading.get_or_load(key!("slow"), Policy::ttl(Duration::from_secs(60)), load).await
    });
    has_begun.await.expect("a load");
    let deleted = over(&redis, &["del", "slow"]);
    assert!(deleted.code == Some(0) && deleted.out.starts_with("invalidated slow"), "{}{}", deleted.out, deleted.err);
    end.send(()).expect("it still waits");
    assert_eq!(load.await.expect("no panic").expect("its own answer"), 5);
    assert_eq!(cache.get::<u32>(&key!("slow")).await, None, "what was read before the deletion was stored after it");
    assert_eq!(shown(&redis, "slow")["kind"], "nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_url_may_come_from_the_environment_and_is_never_printed() {
    let mut redis = Redis::start();
    let _: () = redis.command(&["CONFIG", "SET", "requirepass", "hunter2"]);
    let url = format!("redis://:hunter2@127.0.0.1:{}/", redis.port());
    let cache = Cache::builder().redis(&*url).prefix("env").timeout(Duration::from_secs(5)).build().expect("a cache");
    cache.put(&key!("answer"), &42_u32, Duration::from_secs(60)).await.expect("stored");
    let with_environment = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cargo-cached"));
        super::said(command.args(words).env("REDIS_URL", &url).env("CACHE_PREFIX", "env"))
    };
    let said = with_environment(&["get", "answer"]);
    assert!(said.code == Some(0) && said.out.ends_with("42\n"), "{}{}", said.out, said.err);
    let help = with_environment(&["get", "--help"]);
    redis.kill();
    let down = with_environment(&["get", "answer", "--timeout", "500ms"]);
    assert!(down.code == Some(2) && down.err.contains("Redis did not answer"), "{}{}", down.out, down.err);
    for said in [said, help, down] {
        assert!(!said.out.contains("hunter2") && !said.err.contains("hunter2"), "{}{}", said.out, said.err);
    }
}
