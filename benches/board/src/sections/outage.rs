//! A server that is killed, hangs, restarts, is full, or only reads.

use std::thread;
use std::time::{Duration, Instant};

use peer::order::{Call, End, Order};
use peer::origin;

use super::Section;
use crate::bench::Bench;
use crate::chart::Chart;
use crate::process::{Process, Setup};
use crate::subject::{Subject, named};
use crate::support::Redis;
use crate::table::{Findings, Table, Target};

pub const SECTION: Section = Section {
    name: "outage",
    title: "Outage",
    about: "Eight tasks call every 10 ms or so, in turn for a row that is cached and for one that is not; a load takes \
            nothing. Meanwhile the server is killed and comes back, or hangs (`SIGSTOP`), or is restarted at once, or \
            refuses writes because it is full or a replica. Errors are calls that failed, panicked or had no answer \
            for as long as they were waited for: those during the fault, and those that began after it. The longest call is of those that \
            began during the fault or after. Recovered is from the server's first answer to the first hit.",
    run,
};

const SUBJECTS: &[&str] = &["ours", "cached", "moka", "hitbox", "amalgam", "amalgam-remote", "oxcache", "by-hand"];
const TASKS: u64 = 8;
const PAUSE: u64 = 10;
/// What a cached call may take, whatever happens: the deadlines of its operations, and what a busy machine adds.
const LONGEST: f64 = 400.0;

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Killed,
    Hung,
    Restarted,
    Full,
    ReadOnly,
}

const FAULTS: &[(Fault, &str)] = &[
    (Fault::Killed, "killed, and back later"),
    (Fault::Hung, "hung"),
    (Fault::Restarted, "restarted at once"),
    (Fault::Full, "full (`maxmemory`)"),
    (Fault::ReadOnly, "read-only (a replica)"),
];

impl Fault {
    fn begin(self, redis: &mut Redis) {
        match self {
            Self::Killed | Self::Restarted => redis.kill(),
            Self::Hung => redis.pause(),
            Self::Full => redis.command(&["CONFIG", "SET", "maxmemory", "1"]),
            Self::ReadOnly => redis.command(&["REPLICAOF", "127.0.0.1", "1"]),
        }
    }

    /// Returns when the server is as it was.
    fn end(self, redis: &mut Redis) {
        match self {
            Self::Killed | Self::Restarted => redis.restart(),
            Self::Hung => redis.resume(),
            Self::Full => redis.command(&["CONFIG", "SET", "maxmemory", "0"]),
            Self::ReadOnly => redis.command(&["REPLICAOF", "NO", "ONE"]),
        }
    }
}

/// How long the parts take, in milliseconds.
#[derive(Clone, Copy)]
struct Lengths {
    before: u64,
    fault: u64,
    after: u64,
    /// How long a call is waited for.
    patience: u64,
}

struct Seen {
    calls: usize,
    during: usize,
    after: usize,
    longest: f64,
    /// Milliseconds; nothing, if there was no hit any more.
    recovered: Option<f64>,
    words: Option<String>,
}

