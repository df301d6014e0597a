//! `cargo run --release --example outage`: what callers notice when Redis is killed or hangs under them. Ends with a
//! table; exits with 1 if a promise broke. The cache has its default settings.
//!
//! 512 callers of a key each, or 64 of one, call every 25 to 75 ms; a load takes 2 ms and up to 64 run at a time, as the
//! cache allows while Redis is away. That is 20 loads at a time on average: callers who ask for more than the bound wait
//! for their turns, with the cache or without. The load that the promises speak of is what callers without a cache get at
//! the same time.
//!
//! Options: `--seconds 3` (of each outage), `--rounds 1`, `--pictures target/pictures` (where the calls over time are
//! drawn). With `--overhead` instead: what a call costs beside its body
//! while the breaker is open, which must be less than 2 microseconds.

mod callers;
mod drawing;
mod overhead;
#[path = "../picture/mod.rs"]
mod picture;
mod record;
mod scenario;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use callers::{Crowd, LOAD};
use drawing::{Outage, Outages};
use scenario::{DEADLINE, Fault, Lengths, Verdict};
use tokio::runtime::Builder;

struct Options {
    seconds: u64,
    rounds: u32,
    pictures: PathBuf,
}

impl Options {
    fn parse(words: &[String]) -> Result<Self, Box<dyn Error>> {
        let mut options = Self { seconds: 3, rounds: 1, pictures: picture::directory() };
        for pair in words.chunks(2) {
            match pair {
                [name, number] if name == "--seconds" => options.seconds = number.parse()?,
                [name, number] if name == "--rounds" => options.rounds = number.parse()?,
                [name, directory] if name == "--pictures" => options.pictures = directory.into(),
                _ => {
                    return Err(
                        "options are: --seconds N, --rounds N, --pictures DIRECTORY; or --overhead, or --calls N"
                            .into(),
                    );
                }
            }
        }
        if options.seconds < 2 || options.rounds == 0 {
            return Err(
                "an outage lasts two seconds at least: what is noticed after the first one is the question".into()
            );
        }
        Ok(options)
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let alone = || Builder::new_current_thread().enable_all().build();
    match &words[..] {
        [overhead] if overhead == "--overhead" => {
            let held = alone()?.block_on(overhead::measure());
            return Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        [calls, times] if calls == "--calls" => {
            alone()?.block_on(overhead::call(times.parse()?));
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let options = Options::parse(&words)?;
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let held = runtime.block_on(async { tokio::spawn(run(options)).await })?;
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether every promise held.
async fn run(options: Options) -> bool {
    let second = Duration::from_secs(1);
    let lengths = Lengths { before: second, outage: Duration::from_secs(options.seconds), after: 2 * second };
    println!(
        "a load takes {} ms and an operation at most {}; milliseconds below\n",
        LOAD.as_millis(),
        DEADLINE.as_millis()
    );
    println!(
        "{:<24} {:>6} {:>23} {:>23} {:>23} {:>23} {:>5} {:>5} {:>4} {:>6} {:>8}",
        "", "", "without a cache", "hits before", "first second of it", "afterwards", "", "", "", "", ""
    );
    println!(
        "{:<24} {:>6} {:>23} {:>23} {:>23} {:>23} {:>5} {:>5} {:>4} {:>6} {:>8}",
        "Redis is",
        "calls",
        "p50     p99    most",
        "p50     p99    most",
        "p50     p99    most",
        "p50     p99    most",
        "late",
        "wrong",
        "paid",
        "loads*",
        "hit after"
    );
    let (mut held, mut drawn) = (true, Vec::new());
    for fault in [Fault::Killed, Fault::Hung] {
        for (crowd, who) in [(Crowd::Apart(512), "512 keys"), (Crowd::Together(64), "64 on one")] {
            for _ in 0..options.rounds {
                let (record, bare) = scenario::outage(crowd, fault, lengths).await;
                let verdict = Verdict::on(crowd, &record, &bare, Duration::ZERO);
                let name = format!("{}, {who}", fault.name());
                print_row(&name, &verdict);
                held &= verdict.broken.is_empty();
                // One of each fault, of callers who have keys of their own: what they get is theirs alone.
                if crowd == Crowd::Apart(512) && drawn.len() <= usize::from(fault == Fault::Hung) {
                    drawn.push(Outage { name, calls: record.calls, moments: record.moments });
                }
            }
        }
    }
    println!(
        "\nlate: of 10 000 calls afterwards, those that came when a load had begun, which is not for them, and waited for\n\
         the next one too\n\
         paid: calls that waited for the server, all of them begun before it was given up\n\
         loads*: of one key at a time, most"
    );
    // A picture that cannot be written breaks no promise.
    if let Err(error) = picture::write(&Outages(drawn), &options.pictures, "outage") {
        println!("nothing drawn: {error}");
    }
    held
}

fn print_row(name: &str, verdict: &Verdict) {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{name:<24} {:>6} {} {} {} {} {:>5} {:>5} {:>4} {:>6} {:>8.0}",
        verdict.calls,
        verdict.load,
        verdict.before,
        verdict.first_second,
        verdict.afterwards,
        verdict.late,
        verdict.wrong,
        verdict.paid,
        verdict.at_a_time,
        verdict.first_hit.map_or(f64::INFINITY, millis),
    );
    for broken in &verdict.broken {
        println!("  broken: {broken}");
    }
}
