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
#[path = "../../tests/support/soak/mod.rs"]
mod soak;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use soak::fleet::Run;
use soak::process;
use soak::report::Report;
use soak::weather::Climate;
use tokio::process::Command;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

struct Options {
    seconds: u64,
    processes: u8,
    seed: u64,
}

impl Options {
    fn parse(words: &[String]) -> Result<Self, Box<dyn Error>> {
        let mut options = Self { seconds: 120, processes: 3, seed: 1 };
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
            interrupted = interrupted() => {
                interrupted?;
                Err("interrupted".into())
            }
        }
    })
}

/// Whoever ends this ends its servers and processes too.
async fn interrupted() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended,
        _ = terminate.recv() => Ok(()),
    }
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
    let this = std::env::current_exe()?;
    let outcome = run.soak(|order| {
        let mut child = Command::new(&this);
        child.args(["child", order]);
        child
    });
    let outcome = outcome.await.map_err(|error| -> Box<dyn Error> { error })?;
    let report = Report { outcome: &outcome, longest: Duration::from_secs(5) };
    println!("{report}");
    let broken = report.broken();
    broken.iter().for_each(|promise| println!("BROKEN: {promise}"));
    Ok(broken.is_empty())
}
