//! Servers that the tests start, end, stop and ask.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One `redis-server` in a directory of its own, ended with the test.
pub struct Server {
    child: Child,
    pub port: u16,
    home: PathBuf,
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

/// The one on the PATH, unless another one is named as for the tests of one server.
fn installed() -> String {
    std::env::var("REDISRS_SERVER_BIN").unwrap_or_else(|_| "redis-server".to_owned())
}

/// Whether a cluster's own port can be chosen; before 7.0 it is the port and 10000.
fn knows_cluster_port(program: &str) -> bool {
    let said = Command::new(program).arg("--version").output().map(|said| said.stdout).unwrap_or_default();
    !String::from_utf8_lossy(&said).contains(" v=6.")
}

impl Server {
    /// Starts one with these settings, and waits until it answers.
    pub fn start(settings: &[&str]) -> Self {
        Self::of(&installed(), None, settings)
    }

    /// The same with another program than the installed `redis-server`.
    pub fn running(program: &str, settings: &[&str]) -> Self {
        Self::of(program, None, settings)
    }

    /// A sentinel: it keeps its settings in a file that it writes itself.
    pub fn sentinel(settings: &str) -> Self {
        Self::of(&installed(), Some(settings), &["--sentinel"])
    }

    fn of(program: &str, file: Option<&str>, settings: &[&str]) -> Self {
        let clustered = settings.contains(&"--cluster-enabled");
        let chooses = !clustered || knows_cluster_port(program);
        // Between finding a free port and the server taking it, somebody else may: then another one.
        for _ in 0..10 {
            let port = free_port();
            if !chooses && port > 55_000 {
                continue;
            }
            let home = std::env::temp_dir().join(format!("cached-test-{}-{port}", std::process::id()));
            std::fs::create_dir_all(&home).expect("a directory");
            let mut command = Command::new(program);
            if let Some(file) = file {
                std::fs::write(home.join("settings"), file).expect("a file");
                command.arg("settings");
            }
            command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
            if file.is_none() {
                command.args(["--save", ""]);
            }
            if clustered && chooses {
                // Else it is the port and 10000, which may be none.
                command.args(["--cluster-port", &free_port().to_string()]);
            }
            command.args(settings).current_dir(&home).stdout(Stdio::null()).stderr(Stdio::null());
            let child = command.spawn().unwrap_or_else(|error| {
                panic!("these tests need `{program}` ({error}): run scripts/test, which installs redis-server")
            });
            let mut server = Self { child, port, home };
            let deadline = Instant::now() + Duration::from_secs(10);
            while Instant::now() < deadline && server.child.try_wait().is_ok_and(|ended| ended.is_none()) {
                if server.ask::<String>(&["PING"]).is_ok() {
                    return server;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        panic!("{program} did not start ten times in a row");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// One command on a connection of its own.
    pub fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_connection_with_timeout(Duration::from_secs(2))?;
        connection.set_read_timeout(Some(Duration::from_secs(2)))?;
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        command.query(&mut connection)
    }

    /// One that must succeed.
    pub fn must<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        self.ask(words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
    }

    /// `SIGSTOP`: it hangs, its sockets stay open.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// `SIGKILL`.
    pub fn kill(&mut self) {
        self.child.kill().expect("a signal");
        self.child.wait().expect("its end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}
