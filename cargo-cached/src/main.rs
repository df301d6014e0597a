//! `cargo cached`: lists and checks the annotated functions of a workspace, and reads single keys of a cache.
//!
//! # Layout
//!
//! `workspace` asks cargo for the targets and follows `mod` lines; `scan` reads each file: `options`, `types` and
//! `template` say what stands in it. `inventory` puts the functions together. `list` shows it, `check` finds what is wrong
//! in it, `lock` keeps it. `entry` is the other half: one key of a real cache. `cli` is the command line, `paint` its
//! colours.

mod allow;
mod check;
mod cli;
mod duration;
mod entry;
mod function;
mod inventory;
mod letters;
mod list;
mod lock;
mod options;
mod paint;
mod scan;
mod template;
mod tokens;
mod types;
mod workspace;

use std::process::ExitCode;

use anstream::{ColorChoice, eprintln, println};
use clap::{CommandFactory, Parser};

use crate::check::{Finding, Settings};
use crate::cli::{Cli, Command, Workspace};
use crate::inventory::Inventory;
use crate::lock::Lock;
use crate::paint::{DIM, ERROR, GOOD};

fn main() -> ExitCode {
    // As `cargo cached …` cargo gives its own name for this first.
    let words = std::env::args_os().enumerate().filter(|(at, word)| *at != 1 || word != "cached");
    let cli = Cli::parse_from(words.map(|(_, word)| word));
    match cli.color {
        clap::ColorChoice::Always => ColorChoice::Always.write_global(),
        clap::ColorChoice::Never => ColorChoice::Never.write_global(),
        clap::ColorChoice::Auto => {}
    }
    match run(cli.command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("{ERROR}error{ERROR:#}: {why}");
            ExitCode::from(2)
        }
    }
}

/// False: something was found that should not be, or not found that should.
fn run(command: Command) -> Result<bool, String> {
    match command {
        Command::List { workspace, json } => {
            let inventory = read(&workspace)?;
            if json {
                println!("{}", list::json(&inventory)?);
            } else {
                list::table(&inventory);
            }
            Ok(true)
        }
        Command::Check { workspace, long_ttl, allow, json } => {
            let inventory = read(&workspace)?;
            let lock = Lock::read(&inventory.root)?;
            let long_ttl = u64::try_from(long_ttl.as_millis()).unwrap_or(u64::MAX);
            let findings = check::check(&inventory, lock.as_ref(), &Settings { long_ttl, allow });
            if json {
                println!("{}", serde_json::to_string_pretty(&findings).map_err(|error| error.to_string())?);
            } else {
                report(&findings, &inventory);
            }
            Ok(findings.is_empty())
        }
        Command::Lock { manifest_path } => {
            let inventory = Inventory::read(manifest_path.as_deref(), false)?;
            let lock = Lock::of(&inventory);
            lock.write(&inventory.root)?;
            println!("{GOOD}written{GOOD:#}: {} with {} functions", lock::NAME, lock.function.len());
            Ok(true)
        }
        Command::Get { wanted, json } => asked(entry::get(&wanted, json)),
        Command::Ttl { wanted } => asked(entry::ttl(&wanted)),
        Command::Del { wanted } => asked(entry::del(&wanted)).map(|()| true),
        Command::Completions { shell } => {
            let mut command = Cli::command().bin_name("cargo-cached");
            clap_complete::generate(shell, &mut command, "cargo-cached", &mut std::io::stdout());
            Ok(true)
        }
    }
}

fn read(workspace: &Workspace) -> Result<Inventory, String> {
    Inventory::read(workspace.manifest_path.as_deref(), workspace.all_targets)
}

fn asked<T>(question: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("no runtime to ask Redis with: {error}"))?.block_on(question)
}

fn report(findings: &[Finding], inventory: &Inventory) {
    for finding in findings {
        let line = if finding.line == 0 { String::new() } else { format!(":{}", finding.line) };
        println!("{}{line}: {ERROR}{}{ERROR:#}: {}", finding.file, finding.lint.name(), finding.message);
        println!("    {DIM}instead:{DIM:#} {}", finding.instead);
    }
    let functions = inventory.functions.iter().filter(|function| function.does.is_attribute()).count();
    if findings.is_empty() {
        println!("{GOOD}nothing found{GOOD:#} in {functions} annotated functions");
    } else {
        let s = if findings.len() == 1 { "" } else { "s" };
        println!("{} finding{s} in {functions} annotated functions", findings.len());
    }
}
