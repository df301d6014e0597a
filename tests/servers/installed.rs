//! The servers that there are.

use std::path::Path;

use crate::server::Server;

/// The `redis-server` that is installed: 7.0 or newer.
pub const INSTALLED: &str = "installed";
/// The oldest that is supported, asked by scripts.
pub const OLDEST: &str = "redis-6.2";

/// Starts the server of that name; none where `scripts/servers` could not bring it. `scripts/test` says in this variable
/// which ones it brought: those must be there.
pub fn start(name: &str) -> Option<Server> {
    if name == INSTALLED {
        return Some(Server::start(&[]));
    }
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/servers").join(name).join("server");
    if program.exists() {
        return Some(Server::running(&program.display().to_string(), &[]));
    }
    let brought = std::env::var("CACHED_TEST_SERVERS").unwrap_or_default();
    assert!(!brought.split_whitespace().any(|other| other == name), "{name} was brought and is not there");
    eprintln!("NOT RUN on {name}, which is missing: scripts/servers brings it");
    None
}

/// Each promise is a test on each server.
macro_rules! on_every_server {
    ($(async fn $name:ident($server:ident: &Server) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn promise(on: &str) {
                if let Some(server) = $crate::installed::start(on) {
                    let $server = &server;
                    $body
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn installed() {
                promise($crate::installed::INSTALLED).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn redis_6_2() {
                promise($crate::installed::OLDEST).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn redis_8_2() {
                promise("redis-8.2").await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn valkey_8_1() {
                promise("valkey-8.1").await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn valkey_9_1() {
                promise("valkey-9.1").await;
            }
        }
    )*};
}
