//! Redis that answers, but only that it has no time: `BUSY` with a script, `LOADING` its data.

use std::path::Path;
use std::time::{Duration, Instant};

use cached_runtime::Cache;
use redis_test::server::RedisServer;

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
    eventually("BUSY", async || admin.run::<String>(&["PING"]).is_err_and(|error| error.code() == Some("BUSY"))).await;
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

/// A server that keeps its data in a directory of its own: what it saves must not be what other servers load.
fn with_a_directory() -> RedisServer {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let address = redis::ConnectionAddr::Tcp("127.0.0.1".to_owned(), port);
    RedisServer::new_with_addr_tls_modules_and_spawner(address, None, None, false, None, &[], |command| {
        let log = command.get_args().skip_while(|argument| *argument != "--logfile").nth(1).expect("a log file");
        let directory = Path::new(log).parent().expect("a directory").to_owned();
        command.arg("--dir").arg(directory).spawn().expect("redis-server")
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_loads_its_data_runs_the_body() {
    let server = with_a_directory();
    let (host, port) = server.host_and_port().expect("TCP");
    let url = format!("redis://{host}:{port}/");
    let service = Service::over(Cache::builder().redis(&url).prefix("test").build().expect("a cache")).mutex();
    service.until_hit("k").await;
    let (mut admin, mut reloading) = (Admin::at(&url), Admin::at(&url));
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
