//! Every option of this version at once, and the ones that look at the loaded value.

#![deny(warnings)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use cached_runtime::{Cache, KeyPart, cached};
use serde::{Deserialize, Serialize};

static LOADS: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Token {
    text: String,
    expires_in: u64,
}

#[cached(
    key = "user:{<org>}:<id><kind>:<<x>>",
    ttl = "1h30m",
    mutex(lease = "2s", wait = 10, on_timeout = load),
    skip(cache, enabled),
    none_ttl = "30s",
    version = 2,
    when = enabled && id > 0,
    unless = |found| found.as_ref().is_some_and(|token| token.text.is_empty()),
    jitter = 0.1,
    load_timeout = "5s",
    cache = cache,
    returns = result,
    crate = ::cached_runtime,
)]
async fn everything(cache: &Cache, enabled: bool, org: &str, id: i64, kind: u8) -> Result<Option<Token>, String> {
    LOADS.fetch_add(1, Relaxed);
    Ok((kind == 0).then(|| Token {
        text: org.to_owned(),
        expires_in: 60,
    }))
}

#[cached(key = "seconds:<text>", ttl = |token| token.expires_in)]
async fn seconds(text: String) -> Token {
    LOADS.fetch_add(1, Relaxed);
    Token {
        expires_in: if text.is_empty() { 0 } else { 60 },
        text,
    }
}

#[cached(key = "duration", ttl = |token| token.as_ref().map_or(Duration::ZERO, |token| Duration::from_secs(token.expires_in)))]
fn duration() -> Result<Option<Token>, String> {
    LOADS.fetch_add(1, Relaxed);
    Ok(Some(Token {
        text: "t".into(),
        expires_in: 60,
    }))
}

#[cached(
    key = "refreshed:<id>",
    ttl = "1h",
    stale = "10m",
    early = 2.0,
    refresh = background,
    error_ttl = "200ms",
    mutex(on_timeout = stale),
    unless = |text| text.is_empty(),
    skip(org),
)]
async fn refreshed(org: Arc<str>, id: i64) -> Result<String, String> {
    LOADS.fetch_add(1, Relaxed);
    std::future::ready(()).await;
    if id == 0 {
        return Err("none".to_owned())?;
    }
    Ok(org.to_string())
}

#[cached(key = "refreshed:<part>", ttl = 60, refresh = background, early, error_ttl = 1)]
fn refreshed_blocking<P: KeyPart + Send + 'static>(mut part: Vec<P>) -> Result<usize, String> {
    LOADS.fetch_add(1, Relaxed);
    part.pop();
    Ok(part.len())
}

const A_MINUTE: Duration = Duration::from_secs(60);

#[cached(key = "constant", ttl = |_| A_MINUTE)]
async fn constant() -> u8 {
    LOADS.fetch_add(1, Relaxed);
    1
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cache = Cache::in_memory();
    cache.install();
    let loads = || LOADS.swap(0, Relaxed);
    for (enabled, org, kind, expected) in [
        (true, "acme", 0, 1),
        (true, "acme", 1, 2),
        (false, "acme", 0, 2),
        (true, "", 0, 2),
    ] {
        for _ in 0..2 {
            everything(&cache, enabled, org, 1, kind).await.unwrap();
        }
        let loads = loads();
        // `returns = result` looks at no `Option`, so `None` is a value or an absence; both are kept here.
        let expected = if kind == 1 { 1 } else { expected };
        assert_eq!(loads, expected, "{enabled} {org:?} {kind}");
    }
    for _ in 0..2 {
        seconds("a".into()).await;
        duration().unwrap();
        constant().await;
    }
    assert_eq!(loads(), 3);
    for _ in 0..2 {
        seconds(String::new()).await;
    }
    assert_eq!(loads(), 2, "a ttl of zero stores nothing");
    for id in [0, 0, 1, 1] {
        assert_eq!(refreshed("acme".into(), id).await.is_ok(), id == 1);
        assert_eq!(refreshed_blocking(vec![id]), Ok(0));
    }
    assert_eq!(loads(), 4);
}
