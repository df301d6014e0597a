//! A `redis-server` of an example's own: on a free port of 127.0.0.1, without files, ended with the example.

use std::error::Error;
use std::io;
use std::net::TcpListener;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub struct RedisServer {
    /// Killed when dropped, so a failing example leaves no server behind.
    process: Child,
    port: u16,
    settings: Vec<String>,
}

impl RedisServer {
    /// Starts one and waits until it takes connections.
    #[allow(dead_code, reason = "some have settings of their own")]
    pub async fn start() -> Result<Self, Box<dyn Error>> {
        Self::start_with(&[]).await
    }

    /// The same, with settings of its own.
    #[allow(dead_code, reason = "not every example has any")]
    pub async fn start_with(settings: &[&str]) -> Result<Self, Box<dyn Error>> {
        // Between finding a free port and the server taking it, somebody else may: then another one.
        let mut last_words = String::new();
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            match Self::start_on(port, settings).await? {
                Ok(server) => return Ok(server),
                Err(words) => last_words = words,
            }
        }
        Err(format!("redis-server ended five times in a row; its last words: {last_words}").into())
    }

    /// The inner error is what the server said before it ended.
    async fn start_on(port: u16, settings: &[&str]) -> Result<Result<Self, String>, Box<dyn Error>> {
        let mut process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .args(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => "no `redis-server` on the PATH: `scripts/test` installs it".into(),
                _ => Box::<dyn Error>::from(error),
            })?;
        let said = process.stdout.take().ok_or("the server's output is piped")?;
        let mut lines = BufReader::new(said).lines();
        let mut last_words = String::new();
        while let Some(line) = lines.next_line().await? {
            if line.contains("Ready to accept connections") {
                let settings = settings.iter().map(ToString::to_string).collect();
                return Ok(Ok(Self { process, port, settings }));
            }
            last_words = line;
        }
        Ok(Err(last_words))
    }

    /// Kills it (`SIGKILL`) and starts another one on its port, with its settings, and so with its files, if it has any.
    #[allow(dead_code, reason = "not every example does that")]
    pub async fn kill_and_restart(&mut self) -> Result<(), Box<dyn Error>> {
        self.process.kill().await?;
        let settings: Vec<&str> = self.settings.iter().map(String::as_str).collect();
        match Self::start_on(self.port, &settings).await? {
            Ok(server) => *self = server,
            Err(words) => return Err(format!("redis-server did not start again; its last words: {words}").into()),
        }
        Ok(())
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}
