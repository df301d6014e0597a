//! A cluster that speaks TLS. Which certificates are trusted is the process's matter, so the trusting client is a process
//! of its own.

use std::process::Command;
use std::time::Duration;

use cached_runtime::{Cache, Health};
use redis::ConnectionAddr;
use redis_test::server::RedisServer;

use crate::nodes::Nodes;
use crate::server::free_port;
use crate::service::Service;

const URLS: &str = "CACHED_TEST_TLS_CLUSTER";
/// Enough keys that every master has some.
const MANY: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_every_encrypted_master_stored_is_a_hit() {
    if let Ok(urls) = std::env::var(URLS) {
        let builder = Cache::builder().cluster(urls.split(',')).prefix("test").timeout(Duration::from_secs(2));
        let service = Service::over(builder.build().expect("a cache")).mutex().loading_for(Duration::ZERO);
        for id in 0..MANY {
            service.until_hit(&id.to_string()).await;
        }
        service.write();
        for id in 0..MANY {
            assert_eq!(service.hit(&id.to_string()).await, 1);
            service.invalidate(&id.to_string()).await.expect("an invalidation");
            assert_eq!(service.read(&id.to_string()).await.value, 2);
        }
        assert_eq!(service.cache.health(), Health::Up);
        return;
    }
    // Of this one only the certificates are needed.
    let addr =
        ConnectionAddr::TcpTls { host: "127.0.0.1".to_owned(), port: free_port(), insecure: false, tls_params: None };
    let made = RedisServer::new_with_addr_and_modules(addr, &[], false);
    let certificates = made.tls_paths.as_ref().expect("certificates");
    let (nodes, ports) = Nodes::encrypted(certificates);
    // Only one is named: the others are found at their encrypted ports.
    let status = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "encrypted::what_every_encrypted_master_stored_is_a_hit"])
        .env(URLS, format!("rediss://127.0.0.1:{}/", ports[0]))
        .env("SSL_CERT_FILE", &certificates.ca_crt)
        .status()
        .expect("a child process");
    assert!(status.success());
    let held: Vec<u64> = nodes.servers.iter().map(|server| server.must(&["DBSIZE"])).collect();
    assert!(held.iter().all(|held| *held > 3), "{held:?}");
}
