//! The processes that may be killed: they report positions, or write what was reported.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cached_runtime::QueueStats;
use sqlx::SqlitePool;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::task::JoinSet;

use crate::couriers::{self, Position};

/// What a child is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Write what is queued, and say how that goes.
    Work,
    /// Report the positions of so many couriers, from the first one on, and from a step on, until it is killed.
    Report { first: i64, couriers: i64, step: i64 },
}

#[derive(Clone, Debug)]
pub struct Order {
    pub task: Task,
    /// Every step is written.
    pub every_step: bool,
    pub redis: String,
    /// Whose queue it is.
    pub prefix: String,
    pub database: PathBuf,
}

/// What a child says, a line each.
#[derive(Clone, Copy, Debug)]
pub enum Word {
    /// It is at work.
    Ready,
    /// It is in the middle of a batch.
    Batch(usize),
    /// The report was acknowledged.
    Acknowledged {
        courier: i64,
        step: i64,
    },
    Figures(Figures),
}

/// What has happened in one process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub accepted: u64,
    pub queued: u64,
    pub coalesced: u64,
    pub written: u64,
    pub statements: u64,
}

impl From<QueueStats> for Figures {
    fn from(stats: QueueStats) -> Self {
        let QueueStats { accepted, queued, coalesced, written, statements, .. } = stats;
        Self { accepted, queued, coalesced, written, statements }
    }
}

/// Whether this process is a child, which tells of its batches.
static TELLS: AtomicBool = AtomicBool::new(false);

/// A batch is half written.
pub fn tell_of_batch(rows: usize) {
    if TELLS.load(Ordering::Relaxed) {
        say(&format!("batch {rows}"));
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // A parent that is gone does not listen.
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

impl Order {
    fn words(&self) -> Vec<String> {
        let task = match self.task {
            Task::Work => "work".to_owned(),
            Task::Report { first, couriers, step } => format!("{first},{couriers},{step}"),
        };
        let database = self.database.display().to_string();
        vec!["child".to_owned(), task, self.every_step.to_string(), self.redis.clone(), self.prefix.clone(), database]
    }

    /// Whether these words make this process a child.
    pub fn parse(words: &[String]) -> Result<Option<Self>, Box<dyn Error>> {
        let [child, task, every_step, redis, prefix, database] = words else { return Ok(None) };
        if child != "child" {
            return Ok(None);
        }
        let numbers: Vec<i64> = task.split(',').filter_map(|number| number.parse().ok()).collect();
        let task = match numbers[..] {
            [first, couriers, step] => Task::Report { first, couriers, step },
            _ => Task::Work,
        };
        let (redis, prefix) = (redis.clone(), prefix.clone());
        Ok(Some(Self { task, every_step: every_step.parse()?, redis, prefix, database: database.into() }))
    }

    /// What the child does.
    pub async fn obey(self) -> Result<(), Box<dyn Error>> {
        TELLS.store(true, Ordering::Relaxed);
        couriers::cache(&self.redis, &self.prefix)?.install();
        let pool = couriers::open(&self.database).await?;
        match self.task {
            Task::Work => work(pool, self.every_step).await,
            Task::Report { first, couriers, step } => {
                report(pool, self.every_step, first..first + couriers, step).await
            }
        }
    }
}

async fn work(pool: SqlitePool, every_step: bool) -> Result<(), Box<dyn Error>> {
    let worker = if every_step { couriers::report_every_step_worker(pool) } else { couriers::report_worker(pool) };
    let worker = worker.spawn().await?;
    say("ready");
    loop {
        let Figures { accepted, queued, coalesced, written, statements } = worker.stats().into();
        say(&format!("figures {accepted} {queued} {coalesced} {written} {statements}"));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Each courier reports one step after another.
async fn report(
    pool: SqlitePool,
    every_step: bool,
    couriers: std::ops::Range<i64>,
    step: i64,
) -> Result<(), Box<dyn Error>> {
    say("ready");
    let mut reporting = JoinSet::new();
    for courier in couriers {
        let pool = pool.clone();
        reporting.spawn(async move {
            for step in step.. {
                let positions = vec![Position::new(courier, step)];
                let reported = if every_step {
                    couriers::report_every_step(pool.clone(), positions).await
                } else {
                    couriers::report(pool.clone(), positions).await
                };
                // An error says nothing of what was queued or written.
                if reported.is_ok() {
                    say(&format!("ok {courier} {step}"));
                }
            }
        });
    }
    while reporting.join_next().await.is_some() {}
    Ok(())
}

/// A child as its parent has it. Dropped, it is killed.
pub struct Child {
    pub order: Order,
    process: tokio::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    pub fn start(order: Order) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(order.words())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let said = process.stdout.take().ok_or("the child's output is piped")?;
        Ok(Self { order, process, lines: BufReader::new(said).lines() })
    }

    /// What it says next; `None` at its end. May be dropped while it waits.
    pub async fn next(&mut self) -> std::io::Result<Option<Word>> {
        while let Some(line) = self.lines.next_line().await? {
            if let Some(word) = Word::parse(&line) {
                return Ok(Some(word));
            }
        }
        Ok(None)
    }

    /// `SIGKILL`. What it has said before can still be heard.
    pub fn kill(&mut self) -> std::io::Result<()> {
        self.process.start_kill()
    }
}

impl Word {
    fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let numbers: Vec<i64> = rest.split(' ').filter_map(|number| number.parse().ok()).collect();
        let number = |at: usize| numbers.get(at).and_then(|number| u64::try_from(*number).ok());
        match (word, &numbers[..]) {
            ("ready", _) => Some(Self::Ready),
            ("batch", [rows]) => Some(Self::Batch(usize::try_from(*rows).ok()?)),
            ("ok", [courier, step]) => Some(Self::Acknowledged { courier: *courier, step: *step }),
            ("figures", _) => Some(Self::Figures(Figures {
                accepted: number(0)?,
                queued: number(1)?,
                coalesced: number(2)?,
                written: number(3)?,
                statements: number(4)?,
            })),
            // The last line of one that was killed may be a half.
            _ => None,
        }
    }
}
