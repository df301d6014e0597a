//! No password in anything that is printed, whatever fails.

use std::fmt::Write;
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use cached_runtime::{Builder, Cache, key};

use crate::admin::Admin;
use crate::service::Service;
use crate::support::{Redis, eventually};

const SECRET: &str = "hunter2";

/// Every line that anybody logs in this process.
struct Log;

static LINES: Mutex<String> = Mutex::new(String::new());

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(lines, "{} {}: {}", record.level(), record.target(), record.args());
    }

    fn flush(&self) {}
}

fn collect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Log).expect("the only logger");
        log::set_max_level(log::LevelFilter::Trace);
    });
}

fn logged(what: &str) -> bool {
    LINES.lock().unwrap_or_else(PoisonError::into_inner).lines().any(|line| line.contains(what))
}

/// A builder with the password in its URL.
fn builder(redis: &Redis) -> Builder {
    let url = redis.url().replace("redis://", &format!("redis://user:{SECRET}@"));
    Cache::builder().redis(format!("{url}0")).prefix("test")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_failure_prints_the_password() {
    collect();
    let mut redis = Redis::start();
    let address = redis.url().trim_start_matches("redis://").trim_end_matches('/').to_owned();
    let mut admin = Admin::of(&redis);
    let mut printed = String::new();
    let builder = builder(&redis);
    writeln!(printed, "{builder:?}").expect("a String");
    let cache = builder.build().expect("a cache");
    let service = Service::over(cache.clone()).mutex();

    // Locked out.
    admin.must(&["ACL", "SETUSER", "user", "on", ">another", "~*", "+@all"]);
    service.uncached("k").await;
    fail(&cache, &mut printed).await;
    eventually("a line about the failed login", async || logged(&format!("no connection to {address}"))).await;

    // Let in, then out of memory, then read-only, then a foreign kind, then not permitted.
    admin.must(&["ACL", "SETUSER", "user", &format!(">{SECRET}")]);
    service.until_hit("k").await;
    eventually("a line about the connection", async || logged(&format!("connected to {address} again"))).await;
    admin.config("maxmemory", "1");
    fail(&cache, &mut printed).await;
    admin.config("maxmemory", "0");
    admin.config("min-replicas-to-write", "1");
    fail(&cache, &mut printed).await;
    admin.config("min-replicas-to-write", "0");
    service.until_hit("k").await;
    admin.must(&["ACL", "SETUSER", "user", "-@all"]);
    fail(&cache, &mut printed).await;

    // Gone.
    redis.kill();
    fail(&cache, &mut printed).await;
    write!(printed, "{cache:?} {:?} {}", cache.stats(), cache.stats()).expect("a String");

    assert!(printed.matches("not available").count() >= 4, "{printed}");
    assert!(printed.contains("OOM") && printed.contains("NOPERM"), "{printed}");
    assert!(!printed.contains(SECRET), "{printed}");
    assert!(!logged(SECRET), "the log says the password");
}

/// Whatever an explicit call's failure says, in every form.
async fn fail(cache: &Cache, printed: &mut String) {
    let put = cache.put(&key!("k"), &1_u64, Duration::from_secs(60)).await;
    let invalidated = cache.invalidate(&key!("k")).await;
    assert!(put.is_err(), "the fault did not bite");
    for result in [put, invalidated] {
        if let Err(error) = result {
            let source = std::error::Error::source(&error);
            writeln!(printed, "{error} {error:?} {error:#?} {source:?}").expect("a String");
        }
    }
}

#[tokio::test]
async fn no_url_that_does_not_parse_is_quoted() {
    collect();
    for url in [
        "redis://user:hunter2@127.0.0.1:notaport/",
        "redis://user:hunter2@127.0.0.1:99999/",
        "redis://user:hunter2@127.0.0.1/notadb",
        "redis://user:hunter2@[::1/",
        "redis://user:hunter2@",
        "redis://:hunter2@127.0.0.1/0?protocol=hunter2",
        "http://user:hunter2@127.0.0.1/",
        "hunter2://127.0.0.1/hunter2",
        "hunter2@127.0.0.1",
        "unix://hunter2\0",
        "",
    ] {
        let built = Cache::builder().redis(url).build();
        let Err(error) = built else { panic!("`{url}` is a URL: {built:?}") };
        let printed = format!("{error} {error:?}");
        assert!(!printed.contains(&format!("{SECRET}@")) && !printed.contains(&format!(":{SECRET}")), "{printed}");
    }
    assert!(!logged(SECRET), "the log says the password");
}

#[tokio::test]
async fn a_url_that_parses_is_printed_without_its_password() {
    for url in
        ["redis://user:hunter2@127.0.0.1:1/3", "valkey://:hunter2@localhost:1/", "unix:/run/no.sock?pass=hunter2"]
    {
        let cache = Cache::builder().redis(url).build().expect("a cache");
        let printed = format!("{cache:?} {cache:#?}");
        assert!(printed.contains(":1") || printed.contains("no.sock"), "{printed}");
        assert!(!printed.contains(SECRET), "{printed}");
    }
}
