//! A row that nobody has: its first caller, and those who wait for it in other processes.

use std::time::Duration;

use peer::order::Order;
use peer::origin::Mood;

use super::Section;
use crate::bench::Bench;
use crate::chart::Chart;
use crate::figures::Figures;
use crate::process::{Process, Setup};
use crate::proxy::{Network, Proxy};
use crate::server;
use crate::subject::{Subject, named};
use crate::support::Redis;
use crate::table::{Findings, Table, Target};

pub const SECTION: Section = Section {
    name: "cold-miss",
    title: "Cold miss",
    about: "Rows that nobody has asked for, one after another, through a proxy that answers 2 ms late; the load itself \
            takes nothing. Round trips are the fastest miss, in times of the fastest `GET`, both 20 ms away. Then one row in 32 processes at one instant: how \
            long after the end of the load (100 ms) a process has its answer; beside it a socket by hand with \
            `CLIENT TRACKING`, in the same rounds.",
    run,
};

const SUBJECTS: &[&str] =
    &["ours", "ours-two-tier", "cached", "moka", "hitbox", "amalgam-remote", "amalgam", "oxcache-remote", "by-hand"];
const LATE: Duration = Duration::from_millis(2);
const CALLS: u64 = 20;
/// Round trips are counted from farther away, where what a timer rounds up to is little.
const FAR: Duration = Duration::from_millis(20);
const PROCESSES: usize = 32;
const LOAD: u64 = 100;

/// What the fastest `GET` takes through the proxy, in milliseconds.
fn trip(bench: &Bench) -> Result<f64, String> {
    let (redis, rows) = (Redis::start(), bench.rows("trip")?);
    let proxy = Proxy::before(redis.port());
    let url = proxy.url();
    let setup = Setup { redis: &url, rows: &rows, workers: 2, short: false, counted: false };
    let mut process = Process::start(bench, named("redis"), setup)?;
    process.obey(&Order::Warm { ids: CALLS })?;
    proxy.set(Network::Late { delay: FAR, spread: Duration::ZERO });
    Ok(process.obey(&Order::Miss { first: 0, calls: bench.of(20, 12) })?.shortest)
}

/// Of one cold miss: milliseconds, how many commands were sent, and which ran.
struct Cold {
    ms: f64,
    shortest: f64,
    sent: f64,
    ran: String,
}

fn cold(bench: &Bench, subject: &Subject) -> Result<Cold, String> {
    let (redis, rows) = (Redis::start(), bench.rows("cold-miss")?);
    let proxy = Proxy::before(redis.port());
    let url = proxy.url();
    let setup = Setup { redis: &url, rows: &rows, workers: 2, short: false, counted: false };
    let mut process = Process::start(bench, subject, setup)?;
    process.obey(&Order::Warm { ids: 1 })?;
    process.obey(&Order::Miss { first: 100, calls: 2 })?;
    proxy.set(Network::Late { delay: LATE, spread: Duration::ZERO });
    let (before, passed) = (server::commands(&redis), proxy.passed());
    let miss = process.obey(&Order::Miss { first: 200, calls: CALLS })?;
    let after = server::commands(&redis);
    let sent = (proxy.passed() - passed) as f64 / CALLS as f64;
    proxy.set(Network::Late { delay: FAR, spread: Duration::ZERO });
    let shortest = process.obey(&Order::Miss { first: 300, calls: bench.of(20, 12) })?.shortest;
    let mut ran = Vec::new();
    for (name, calls) in after {
        let each = (calls - before.get(&name).copied().unwrap_or(0)) as f64 / CALLS as f64;
        // What is rarer than a miss belongs to the connection, or to the board.
        if each >= 0.5 && name != "INFO" {
            let times = each.round();
            ran.push(if times > 1.0 { format!("{name} ×{times}") } else { name });
        }
    }
    Ok(Cold { ms: miss.ns / 1e6, shortest, sent, ran: ran.join(", ") })
}

