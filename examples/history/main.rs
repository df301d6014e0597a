//! `cargo run --release --example history -- --seconds 60`: is any read stale? Several processes read and write a few
//! rows through the cache, over a real Redis that forgets scripts, drops connections and stands still, while loads
//! outlast their leases and callers go away. Each process logs what it does and sees; the logs together must be a
//! history in which no read that began after a write was over returned an older version.
//!
//! Ends with the figures. Exits with 1, and with the shortest offending history, if a read was stale, a lease was given
//! twice, or something would stay for ever; and if less than half of the reads were hits or no late fill was rejected,
//! for a cache that is not used is never stale.
//!
//! Options: `--seconds 60`, `--processes 4`, `--seed 1`.

#[path = "../../tests/support/history/mod.rs"]
mod history;
#[path = "../redis_server/mod.rs"]
mod redis_server;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use history::fleet::{Outcome, Run};
use history::habits::Habits;
use history::process;
use redis_server::RedisServer;
use tokio::process::Command;
use tokio::runtime::Builder;

struct Options {
    seconds: u64,
    processes: u8,
    seed: u64,
}

impl Options {
    fn parse(words: &[String]) -> Result<Self, Box<dyn Error>> {
        let mut options = Self { seconds: 60, processes: 4, seed: 1 };
        for pair in words.chunks(2) {
            match pair {
                [name, number] if name == "--seconds" => options.seconds = number.parse()?,
                [name, number] if name == "--processes" => options.processes = number.parse()?,
                [name, number] if name == "--seed" => options.seed = number.parse()?,
                _ => return Err("options are: --seconds N, --processes N, --seed N".into()),
            }
        }
        if options.seconds == 0 || options.processes == 0 {
            return Err("nothing to run".into());
        }
        Ok(options)
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    if let [child, order] = &words[..]
        && child == "child"
    {
        runtime.block_on(process::obey(&serde_json::from_str(order)?))?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options::parse(&words)?;
    runtime.block_on(async {
        tokio::select! {
            held = run(&options) => Ok(if held? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
            interrupted = redis_server::interrupted() => {
                interrupted?;
                Err("interrupted".into())
            }
        }
    })
}

/// Whether the promise held, and there was something to hold.
async fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let redis = RedisServer::start_with(&["--enable-debug-command", "yes"]).await?;
    let database = RedisServer::start().await?;
    let run = Run {
        redis: &redis.url(),
        database: &database.url(),
        processes: options.processes,
        length: Duration::from_secs(options.seconds),
        seed: options.seed,
    };
    println!(
        "{} processes, {} keys, a fault every 80 to 250 ms, {} s ...",
        options.processes,
        Habits::BUSY.keys.len(),
        options.seconds
    );
    let this = std::env::current_exe()?;
    let outcome = run.check(|order| {
        let mut child = Command::new(&this);
        child.args(["child", order]);
        child
    });
    let outcome = outcome.await.map_err(|error| -> Box<dyn Error> { error })?;
    Ok(report(&outcome))
}

fn report(outcome: &Outcome) -> bool {
    let Outcome { checker, figures } = outcome;
    let counts = checker.counts();
    println!(
        "{} leases, {} stores, {} calls shared a load, {} waited for another process, {} store errors",
        counts.leases, figures.stores, figures.coalesced, figures.lock_waits, figures.errors
    );
    if let Some(story) = checker.shortest() {
        println!("\n{} offences, the shortest: {story}", counts.offences());
    }
    let mut good = counts.offences() == 0;
    let mut expect = |holds: bool, otherwise: &str| {
        if !holds {
            println!("{otherwise}");
            good = false;
        }
    };
    expect(counts.from_nowhere == 0, &format!("{} reads of what was never committed", counts.from_nowhere));
    expect(counts.two_leases == 0, &format!("{} leases given while another was held", counts.two_leases));
    expect(figures.hits * 2 >= counts.reads, "less than half of the reads were hits: that proves little");
    expect(figures.hits_local * 20 >= counts.reads, "less than one read in twenty was answered in its process");
    expect(figures.late_fills > 0, "no late fill was rejected: nothing raced");
    println!(
        "{} reads, {} hits ({} local), {} invalidations, {} late fills rejected, {} stale",
        counts.reads, figures.hits, figures.hits_local, counts.invalidations, figures.late_fills, counts.stale
    );
    good
}
