//! Redis that answers, but only that it has no time: `BUSY` with a script, `LOADING` its data.

use std::time::{Duration, Instant};

use crate::admin::Admin;
use crate::service::{RECOVERY, Service};
use crate::support::{Redis, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_busy_with_a_script_runs_the_body() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let mut endless = Admin::of(&redis);
    admin.config("lua-time-limit", "20");
    let service = Service::over(redis.cache()).mutex();
    service.until_hit("k").await;
    let script = std::thread::spawn(move || endless.run::<redis::Value>(&["EVAL", "while true do end", "0"]));
    eventually("BUSY", async || {
        admin.run::<String>(&["PING"]).is_err_and(|error| error.code() == Some("BUSY"))
    })
    .await;
    service.write();
    let errors = service.cache.stats().total().errors;
    for _ in 0..20 {
        service.uncached("k").await;
        service.uncached("new").await;
    }
    assert!(service.cache.stats().total().errors >= errors + 40, "each call asked the server and was refused");
    admin.must(&["SCRIPT", "KILL"]);
    assert!(script.join().expect("no panic").is_err());
    for id in ["k", "new"] {
        let recovery = service.until_hit(id).await;
        assert!(recovery < RECOVERY, "hits after {recovery:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_loads_its_data_runs_the_body() {
    let redis = Redis::start();
    let mut admin = Admin::of(&redis);
    let mut reloading = Admin::of(&redis);
    let service = Service::over(redis.cache()).mutex();
    service.until_hit("k").await;
    admin.must(&["DEBUG", "POPULATE", "2000", "filler", "100"]);
    // A millisecond per key: it loads for two seconds, and answers `LOADING` meanwhile.
    admin.config("key-load-delay", "1000");
    admin.config("loading-process-events-interval-bytes", "1024");
    let reload = std::thread::spawn(move || reloading.run::<redis::Value>(&["DEBUG", "RELOAD"]));
    eventually("LOADING", async || {
        admin.run::<Option<String>>(&["GET", "x"]).is_err_and(|error| error.code() == Some("LOADING"))
    })
    .await;
    service.write();
    let began = Instant::now();
    let mut calls = 0;
    while !reload.is_finished() && began.elapsed() < Duration::from_secs(1) {
        let answer = service.read("k").await;
        // The last one may find the server ready, with the value of before: nobody invalidated it.
        if !answer.loaded {
            break;
        }
        assert_eq!(answer.value, answer.row);
        calls += 1;
    }
    assert!(calls > 5, "{calls} calls while the server was loading");
    admin.config("key-load-delay", "0");
    reload.join().expect("no panic").expect("a reload");
    let recovery = service.until_hit("k").await;
    assert!(recovery < RECOVERY, "hits after {recovery:?}");
}
