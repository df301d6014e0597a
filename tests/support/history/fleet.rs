//! The parent's side: starts the processes, troubles their server, and reads the history as it comes.

use std::error::Error;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::checker::Checker;
use super::clock::monotonic;
use super::log::Log;
use super::merge::Merge;
use super::process::{Figures, Message, Order};
use super::trouble::Trouble;

/// Two servers, and how long to work over them.
pub struct Run<'r> {
    pub redis: &'r str,
    pub database: &'r str,
    pub processes: u8,
    pub length: Duration,
    pub seed: u64,
}

/// What came of it.
pub struct Outcome {
    pub checker: Checker,
    pub figures: Figures,
}

/// A deletion is executed or lost by then, on one machine.
pub const LATE: Duration = Duration::from_millis(200);

/// More than starting and ending processes ever takes.
const OVERDUE: Duration = Duration::from_secs(30);

type Failure = Box<dyn Error + Send + Sync>;

impl Run<'_> {
    /// Runs the processes that `command` starts, each with its order, as JSON.
    pub async fn check(&self, command: impl Fn(&str) -> Command) -> Result<Outcome, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let length = u64::try_from(self.length.as_nanos())?;
        let mut children = JoinSet::new();
        for process in 0..self.processes {
            let order = Order {
                process,
                seed: self.seed.wrapping_mul(1_000).wrapping_add(process.into()),
                redis: self.redis.to_owned(),
                database: self.database.to_owned(),
                parent: listener.local_addr()?.to_string(),
                until: monotonic() + length,
            };
            let mut child = command(&serde_json::to_string(&order)?).kill_on_drop(true).spawn()?;
            children.spawn(async move { child.wait().await });
        }
        // One more that writes down what it sees.
        let looks = Log::new(self.processes, Arc::new(monotonic));
        let trouble = Trouble::on(self.redis, self.seed, looks.clone()).await?;
        let work = async { tokio::try_join!(self.gather(&listener, &looks), end_well(children)) };
        tokio::select! {
            failed = trouble.make() => Err(failed.err().map_or("trouble has an end".into(), Failure::from)),
            done = timeout(self.length + OVERDUE, work) => {
                let (outcome, ()) = done.map_err(|_| "the processes work longer than they were told")??;
                Ok(outcome)
            }
        }
    }

    /// Reads what the processes tell, until each has said everything.
    async fn gather(&self, listener: &TcpListener, looks: &Log) -> Result<Outcome, Failure> {
        let (told, mut messages) = mpsc::channel(64);
        let mut readers = JoinSet::new();
        for _ in 0..self.processes {
            let (child, _) = listener.accept().await?;
            readers.spawn(listen(child, told.clone()));
        }
        drop(told);
        let mut outcome = Outcome { checker: Checker::new(LATE), figures: Figures::default() };
        let mut merge = Merge::of(usize::from(self.processes) + 1);
        while let Some(message) = messages.recv().await {
            match message {
                Message::Events { process, events, until } => merge.add(process.into(), events, until),
                Message::Figures(process, figures) => {
                    merge.end(process.into());
                    outcome.figures += figures;
                }
            }
            let (events, until) = looks.take();
            merge.add(self.processes.into(), events, until);
            outcome.checker.extend(merge.by_ref());
        }
        merge.end(self.processes.into());
        outcome.checker.extend(merge);
        while let Some(reader) = readers.join_next().await {
            reader??;
        }
        Ok(outcome)
    }
}

async fn listen(child: TcpStream, told: mpsc::Sender<Message<Figures>>) -> Result<(), Failure> {
    let mut child = BufReader::new(child);
    let mut figures = false;
    while let Some(message) = Message::receive(&mut child).await? {
        figures = matches!(message, Message::Figures(..));
        told.send(message).await?;
    }
    // A process that died tells no figures: what it did is unknown.
    if figures { Ok(()) } else { Err("a process ended before it had told everything".into()) }
}

async fn end_well(mut children: JoinSet<std::io::Result<ExitStatus>>) -> Result<(), Failure> {
    while let Some(child) = children.join_next().await {
        let status = child??;
        if !status.success() {
            return Err(format!("a process failed ({status}); what it said is above").into());
        }
    }
    Ok(())
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.hits_local += other.hits_local;
        self.late_fills += other.late_fills;
        self.stores += other.stores;
        self.coalesced += other.coalesced;
        self.lock_waits += other.lock_waits;
        self.errors += other.errors;
    }
}
