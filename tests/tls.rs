//! `rediss://`: hits over TLS where the certificate is trusted; where it is not, the body, no panic, and words that help.

#[allow(dead_code, reason = "others count more")]
#[path = "behaviour/logged.rs"]
mod logged;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cached_runtime::{Cache, key};
use redis::ConnectionAddr;
use redis_test::server::RedisServer;

const URL: &str = "CACHED_TEST_TLS_URL";

fn server() -> (RedisServer, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let host = "127.0.0.1".to_owned();
    let addr = ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None };
    let server = RedisServer::new_with_addr_and_modules(addr, &[], false);
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "the TLS server did not start");
        std::thread::yield_now();
    }
    (server, format!("rediss://127.0.0.1:{port}/"))
}

/// Ten calls; the number of hits.
async fn hits(url: &str) -> u64 {
    let cache = Cache::builder().redis(url).timeout(Duration::from_secs(2)).build().expect("a cache");
    for _ in 0..10 {
        let value = cache.get_or_load(key!("k"), Duration::from_secs(60), async || Ok::<_, ()>(7)).await;
        assert_eq!(value, Ok(7));
    }
    cache.stats().total().hits
}

/// Which certificates are trusted is the process's matter, so the trusting client is a process of its own.
#[tokio::test]
async fn a_trusted_server_gives_hits() {
    if let Ok(url) = std::env::var(URL) {
        assert_eq!(hits(&url).await, 9);
        return;
    }
    let (server, url) = server();
    let authority = server.tls_paths.as_ref().expect("certificates").ca_crt.clone();
    trusting("a_trusted_server_gives_hits", &url, &authority);
}

/// Runs that test in a process that trusts the authority.
fn trusting(test: &str, url: &str, authority: &Path) {
    let status = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", test])
        .env(URL, url)
        .env("SSL_CERT_FILE", authority)
        .status()
        .expect("a child process");
    assert!(status.success());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_and_the_log_says_what_to_write() {
    if let Ok(url) = std::env::var(URL) {
        logged::listen();
        assert_eq!(hits(&url).await, 0);
        assert_eq!(
            logged::warnings(&["localhost", "its certificate is refused", "other names than the URL's host"]),
            1
        );
        assert_eq!(logged::warnings(&["hunter2"]), 0);
        return;
    }
    let (server, url) = server();
    let authority = server.tls_paths.as_ref().expect("certificates").ca_crt.clone();
    // It is made out to the address.
    let url = url.replace("127.0.0.1", "user:hunter2@localhost");
    trusting("a_certificate_for_another_name_is_refused_and_the_log_says_what_to_write", &url, &authority);
}

#[tokio::test]
async fn an_untrusted_server_is_not_used_and_every_call_runs_its_body() {
    logged::listen();
    let (_server, url) = server();
    assert_eq!(hits(&url).await, 0);
    let port = url.rsplit_once(':').expect("a port").1.trim_end_matches('/');
    assert_eq!(logged::warnings(&[port, "its certificate is refused", "SSL_CERT_FILE"]), 1);
}
