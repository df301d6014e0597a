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
#[path = "../processes/mod.rs"]
mod processes;
#[path = "../redis_server/mod.rs"]
mod redis_server;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use history::fleet::{Outcome, Run};
use history::habits::Habits;
use history::process;
use processes::Options;
use redis_server::RedisServer;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    processes::start(Options { seconds: 60, processes: 4, seed: 1 }, process::obey, run)
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
    let outcome = run.check(processes::child()?).await.map_err(|error| -> Box<dyn Error> { error })?;
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
