//! The child processes, and how the parent speaks with them: one line of JSON each way per round.

use std::error::Error;
use std::path::Path;
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::rows::{Load, now};
use crate::scenario::Scenario;

/// What a child is told.
#[derive(Serialize, Deserialize)]
pub struct Order {
    pub round: u32,
    /// When every process starts its calls.
    pub start: i64,
}

/// What a child answers.
#[derive(Serialize, Deserialize)]
pub struct Report {
    pub calls: usize,
    pub first_call: i64,
    pub last_call: i64,
    pub last_answer: i64,
    pub wrong: usize,
    /// Redis operations that failed or were not answered in time.
    pub errors: u64,
    pub loads: Vec<Load>,
}

/// How long before the start the orders go out, in microseconds: so that every child has its tasks ready by then.
const NOTICE: i64 = 50_000;

struct Process {
    /// Killed when dropped; it also ends by itself when nobody holds the other end of its input.
    _child: Child,
    orders: ChildStdin,
    reports: Lines<BufReader<ChildStdout>>,
}

impl Process {
    async fn line(&mut self) -> Result<String, Box<dyn Error>> {
        let line = self.reports.next_line().await?;
        Ok(line.ok_or("a child process ended; what it said is above")?)
    }
}

/// All child processes.
pub struct Fleet(Vec<Process>);

impl Fleet {
    /// Starts this program again, `processes` times, and waits until each has its connections.
    pub async fn start(
        scenario: Scenario,
        processes: u32,
        tasks: usize,
        redis: &str,
        database: &Path,
    ) -> Result<Self, Box<dyn Error>> {
        let mut fleet = Vec::new();
        for process in 0..processes {
            let mut child = Command::new(std::env::current_exe()?)
                .args(["child", scenario.name(), &process.to_string(), &tasks.to_string(), redis])
                .arg(database)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()?;
            let orders = child.stdin.take().ok_or("a child's input is piped")?;
            let reports = child.stdout.take().ok_or("a child's output is piped")?;
            fleet.push(Process { _child: child, orders, reports: BufReader::new(reports).lines() });
        }
        for process in &mut fleet {
            process.line().await?;
        }
        Ok(Self(fleet))
    }

    /// Everybody calls at the same instant.
    pub async fn round(&mut self, round: u32) -> Result<Vec<Report>, Box<dyn Error>> {
        let start = now() + NOTICE;
        let order = Order { round, start };
        let order = serde_json::to_string(&order)? + "\n";
        for process in &mut self.0 {
            process.orders.write_all(order.as_bytes()).await?;
        }
        let mut reports = Vec::new();
        for process in &mut self.0 {
            reports.push(serde_json::from_str(&process.line().await?)?);
        }
        Ok(reports)
    }
}
