//! `cargo run --release --example soak -- --seconds 120`: does it stay up? Several processes read and write through the
//! cache, with its default settings, while their Redis is killed, stopped, full, read-only, forgetful, paused, and well
//! again, in turn.
//!
//! Ends with a table. Exits with 1, and says which promise broke, if one did: a call that failed though its body did not;
//! a stale read (what counts as one, and what does not, is in `tests/support/soak/mod.rs`); less than half of the calls
//! hits while nothing was wrong; a call that took too long; a lease or a value that would stay for ever; memory that
//! grows.
//!
//! Options: `--seconds 120`, `--processes 3`, `--seed 1`.

#[path = "../../tests/support/history/mod.rs"]
mod history;
#[path = "../processes/mod.rs"]
mod processes;
#[path = "../../tests/support/soak/mod.rs"]
mod soak;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use processes::Options;
use soak::fleet::Run;
use soak::process;
use soak::report::Report;
use soak::weather::Climate;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    processes::start(Options { seconds: 120, processes: 3, seed: 1 }, process::obey, run)
}

/// Whether every promise held.
async fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let climate = Climate {
        length: Duration::from_secs(options.seconds),
        quiet: Duration::from_secs(4),
        faults: 4,
        fault: (200, 1_500),
    };
    let run = Run { climate, processes: options.processes, seed: options.seed, timeout_ms: None };
    println!("{} processes, {} s of faults and of phases without ...\n", options.processes, options.seconds);
    let outcome = run.soak(processes::child()?).await.map_err(|error| -> Box<dyn Error> { error })?;
    let report = Report { outcome: &outcome, longest: Duration::from_secs(5) };
    println!("{report}");
    let broken = report.broken();
    broken.iter().for_each(|promise| println!("BROKEN: {promise}"));
    Ok(broken.is_empty())
}
