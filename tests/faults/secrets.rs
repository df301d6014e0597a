//! No password in anything that is printed, whatever fails.

use std::fmt::Write;
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use cached_runtime::{Builder, Cache, Policy, key};

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

/// The same secret, as a URL has to spell it where it holds other signs.
const ENCODED: &str = "hunter%32";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_url_of_several_servers_prints_its_password_however_it_is_spelled() {
    collect();
    for secret in [SECRET, ENCODED] {
        let login = format!("user:{secret}@");
        let one = format!("redis://{login}127.0.0.1:1/");
        let builders = [
            Cache::builder().redis(&one),
            Cache::builder().redis(format!("redis+cluster://{login}127.0.0.1:1,127.0.0.1:2/")),
            Cache::builder().redis(format!("redis+sentinel://{login}127.0.0.1:1,127.0.0.1:2/mymaster/3")),
            Cache::builder().redis(format!("rediss+cluster://{login}127.0.0.1:1,127.0.0.1:2/")),
            Cache::builder().cluster([&one, "redis://127.0.0.1:2"]),
            Cache::builder().sentinel([&one, "redis://127.0.0.1:2"], "mymaster"),
        ];
        for builder in builders {
            let mut printed = format!("{builder:?} {builder:#?}");
            let cache = builder.build().expect("a cache");
            fail(&cache, &mut printed).await;
            write!(printed, "{cache:?} {cache:#?} {:?} {}", cache.health(), cache.stats()).expect("a String");
            assert!(printed.contains("127.0.0.1:1"), "{printed}");
            assert!(![SECRET, ENCODED].iter().any(|secret| printed.contains(secret)), "{printed}");
        }
        for url in [
            format!("redis+cluster://{login}127.0.0.1:x/"),
            format!("redis+cluster://{login}127.0.0.1:1/3"),
            format!("redis+sentinel://{login}127.0.0.1:1/"),
            format!("redis+sentinel://{login}127.0.0.1:1/mymaster/x"),
            format!("redis+sentinel:/{login}127.0.0.1:1/mymaster"),
            format!("redis+both://{login}127.0.0.1:1/"),
        ] {
            let error = Cache::builder().redis(&*url).build().expect_err("no such URL");
            let printed = format!("{error} {error:?}");
            assert!(![SECRET, ENCODED].iter().any(|secret| printed.contains(secret)), "{printed}");
        }
    }
    assert!(!logged(SECRET) && !logged(ENCODED), "the log says the password");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_keys_nor_values_are_printed_whatever_happens_to_them() {
    collect();
    let mut redis = Redis::start();
    let cache = redis.builder().max_value(1_024).build().expect("a cache");
    let (key, value) = (|| key!("customer-zanzibar"), "zanzibar owes money");
    let policy = Policy::ttl(Duration::from_secs(60)).mutex();
    let read =
        async |length: usize| cache.get_or_load(key(), policy, async || Ok::<_, String>(value.repeat(length))).await;
    let mut printed = format!("{policy:?}");
    assert_eq!(read(1).await.as_deref(), Ok(value));

    // Damaged, of another kind, of another type, too large, gone away from, panicked over.
    redis.set_bytes("test:customer-zanzibar", value.as_bytes());
    assert_eq!(read(1).await.as_deref(), Ok(value));
    redis.command::<()>(&["DEL", "test:customer-zanzibar"]);
    redis.command::<()>(&["LPUSH", "test:customer-zanzibar", value]);
    assert_eq!(read(1).await.as_deref(), Ok(value));
    assert_eq!(cache.get_or_load(key(), policy, async || Ok::<_, String>(4711_u64)).await, Ok(4711));
    cache.invalidate(&key()).await.expect("an invalidation");
    assert_eq!(read(100).await.map(|text| text.len()), Ok(100 * value.len()));
    let error = cache.put(&key(), &value.repeat(100), policy).await.expect_err("too large");
    write!(printed, "{error:?} {error}").expect("a String");
    let panicking = cache.clone();
    let panicked = tokio::spawn(async move {
        let load = async || -> Result<u64, String> { std::panic::resume_unwind(Box::new("as it should")) };
        panicking.get_or_load(key!("customer-zanzibar"), policy, load).await
    });
    write!(printed, "{:?}", panicked.await.expect_err("a panic")).expect("a String");

    // Not delivered, and then not closed.
    redis.kill();
    let error = cache.invalidate(&key()).await.expect_err("nobody is there");
    write!(printed, "{error:?} {error}").expect("a String");
    assert_eq!(read(1).await.as_deref(), Ok(value));
    write!(printed, "{:?} {cache:?} {cache:#?} {:?}", cache.health(), cache.stats()).expect("a String");
    assert_eq!(cache.close().await.undelivered, 1);

    assert!(logged("was not delivered") && logged("closed with 1"), "nothing was logged");
    assert!(!printed.contains("zanzibar"), "{printed}");
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let told: Vec<_> = lines.lines().filter(|line| line.contains("zanzibar") && !line.starts_with("TRACE")).collect();
    assert!(told.is_empty(), "{told:#?}");
}
