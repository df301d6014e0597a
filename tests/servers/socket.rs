//! A server at a unix socket.

use std::path::PathBuf;
use std::time::Duration;

use cached_runtime::{Cache, Health};

use crate::server::Server;
use crate::service::Service;

/// A socket of this test's own, removed with it.
struct Socket(PathBuf);

impl Socket {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("cached-test-{}-{name}.sock", std::process::id())))
    }

    /// A server that listens at it.
    fn server(&self) -> Server {
        Server::start(&["--unixsocket", &self.0.display().to_string()])
    }

    fn service(&self, settings: &str) -> Service {
        let url = format!("unix://{}{settings}", self.0.display());
        let builder = Cache::builder().redis(url).prefix("test").timeout(Duration::from_secs(2));
        Service::over(builder.build().expect("a cache")).mutex()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_at_a_socket_gives_hits_and_takes_invalidations_until_it_is_gone() {
    let socket = Socket::new("plain");
    let mut server = socket.server();
    let service = socket.service("?db=2");
    assert!(service.read("k").await.loaded);
    assert_eq!(service.hit("k").await, 1);
    assert!(server.must::<String>(&["INFO", "keyspace"]).contains("db2:"), "the URL's database is the server's");
    service.write();
    service.invalidate("k").await.expect("an invalidation");
    assert_eq!(service.read("k").await.value, 2);
    assert_eq!(service.cache.health(), Health::Up);
    server.kill();
    service.uncached_times("k", 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_at_a_socket_is_given_the_user_and_the_password() {
    let socket = Socket::new("locked");
    let server = socket.server();
    server.must::<()>(&["ACL", "SETUSER", "shop", "on", ">hunter2", "~*", "&*", "+@all"]);
    server.must::<()>(&["ACL", "SETUSER", "default", "off"]);
    let service = socket.service("?user=shop&pass=hunter2");
    assert!(service.read("k").await.loaded);
    service.hit("k").await;
    assert!(socket.service("?user=shop&pass=wrong").read("k").await.loaded);
}