fn play(bench: &Bench, subject: &Subject, fault: Fault, lengths: Lengths) -> Result<Seen, String> {
    let mut redis = Redis::start();
    let rows = bench.rows(&format!("outage-{}-{}", subject.id, fault as u8))?;
    let url = redis.url();
    let setup = Setup { redis: &url, rows: &rows, workers: 2, short: false, counted: false };
    let mut process = Process::start(bench, subject, setup)?;
    process.obey(&Order::Warm { ids: TASKS })?;
    let held = if fault == Fault::Restarted { 0 } else { lengths.fault };
    let millis = lengths.before + held + lengths.after;
    process.send(&Order::Callers { tasks: TASKS, millis, pause: PAUSE, patience: lengths.patience })?;
    let sleep = |millis| thread::sleep(Duration::from_millis(millis));
    sleep(lengths.before);
    let began = origin::now();
    fault.begin(&mut redis);
    sleep(held);
    fault.end(&mut redis);
    let over = origin::now();
    let report = process.report(Duration::from_millis(lengths.after + 2 * lengths.patience + 10_000))?;
    let ended = |call: &&Call| matches!(call.end, End::Failed | End::Hung);
    let since = |from| report.each.iter().filter(move |call: &&Call| call.began + call.took >= from);
    let hits = since(over).filter(|call| call.began >= over && call.end == End::Hit);
    let first_hit = hits.map(|call| call.began + call.took).min();
    Ok(Seen {
        calls: report.each.len(),
        during: since(began).filter(|call| call.began < over).filter(ended).count(),
        after: since(over).filter(|call| call.began >= over).filter(ended).count(),
        longest: since(began).map(|call| call.took as f64 / 1e3).fold(0.0, f64::max),
        recovered: first_hit.map(|at| (at - over) as f64 / 1e3),
        words: report.words,
    })
}

fn run(bench: &Bench) -> Result<Findings, String> {
    let lengths = Lengths {
        before: 400,
        fault: bench.of(3_000, 1_000),
        after: bench.of(4_000, 1_300),
        patience: bench.of(12_000, 4_000),
    };
    let mut findings = Findings::default();
    let mut chart = Chart::new("outage", "The longest call while the server is killed, milliseconds", true);
    for (fault, shown) in FAULTS {
        let columns = ["", "calls", "errors", "errors after", "longest call, ms", "recovered, ms", "in its words"];
        let mut table = Table::new(&format!("The server is {shown}"), &columns);
        // Some at a time, each with its server: they wait more than they work.
        for some in SUBJECTS.chunks(4) {
            let began = Instant::now();
            let seen: Vec<_> = thread::scope(|scope| {
                let play = |id: &&'static str| {
                    let subject = named(id);
                    (subject, scope.spawn(move || play(bench, subject, *fault, lengths)))
                };
                let all: Vec<_> = some.iter().map(play).collect();
                all.into_iter().map(|(subject, played)| (subject, played.join())).collect()
            });
            for (subject, seen) in seen {
                let name = format!("{} {}", subject.shown, subject.version(&bench.versions));
                let seen = match seen.unwrap_or_else(|_| Err("the board itself failed".to_owned())) {
                    Ok(seen) => seen,
                    Err(trouble) => {
                        table.row([name, trouble]);
                        continue;
                    }
                };
                judge(subject, *fault, shown, &seen, &mut findings);
                if *fault == Fault::Killed {
                    chart.bar(subject.shown, seen.longest);
                }
                let recovered = seen.recovered.map_or("**never**".to_owned(), |millis| format!("{millis:.0}"));
                let words = seen.words.filter(|_| seen.during + seen.after > 0).unwrap_or_default();
                let words: String = words.chars().take(90).collect();
                table.row([
                    name,
                    seen.calls.to_string(),
                    seen.during.to_string(),
                    seen.after.to_string(),
                    format!("{:.0}", seen.longest),
                    recovered,
                    words,
                ]);
            }
            eprintln!("  {shown}: {} ({:.0} s)", some.join(", "), began.elapsed().as_secs_f64());
        }
        findings.tables.push(table);
    }
    findings.charts.push(chart);
    Ok(findings)
}

fn judge(subject: &Subject, fault: Fault, shown: &str, seen: &Seen, findings: &mut Findings) {
    if subject.id != "ours" {
        return;
    }
    let mut promise = |what: &str, measured, limit| {
        findings.targets.push(Target::at_most(format!("{what}: {shown}"), measured, limit));
    };
    promise("errors", (seen.during + seen.after) as f64, 0.0);
    promise("longest call, ms", seen.longest, LONGEST);
    if fault != Fault::Full && fault != Fault::ReadOnly {
        promise("recovered, ms", seen.recovered.unwrap_or(f64::NAN), 1_000.0);
    }
}
