//! `cargo run --release --example stampede`: several processes of many tasks ask for one cold key at the same instant,
//! over a real Redis and a real database. Counts the loads in the database and ends with a table; exits with 1 if a
//! promise broke.
//!
//! Options: `--rounds 20`, `--processes 4`, `--tasks 250`, `--pictures target/pictures`: where the loads over time are
//! drawn.

mod child;
mod drawing;
mod fleet;
#[path = "../interrupted/mod.rs"]
mod interrupted;
#[path = "../picture/mod.rs"]
mod picture;
#[path = "../redis_server/mod.rs"]
mod redis_server;
mod rows;
mod scenario;
mod stall;

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use child::Child;
use drawing::{Curve, Stampede};
use fleet::Fleet;
use redis_server::RedisServer;
use rows::{Directory, LOAD, Row, Rows};
use scenario::{Round, Scenario};
use stall::Stall;
use tokio::runtime::Builder;

struct Options {
    rounds: u32,
    processes: u32,
    tasks: usize,
    pictures: PathBuf,
}

impl Options {
    fn parse(words: &[String]) -> Result<Self, Box<dyn Error>> {
        let mut options = Self { rounds: 20, processes: 4, tasks: 250, pictures: picture::directory() };
        for pair in words.chunks(2) {
            match pair {
                [name, number] if name == "--rounds" => options.rounds = number.parse()?,
                [name, number] if name == "--processes" => options.processes = number.parse()?,
                [name, number] if name == "--tasks" => options.tasks = number.parse()?,
                [name, directory] if name == "--pictures" => options.pictures = directory.into(),
                _ => return Err("options are: --rounds N, --processes N, --tasks N, --pictures DIRECTORY".into()),
            }
        }
        if options.rounds == 0 || options.processes == 0 || options.tasks == 0 {
            return Err("nothing to run".into());
        }
        Ok(options)
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(child) = Child::parse(&words)? {
        return child.run().map(|()| ExitCode::SUCCESS);
    }
    let options = Options::parse(&words)?;
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            held = run(&options) => Ok(if held? { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
            interrupted = interrupted::interrupted() => {
                interrupted?;
                Err("interrupted".into())
            }
        }
    })
}

/// Whether every promise held.
async fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let redis = RedisServer::start().await?;
    let directory = Directory::create()?;
    let database = directory.file("rows.sqlite");
    let rows = Rows::open(&database, u32::MAX, &redis.url()).await?;
    rows.create().await?;
    println!(
        "{} processes of {} tasks, one cold key per round, a load takes {} ms\n",
        options.processes,
        options.tasks,
        LOAD.as_millis()
    );

    let stall = Stall::watch();
    let mut table = Vec::new();
    for scenario in Scenario::ALL {
        let mut fleet = Fleet::start(scenario, options.processes, options.tasks, &redis.url(), &database).await?;
        let mut rounds = Vec::new();
        for number in 0..options.rounds {
            let id = scenario.id(number);
            if scenario != Scenario::Absent {
                rows.insert(&Row::numbered(id)).await?;
            }
            stall.take()?;
            let reports = fleet.round(number).await?;
            let stall = stall.take()?;
            let round = Round::judge(scenario, options.tasks, &reports, &rows.loads(id).await?, stall);
            for broken in &round.broken {
                println!("{}, round {}: {broken}", scenario.name(), number + 1);
            }
            rounds.push(round);
            progress(scenario, &rounds, options.rounds);
        }
        println!();
        table.push((scenario, rounds));
    }

    println!(
        "\n{:<28} {:>6} {:>8} {:>8} {:>6} {:>9} {:>15} {:>11}   promised",
        "", "held", "calls", "loads", "most*", "margin**", "last answer***", "stall****"
    );
    for (scenario, rounds) in &table {
        print_row(*scenario, rounds);
    }
    println!(
        "\n*    loads of the process that had most\n\
         **   from the last call's beginning to the first load's end, least: positive if every call began before\n\
         ***  from the first call's beginning to the last answer, median and worst, in loads of {} ms\n\
         **** longest time for which the machine itself did not run a thread that was due",
        LOAD.as_millis()
    );
    draw(options, &table)?;
    Ok(table.iter().flat_map(|(_, rounds)| rounds).all(|round| round.broken.is_empty()))
}

/// On a terminal it moves.
fn progress(scenario: Scenario, rounds: &[Round], of: u32) {
    let done = u32::try_from(rounds.len()).unwrap_or(of);
    if std::io::stdout().is_terminal() || done == of {
        let loads: usize = rounds.iter().map(|round| round.loads).sum();
        let bar: String = (0..30).map(|cell| if cell * of < done * 30 { '#' } else { '.' }).collect();
        print!("\r{:<28} {bar} {done:>3} of {of} rounds, {loads:>6} loads", scenario.name());
        let _ = std::io::stdout().flush();
    }
}

/// Of each scenario the round in the middle.
fn draw(options: &Options, table: &[(Scenario, Vec<Round>)]) -> Result<(), Box<dyn Error>> {
    let curves = table.iter().filter(|(scenario, _)| *scenario != Scenario::Absent).filter_map(|(scenario, rounds)| {
        let mut rounds: Vec<_> = rounds.iter().collect();
        rounds.sort_by_key(|round| round.loads);
        let middle = rounds.get(rounds.len() / 2)?;
        Some(Curve { scenario: *scenario, loads: middle.begun.clone() })
    });
    let processes = options.processes;
    let calls = options.tasks * usize::try_from(processes)?;
    let drawing = Stampede { calls, processes, curves: curves.collect() };
    picture::write(&drawing, &options.pictures, "stampede")
}

fn print_row(scenario: Scenario, rounds: &[Round]) {
    let held = rounds.iter().filter(|round| round.broken.is_empty()).count();
    let calls = rounds.iter().map(|round| round.calls).min().unwrap_or(0);
    let fewest = rounds.iter().map(|round| round.loads).min().unwrap_or(0);
    let most = rounds.iter().map(|round| round.loads).max().unwrap_or(0);
    let in_one_process = rounds.iter().map(|round| round.most_in_one_process).max().unwrap_or(0);
    let margin = rounds.iter().map(|round| round.margin).fold(f64::INFINITY, f64::min);
    let stall = rounds.iter().map(|round| round.stall).fold(0.0, f64::max);
    let mut spans: Vec<f64> = rounds.iter().map(|round| round.span).collect();
    spans.sort_by(f64::total_cmp);
    println!(
        "{:<28} {:>6} {calls:>8} {:>8} {in_one_process:>6} {margin:>6.1} ms {:>7.2} {:>7.2} {stall:>8.1} ms   {}",
        scenario.name(),
        format!("{held}/{}", rounds.len()),
        if fewest == most { most.to_string() } else { format!("{fewest} to {most}") },
        spans[spans.len() / 2],
        spans[spans.len() - 1],
        scenario.promise(),
    );
}
