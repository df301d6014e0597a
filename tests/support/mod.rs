//! What the tests share: a Redis of their own, and a cache over each backend.
#![allow(dead_code, reason = "every test binary uses its own part")]

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use cached_runtime::{Builder, Cache};
use redis::ConnectionAddr;
use redis_test::server::RedisServer;

/// A real `redis-server` on a port of its own, ended with the test.
pub struct Redis {
    server: RedisServer,
    port: u16,
}

impl Redis {
    /// Starts one and waits until it answers.
    pub fn start() -> Self {
        // Between finding a free port and the server taking it, somebody else may: then another one.
        for _ in 0..5 {
            let port =
                std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
            if let Some(redis) = Self::start_on(port) {
                return redis;
            }
        }
        panic!("redis-server did not start five times in a row");
    }

    fn start_on(port: u16) -> Option<Self> {
        let server = RedisServer::new_with_addr_tls_modules_and_spawner(
            ConnectionAddr::Tcp("127.0.0.1".to_owned(), port),
            None,
            None,
            false,
            None,
            &[],
            // Not in the caller's directory: a dump lying there would be loaded.
            |command| match for_any_version(command)
                .args(["--dbfilename", &format!("test-{port}.rdb")])
                .current_dir(std::env::temp_dir())
                .spawn()
            {
                Ok(child) => child,
                Err(error) => panic!(
                    "these tests need `redis-server` 7 or newer on the PATH ({error}): run scripts/test, which installs it"
                ),
            },
        );
        let mut redis = Self { server, port };
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if redis.server.process.try_wait().is_ok_and(|ended| ended.is_some()) {
                return None;
            }
            if let Ok(mut connection) = redis.connect()
                && redis::cmd("PING").query::<String>(&mut connection).is_ok()
            {
                return Some(redis);
            }
            std::thread::yield_now();
        }
        None
    }

    fn connect(&self) -> redis::RedisResult<redis::Connection> {
        redis::Client::open(self.url())?.get_connection_with_timeout(Duration::from_secs(2))
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn builder(&self) -> Builder {
        Cache::builder().redis(self.url()).prefix("test")
    }

    pub fn cache(&self) -> Cache {
        self.builder().build().expect("a cache")
    }

    /// Runs one command on a connection of its own, like `redis-cli`.
    pub fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        command.query(&mut self.connect().expect("a connection")).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    pub fn set_bytes(&self, key: &str, bytes: &[u8]) {
        let mut set = redis::cmd("SET");
        set.arg(key).arg(bytes).arg("KEEPTTL");
        set.query::<()>(&mut self.connect().expect("a connection")).expect("SET");
    }

    fn signal(&self, signal: &str) {
        let pid = self.server.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
    }

    /// `SIGSTOP`: the server hangs, its sockets stay open.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// `SIGKILL`.
    pub fn kill(&mut self) {
        self.signal("-KILL");
        self.server.process.wait().expect("the server's end");
    }

    /// A new, empty server on the same port.
    pub fn restart(&mut self) {
        let port = self.port;
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Some(redis) = Self::start_on(port) {
                *self = redis;
                return;
            }
        }
        panic!("redis-server did not start again on port {port}");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // A stopped process does not act on its end before it goes on.
        let _ = Command::new("kill").args(["-CONT", &self.server.process.id().to_string()]).output();
    }
}

/// `REDISRS_SERVER_BIN` names another server than the one on the PATH, whose version is what the command was made for:
/// before 7.0 there is nothing to enable, and a server does not start with an option that it does not know.
fn for_any_version(command: &Command) -> Command {
    static OLDER: OnceLock<bool> = OnceLock::new();
    let program = command.get_program();
    let older = *OLDER.get_or_init(|| {
        let said = Command::new(program).arg("--version").output().map(|said| said.stdout).unwrap_or_default();
        String::from_utf8_lossy(&said).contains(" v=6.")
    });
    let mut ours = Command::new(program);
    let mut given = command.get_args();
    while let Some(word) = given.next() {
        if word == "--enable-debug-command" {
            given.next();
        } else {
            ours.arg(word);
        }
    }
    if !older {
        ours.args(["--enable-debug-command", "yes"]);
    }
    ours.stdout(Stdio::null()).stderr(Stdio::null());
    ours
}

/// A cache over one backend, and what keeps that alive.
pub struct World {
    pub cache: Cache,
    pub redis: Option<Redis>,
}

impl World {
    pub fn memory() -> Self {
        Self { cache: Cache::in_memory(), redis: None }
    }

    pub fn redis() -> Self {
        let redis = Redis::start();
        Self { cache: redis.cache(), redis: Some(redis) }
    }

    /// A second cache on the same store, as another process would have; the same cache where there is but one process.
    pub fn other_process(&self) -> Cache {
        self.redis.as_ref().map_or_else(|| self.cache.clone(), Redis::cache)
    }
}

/// Each promise is a test on each backend.
#[macro_export]
macro_rules! on_both_backends {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: World) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn promise($world: $crate::support::World) $body

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn in_memory() {
                promise($crate::support::World::memory()).await;
            }

            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn over_redis() {
                promise($crate::support::World::redis()).await;
            }
        }
    )*};
}

/// The command that makes the documented user, who may do what a cache needs and no more; for this prefix.
pub fn documented_user() -> Vec<&'static str> {
    let readme = include_str!("../../docs/servers.md");
    let line = readme.lines().find(|line| line.starts_with("ACL SETUSER cache on >password "));
    let words = line.expect("the document has it in one line").split_whitespace();
    words.map(|word| if word == "~shop:*" { "~test:*" } else { word }).collect()
}

/// Counts what happened.
#[derive(Clone, Debug, Default)]
pub struct Count(Arc<AtomicU64>);

impl Count {
    pub fn add(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Waits for something that must come, and says what did not.
pub async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