/// Milliseconds from the load's end to the answers of all processes, in the median and the last; per round.
fn wakes(bench: &Bench, fleet: &mut [Process], round: u64) -> Result<(f64, f64), String> {
    let order =
        Order::Storm { at: super::soon(), first: 1_000 + round, ids: 1, tasks: 1, patience: bench.of(5_000, 3_000) };
    for process in fleet.iter_mut() {
        process.send(&order)?;
    }
    let (mut loaded, mut answered) = (0, Vec::new());
    for process in fleet.iter() {
        let report = process.report(Duration::from_secs(20))?;
        if report.hung + report.errors + report.panics > 0 {
            return Err(report.words.unwrap_or_else(|| "a waiter hung".to_owned()));
        }
        loaded = loaded.max(report.load_ended);
        answered.push(report.answered);
    }
    let mut after = Figures::default();
    for at in answered {
        after.push((at - loaded) as f64 / 1e3);
    }
    Ok((after.median(), after.most()))
}

/// Both in turn: the medians and the lasts of each.
fn waiters(bench: &Bench) -> Result<[(Figures, Figures); 2], String> {
    let (redis, rows) = (Redis::start(), bench.rows("waiters")?);
    let url = redis.url();
    let setup = Setup { redis: &url, rows: &rows, workers: 0, short: false, counted: false };
    let mut fleets = Vec::new();
    for id in ["ours", "tracked"] {
        let mut fleet = Vec::new();
        for _ in 0..PROCESSES {
            let mut process = Process::start(bench, named(id), setup)?;
            process.obey(&Order::Warm { ids: 1 })?;
            process.obey(&Order::Origin { millis: LOAD, mood: Mood::Answers })?;
            fleet.push(process);
        }
        fleets.push(fleet);
    }
    let mut all = [const { (Figures::new(), Figures::new()) }; 2];
    for round in 0..bench.of(15, 5) {
        for (at, fleet) in fleets.iter_mut().enumerate() {
            let (median, last) = wakes(bench, fleet, round)?;
            // The first connects what waits.
            if round > 0 {
                all[at].0.push(median);
                all[at].1.push(last);
            }
        }
    }
    Ok(all)
}

fn run(bench: &Bench) -> Result<Findings, String> {
    let of_get = trip(bench)?;
    let mut findings = Findings::default();
    let mut table =
        Table::new("One cold miss, 2 ms away", &["", "ms", "round trips", "sent", "ran, those inside of scripts too"]);
    let mut chart = Chart::new("cold-miss", "Round trips of a cold miss", false);
    for subject in SUBJECTS.iter().map(|id| named(id)) {
        let name = format!("{} {}", subject.shown, subject.version(&bench.versions));
        match cold(bench, subject) {
            Ok(Cold { ms, shortest, sent, ran }) => {
                let trips = shortest / of_get;
                table.row([name, format!("{ms:.1}"), format!("{trips:.2}"), format!("{sent:.1}"), ran]);
                chart.bar(subject.shown, trips);
                if subject.id == "ours" {
                    findings.targets.push(Target::at_most("round trips of a cold miss", trips.round(), 2.0));
                }
            }
            Err(trouble) => table.row([name, trouble]),
        }
    }
    findings.tables.push(table);
    findings.charts.push(chart);

    let [ours, by_hand] = waiters(bench)?;
    let title = format!("Waiters in {PROCESSES} processes, ms after the load's end");
    let mut table = Table::new(&title, &["", "half of them", "all of them"]);
    for (id, (median, last)) in [("ours", &ours), ("tracked", &by_hand)] {
        table.row([named(id).shown.to_owned(), median.show(2), last.show(2)]);
    }
    findings.tables.push(table);
    let ratio = ours.1.ratio_to(&by_hand.1).median();
    findings.targets.push(Target::at_most(
        "all waiters of 32 processes awake, times a tracked GET by hand",
        ratio,
        1.5,
    ));
    Ok(findings)
}
