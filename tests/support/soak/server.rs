//! A `redis-server` that is killed, stopped and started again, on one port of 127.0.0.1 and without files.

use std::error::Error;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, FromRedisValue, RedisResult, cmd};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

type Failure = Box<dyn Error + Send + Sync>;

/// A server that does not answer within this is away.
const ANSWER: Duration = Duration::from_millis(500);
/// Longer than a start takes on a busy machine.
const STARTED: Duration = Duration::from_secs(15);

pub struct Server {
    process: Child,
    port: u16,
}

impl Server {
    pub async fn start() -> Result<Self, Failure> {
        // Between finding a free port and the server taking it, somebody else may: then another one.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let mut server = Self { process: spawn(port)?, port };
            if server.answers().await {
                return Ok(server);
            }
        }
        Err("redis-server did not start five times in a row".into())
    }

    pub fn url(&self) -> String {
        url(self.port)
    }

    /// Waits until it does; false where it ended instead.
    async fn answers(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < STARTED {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return false;
            }
            if command::<String>(&self.url(), &["PING"]).await.is_ok() {
                return true;
            }
            sleep(Duration::from_millis(5)).await;
        }
        false
    }

    /// `SIGKILL`, and everything it held is gone.
    pub async fn kill(&mut self) -> Result<(), Failure> {
        Ok(self.process.kill().await?)
    }

    /// A new, empty one in its place.
    pub async fn restart(&mut self) -> Result<(), Failure> {
        let began = Instant::now();
        while began.elapsed() < STARTED {
            self.process = spawn(self.port)?;
            if self.answers().await {
                return Ok(());
            }
        }
        Err("redis-server did not start again on its port".into())
    }

    /// `SIGSTOP`: it hangs, its sockets stay open.
    pub async fn pause(&self) -> Result<(), Failure> {
        self.signal("-STOP").await
    }

    pub async fn resume(&self) -> Result<(), Failure> {
        self.signal("-CONT").await
    }

    async fn signal(&self, signal: &str) -> Result<(), Failure> {
        let process = self.process.id().ok_or("the server has ended")?;
        let sent = Command::new("kill").args([signal, &process.to_string()]).status().await?;
        if sent.success() { Ok(()) } else { Err("the signal was not sent".into()) }
    }

    /// Must be carried out.
    pub async fn must(&self, words: &[&str]) -> Result<(), Failure> {
        command::<redis::Value>(&self.url(), words).await?;
        Ok(())
    }
}

fn spawn(port: u16) -> Result<Child, Failure> {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("no `redis-server` on the PATH ({error}): `scripts/test` installs it").into())
}

fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/")
}

/// A connection of its own for each: whatever befalls the others does not outlast it.
async fn command<T: FromRedisValue>(url: &str, words: &[&str]) -> RedisResult<T> {
    cmd(words[0]).arg(&words[1..]).query_async(&mut connect(url).await?).await
}

pub async fn connect(url: &str) -> RedisResult<MultiplexedConnection> {
    let soon = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER)).set_connection_timeout(Some(ANSWER));
    let away = |_| redis::RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    let client = redis::Client::open(url)?;
    timeout(ANSWER, client.get_multiplexed_async_connection_with_config(&soon)).await.map_err(away)?
}
