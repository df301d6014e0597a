//! A Redis that keeps what it has acknowledged: every write is on disk before it is answered.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cached_runtime::Cache;

pub struct Durable {
    process: Child,
    port: u16,
    folder: PathBuf,
}

impl Durable {
    pub fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port();
        let folder = std::env::temp_dir().join(format!("write-behind-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let process = spawn(port, &folder);
        Self { process, port, folder }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub fn cache(&self) -> Cache {
        patient(&self.url())
    }

    /// A file that goes with the server.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn restart(&mut self) {
        self.kill();
        self.start_again();
    }

    /// `SIGKILL`.
    pub fn kill(&mut self) {
        self.process.kill().expect("a process");
        self.process.wait().expect("its end");
    }

    /// From its file.
    pub fn start_again(&mut self) {
        self.process = spawn(self.port, &self.folder);
    }

    /// `-STOP`, `-CONT`.
    pub fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
    }

    pub fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(self.url()).expect("a URL");
        let mut connection = client.get_connection_with_timeout(Duration::from_secs(2)).expect("a connection");
        redis::cmd(words[0])
            .arg(&words[1..])
            .query(&mut connection)
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }
}

/// With the disk in the way an answer takes longer.
pub fn patient(url: &str) -> Cache {
    Cache::builder().redis(url).prefix("test").timeout(Duration::from_secs(5)).build().expect("a cache")
}

fn spawn(port: u16, folder: &std::path::Path) -> Child {
    let process = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(folder)
        .args(["--appendonly", "yes", "--appendfsync", "always"])
        .stdout(Stdio::null())
        .spawn()
        .expect("these tests need `redis-server` 7 or newer on the PATH: run scripts/test, which installs it");
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "redis-server did not start");
        std::thread::yield_now();
    }
    process
}

impl Drop for Durable {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
