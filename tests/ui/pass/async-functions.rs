//! Free `async fn`: results, options, plain values, early returns, `?`, coercions, and bodies that never return.

#![deny(warnings)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use cached_runtime::{Cache, cached};

static LOADS: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
struct NotFound;

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not found")
    }
}

impl std::error::Error for NotFound {}

struct Pool;

#[cached(key = "user:<id>", ttl = 3600, mutex, skip(_pool))]
async fn result(_pool: &Pool, id: i64) -> Result<Option<String>, NotFound> {
    LOADS.fetch_add(1, Relaxed);
    match id {
        0 => Err(NotFound),
        _ => Ok(Some(format!("user {id}"))),
    }
}

#[cached(key = "option:<id>", ttl = "1h", none_ttl = "30s")]
async fn option(id: u32) -> Option<u32> {
    LOADS.fetch_add(1, Relaxed);
    if id == 0 {
        return None;
    }
    Some(id)
}

#[cached(key = "plain:<name>:<suffix>", ttl = never)]
async fn plain(name: String, mut suffix: String) -> Vec<String> {
    LOADS.fetch_add(1, Relaxed);
    suffix.push('!');
    vec![name, suffix]
}

// The type of the error is known inside of the body, so `into`, `?` and boxing find it.
#[cached(key = "boxed:<text>", ttl = 60)]
async fn boxed_error(text: &str) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    LOADS.fetch_add(1, Relaxed);
    if text.is_empty() {
        return Err(Box::new(NotFound));
    }
    if text == "?" {
        return Err("a question".into());
    }
    Ok(text.parse()?)
}

#[cached(key = "todo", ttl = 60)]
async fn unfinished() -> u32 {
    panic!("half written")
}

async fn twice<F: Future>(call: impl Fn() -> F) -> (F::Output, usize) {
    LOADS.store(0, Relaxed);
    call().await;
    (call().await, LOADS.load(Relaxed))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    Cache::in_memory().install();

    let (user, loads) = twice(|| result(&Pool, 7)).await;
    assert_eq!((user.unwrap().as_deref(), loads), (Some("user 7"), 1));
    let (user, loads) = twice(|| result(&Pool, 0)).await;
    assert!(user.is_err() && loads == 2);
    assert_eq!(twice(|| option(7)).await, (Some(7), 1));
    assert_eq!(twice(|| option(0)).await, (None, 1));
    assert_eq!(
        twice(|| plain("a".into(), "b".into())).await,
        (vec!["a".into(), "b!".into()], 1)
    );
    let (number, loads) = twice(|| boxed_error("12")).await;
    assert_eq!((number.unwrap(), loads), (12, 1));
    let (number, loads) = twice(|| boxed_error("")).await;
    assert!(number.unwrap_err().is::<NotFound>() && loads == 2);
    let _never_polled = unfinished();
}
