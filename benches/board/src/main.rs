//! `scripts/scoreboard [section ...] [--quick] [--check]`: this project and its peers, side by side, in one run.
//!
//! What is measured is in `sections`, one file each; who is measured in `subject.rs`. Every peer runs in a process of its
//! own and obeys orders, so that rounds interleave across peers; figures are medians over rounds, with their spread.

mod bench;
mod chart;
mod figures;
mod lock;
mod machine;
mod made;
mod process;
#[path = "../../../tests/support/proxy.rs"]
mod proxy;
mod results;
mod sections;
mod server;
mod subject;
#[path = "../../../tests/support/mod.rs"]
mod support;
mod table;

use std::process::ExitCode;
use std::time::Instant;

use crate::bench::Bench;
use crate::results::Results;
use crate::sections::{SECTIONS, Section};

fn main() -> ExitCode {
    let (mut wanted, mut quick, mut check, mut prepare) = (Vec::new(), false, false, false);
    for word in std::env::args().skip(1) {
        match word.as_str() {
            "--quick" => quick = true,
            "--check" => check = true,
            "--prepare" => prepare = true,
            name if SECTIONS.iter().any(|section| section.name == name) => wanted.push(word),
            _ => {
                let names: Vec<_> = SECTIONS.iter().map(|section| section.name).collect();
                eprintln!("scoreboard: no section `{word}`; write one of {}, --quick, --check", names.join(", "));
                return ExitCode::FAILURE;
            }
        }
    }
    // The script asks for this once it has built the rest.
    let prepared = if prepare {
        Bench::new(quick).and_then(|bench| sections::prepare(&bench)).map(|()| Vec::new())
    } else {
        run(&wanted, quick)
    };
    match prepared {
        Ok(missed) if missed.is_empty() || !check => ExitCode::SUCCESS,
        Ok(missed) => {
            for target in missed {
                eprintln!("scoreboard: missed: {target}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("scoreboard: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The targets that were missed.
fn run(wanted: &[String], quick: bool) -> Result<Vec<String>, String> {
    let bench = Bench::new(quick)?;
    let mut results = Results::open(&bench)?;
    let (began, mut missed) = (Instant::now(), Vec::new());
    for Section { name, run, .. } in SECTIONS {
        if !wanted.is_empty() && !wanted.iter().any(|word| word == name) {
            continue;
        }
        eprintln!("scoreboard: {name} ({:.0} s)", began.elapsed().as_secs_f64());
        let (load, started) = (machine::load(), Instant::now());
        let findings = run(&bench)?;
        missed.extend(findings.targets.iter().filter(|target| !target.holds()).map(|target| target.to_string()));
        results.write(name, &findings, &load, started.elapsed())?;
    }
    eprintln!("scoreboard: done after {:.0} s; benches/RESULTS.md", began.elapsed().as_secs_f64());
    Ok(missed)
}
