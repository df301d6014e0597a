//! `cargo run --example write_behind`: couriers report where they are, and their last positions are written behind. Live
//! counters, then a worker that is killed in the middle of a batch, and the one that takes over; exits with 1 if an
//! acknowledged report is not in the database afterwards.
//!
//! `--throughput` (with `--release`): rows per second beside the same rows written through one at a time, and how many
//! statements many calls of few couriers are; exits with 1 where it is less than 20 times as many rows, or more than a
//! hundredth of the calls. There Redis has `appendfsync everysec`, its default; what `always` costs is shown beside it.
//!
//! `--crash --rounds 50 --writes 10000`: producers and workers are killed at random points; with `--redis`, Redis too, every
//! fifth round.
//! Afterwards every acknowledged write must be in the database, in order. Exits with 1 where one is not.
//!
//! Elsewhere Redis appends every command to a file, and to the disk before it answers; SQLite commits to the disk too.

mod child;
mod couriers;
mod crash;
#[path = "../interrupted/mod.rs"]
mod interrupted;
mod judge;
#[path = "../redis_server/mod.rs"]
mod redis_server;
mod screen;
mod show;
mod throughput;

use std::error::Error;
use std::process::ExitCode;

use child::Order;
use couriers::Directory;
use redis_server::RedisServer;
use tokio::runtime::Builder;

enum Wanted {
    Show,
    Throughput { seconds: u64 },
    Crash { rounds: u32, writes: usize, seed: u64, redis: bool },
}

impl Wanted {
    fn parse(words: &[String]) -> Result<Self, Box<dyn Error>> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let number = |name: &str, absent: u64| -> Result<u64, Box<dyn Error>> {
            match words.iter().position(|word| *word == name) {
                Some(at) => Ok(words.get(at + 1).ok_or("a number is missing")?.parse()?),
                None => Ok(absent),
            }
        };
        match words.first() {
            None => Ok(Self::Show),
            Some(&"--throughput") => Ok(Self::Throughput { seconds: number("--seconds", 5)? }),
            Some(&"--crash") => Ok(Self::Crash {
                rounds: number("--rounds", 50)?.try_into()?,
                writes: number("--writes", 10_000)?.try_into()?,
                seed: number("--seed", 1)?,
                redis: words.contains(&"--redis"),
            }),
            _ => Err(
                "options are: --throughput [--seconds N], or --crash [--rounds N] [--writes N] [--seed N] [--redis]"
                    .into(),
            ),
        }
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    if let Some(order) = Order::parse(&words)? {
        runtime.block_on(order.obey())?;
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = Wanted::parse(&words)?;
    runtime.block_on(async {
        tokio::select! {
            held = run(&wanted) => Ok(if held? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
            interrupted = interrupted::interrupted() => {
                interrupted?;
                Err("interrupted".into())
            }
        }
    })
}

/// Whether every promise held.
async fn run(wanted: &Wanted) -> Result<bool, Box<dyn Error>> {
    let directory = Directory::create()?;
    match *wanted {
        Wanted::Show => show::run(&durable(&directory, "always").await?, &directory).await,
        Wanted::Throughput { seconds } => throughput::run(&directory, seconds).await,
        Wanted::Crash { rounds, writes, seed, redis } => {
            let wanted = crash::Wanted { rounds, writes, seed, redis };
            crash::run(durable(&directory, "always").await?, &directory, wanted).await
        }
    }
}

/// A server that appends every command to a file, and that to the disk before it answers (`always`) or once a second
/// (`everysec`).
async fn durable(directory: &Directory, fsync: &str) -> Result<RedisServer, Box<dyn Error>> {
    let files = directory.file(fsync);
    std::fs::create_dir_all(&files)?;
    let files = files.display().to_string();
    RedisServer::start_with(&["--dir", &files, "--appendonly", "yes", "--appendfsync", fsync]).await
}
