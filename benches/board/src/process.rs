//! A peer's process.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use peer::order::{Order, Report};

use crate::bench::Bench;
use crate::subject::Subject;

/// How a process is started.
#[derive(Clone, Copy)]
pub struct Setup<'s> {
    pub redis: &'s str,
    pub rows: &'s Path,
    /// Threads of its runtime; with none it has only one, and that runs everything.
    pub workers: u32,
    /// Entries live for a second.
    pub short: bool,
    /// Its allocator counts.
    pub counted: bool,
}

/// How long anything may take, unless it is said.
const PATIENCE: Duration = Duration::from_secs(30);

/// Killed when dropped.
pub struct Process {
    child: Child,
    orders: ChildStdin,
    reports: Receiver<Result<Report, String>>,
}

impl Process {
    /// Starts it and waits until it has opened its cache.
    pub fn start(bench: &Bench, subject: &Subject, setup: Setup<'_>) -> Result<Self, String> {
        let program = match (subject.id.starts_with("oxcache"), setup.counted) {
            (true, false) => "oxcache-peer",
            (true, true) => "oxcache-counted",
            (false, false) => "peers",
            (false, true) => "counted",
        };
        let mut command = Command::new(bench.program(program)?);
        command.arg(subject.id).arg(setup.redis).arg(setup.rows).arg(setup.workers.to_string());
        command.arg(if setup.short { "short" } else { "long" });
        // Without this it refuses a server that does not speak TLS.
        command.env("OXCACHE_ALLOW_INSECURE_REDIS", "I_UNDERSTAND_THE_RISKS");
        // What loads panic with, and what a peer logs, is not for the board's reader.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
        let orders = child.stdin.take().ok_or("its input is piped")?;
        let said = child.stdout.take().ok_or("its output is piped")?;
        let (sender, reports) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                let report = serde_json::from_str(&line).unwrap_or_else(|error| Err(error.to_string()));
                if sender.send(report).is_err() {
                    return;
                }
            }
        });
        let this = Self { child, orders, reports };
        this.report(PATIENCE)?;
        Ok(this)
    }

    pub fn send(&mut self, order: &Order) -> Result<(), String> {
        let line = serde_json::to_string(order).map_err(|error| error.to_string())?;
        writeln!(self.orders, "{line}").map_err(|error| format!("its process has ended: {error}"))
    }

    /// What came of the order that was sent last.
    pub fn report(&self, patience: Duration) -> Result<Report, String> {
        match self.reports.recv_timeout(patience) {
            Ok(report) => report,
            Err(RecvTimeoutError::Timeout) => Err(format!("no answer within {} s", patience.as_secs())),
            Err(RecvTimeoutError::Disconnected) => Err("its process has ended".to_owned()),
        }
    }

    pub fn obey(&mut self, order: &Order) -> Result<Report, String> {
        self.send(order)?;
        self.report(PATIENCE)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
