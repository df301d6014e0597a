//! A hit that asks the server.

use peer::order::Order;

use super::Section;
use crate::bench::Bench;
use crate::chart::Chart;
use crate::figures::Figures;
use crate::machine::OneCore;
use crate::process::{Process, Setup};
use crate::proxy::{Network, Proxy};
use crate::server;
use crate::subject::{Subject, named};
use crate::support::Redis;
use crate::table::{Findings, Table, Target};

pub const SECTION: Section = Section {
    name: "remote-hit",
    title: "Remote hit",
    about: "Rows that are in Redis, one server for all peers, one connection each. Latency is measured with the client and \
            the server on one core: across two idle ones the same call takes 10 or 70 microseconds, as they happen to be \
            asleep. Throughput is measured on all cores. Peers with a first tier in the process have it switched off here; moka by \
            hand without its own is the line `Redis by hand`. Round trips are the fastest hit through a proxy that \
            answers 2 ms late, in times of the fastest `GET` there. Tasks ask for 64 different rows, so that nobody's \
            call is answered by another's; in one column for the same.",
    run,
};

const SUBJECTS: &[&str] =
    &["redis", "socket", "ours", "cached", "hitbox", "amalgam-remote", "oxcache-remote", "by-hand"];

const IDS: u64 = 64;
const CALLS: u64 = 2_000;
/// Tasks, and rows: of their own, or one for all.
const CROWDS: [(u64, u64); 4] = [(1, IDS), (64, IDS), (1_024, IDS), (64, 1)];

/// What is asked through the proxy.
const FEW: u64 = 20;

#[derive(Default)]
struct Line {
    latency: Figures,
    /// Commands and round trips of a hit.
    sent: f64,
    trips: f64,
    /// Microseconds of the server's time for a hit: one at a time, and with 64 tasks.
    server: Figures,
    server_pipelined: Figures,
    throughput: [Figures; CROWDS.len()],
    trouble: Option<String>,
}

type Lines = Vec<(&'static Subject, Line)>;

/// One process for each that starts; trouble for the others.
fn fleet(bench: &Bench, redis: &str, workers: u32, lines: &mut Lines) -> Result<Vec<(usize, Process)>, String> {
    let rows = bench.rows("remote-hit")?;
    let setup = Setup { redis, rows: &rows, workers, short: false, counted: false };
    let mut fleet = Vec::new();
    for (at, (subject, line)) in lines.iter_mut().enumerate() {
        let warm = |mut process: Process| process.obey(&Order::Warm { ids: IDS }).map(|_| process);
        match Process::start(bench, subject, setup).and_then(warm) {
            Ok(process) => fleet.push((at, process)),
            Err(trouble) => line.trouble = Some(trouble),
        }
    }
    Ok(fleet)
}

fn latency(bench: &Bench, lines: &mut Lines) -> Result<(), String> {
    // A child runs where its parent does.
    let _pinned = OneCore::pin()?;
    let redis = Redis::start();
    let mut fleet = fleet(bench, &redis.url(), 0, lines)?;
    for _ in 0..bench.of(41, 9) {
        for (at, process) in &mut fleet {
            let before = server::processor_time(&redis);
            let read = process.obey(&Order::Read { ids: IDS, calls: CALLS })?;
            // The process itself asks for some more before it is timed: rows that it checks, calls to be warm.
            let calls = CALLS + IDS.min(16) + 200;
            let micros = server::processor_time(&redis) - before;
            let line = &mut lines[*at].1;
            line.latency.push(if read.loads == 0 { read.ns / 1e3 } else { f64::NAN });
            line.server.push(micros / calls as f64);
        }
    }
    Ok(())
}

fn trips(bench: &Bench, lines: &mut Lines) -> Result<(), String> {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.port());
    let mut fleet = fleet(bench, &proxy.url(), 2, lines)?;
    proxy.set(Network::Late { delay: std::time::Duration::from_millis(2), spread: std::time::Duration::ZERO });
    let mut of_get = f64::NAN;
    for (at, process) in &mut fleet {
        let passed = proxy.passed();
        let hits = process.obey(&Order::Miss { first: 0, calls: FEW })?;
        let line = &mut lines[*at].1;
        line.sent = (proxy.passed() - passed) as f64 / FEW as f64;
        // The first is the `GET` by redis-rs.
        if *at == 0 {
            of_get = hits.shortest;
        }
        line.trips = hits.shortest / of_get;
    }
    Ok(())
}

fn throughput(bench: &Bench, lines: &mut Lines) -> Result<(), String> {
    let redis = Redis::start();
    let mut fleet = fleet(bench, &redis.url(), 2, lines)?;
    for _ in 0..bench.of(9, 3) {
        for (crowd, (tasks, ids)) in CROWDS.into_iter().enumerate() {
            for (at, process) in &mut fleet {
                // One call at a time is all that the socket by hand can do.
                if lines[*at].0.id == "socket" && tasks > 1 {
                    continue;
                }
                let before = server::processor_time(&redis);
                let report = process.obey(&Order::Crowd { ids, tasks, millis: bench.of(300, 150) })?;
                let micros = server::processor_time(&redis) - before;
                let line = &mut lines[*at].1;
                line.throughput[crowd].push(report.per_second);
                if crowd == 1 {
                    line.server_pipelined.push(micros / report.calls as f64);
                }
            }
        }
    }
    Ok(())
}

fn run(bench: &Bench) -> Result<Findings, String> {
    let mut lines: Lines = SUBJECTS.iter().map(|id| (named(id), Line::default())).collect();
    latency(bench, &mut lines)?;
    trips(bench, &mut lines)?;
    throughput(bench, &mut lines)?;
    Ok(findings(bench, &lines))
}

fn findings(bench: &Bench, lines: &Lines) -> Findings {
    let empty = Line::default();
    let line = |id: &str| lines.iter().find(|(subject, _)| subject.id == id).map_or(&empty, |(_, line)| line);
    let limit = line("redis");
    let columns = ["", "µs", "of the limit", "commands", "round trips", "server µs", "of the limit"];
    let mut cost = Table::new("One at a time, on one core", &columns);
    let columns = [
        "",
        "1 task",
        "64 tasks",
        "of the limit",
        "1,024 tasks",
        "of the limit",
        "64 of one row, of the limit",
        "server µs at 64",
    ];
    let mut many = Table::new("Hits a second, on all cores", &columns);
    let mut latency = Chart::new("remote-hit", "A remote hit, microseconds, client and server on one core", false);
    let mut crowd = Chart::new("remote-throughput", "Remote hits a second, 64 tasks", false);
    for (subject, line) in lines {
        let name = format!("{} {}", subject.shown, subject.version(&bench.versions));
        if let Some(trouble) = &line.trouble {
            cost.row([name, trouble.clone()]);
            continue;
        }
        let ratio = |one: &Figures, limit: &Figures| match one.is_empty() {
            true => "–".to_owned(),
            false => format!("{:.2}", one.ratio_to(limit).median()),
        };
        cost.row([
            name.clone(),
            line.latency.show(1),
            ratio(&line.latency, &limit.latency),
            format!("{:.1}", line.sent),
            format!("{:.2}", line.trips),
            line.server.show(2),
            ratio(&line.server, &limit.server),
        ]);
        let [one, some, lots, together] = &line.throughput;
        many.row([
            name,
            one.show(0),
            some.show(0),
            ratio(some, &limit.throughput[1]),
            lots.show(0),
            ratio(lots, &limit.throughput[2]),
            ratio(together, &limit.throughput[3]),
            line.server_pipelined.show(2),
        ]);
        latency.bar(subject.shown, line.latency.median());
        crowd.bar(subject.shown, some.median());
    }
    let ours = line("ours");
    let ratio = |one: &Figures, other: &Figures| one.ratio_to(other).median();
    let targets = vec![
        Target::at_most("a remote hit, times a GET by redis-rs", ratio(&ours.latency, &limit.latency), 1.05),
        Target::at_most("a remote hit, times a socket by hand", ratio(&ours.latency, &line("socket").latency), 1.35),
        Target::at_least(
            "hits a second at 64 tasks, times redis-rs",
            ratio(&ours.throughput[1], &limit.throughput[1]),
            0.85,
        ),
        Target::at_most("round trips of a hit", ours.trips.round(), 1.0),
        Target::at_most("server time of a hit, times GET", ratio(&ours.server, &limit.server), 1.1),
        Target::at_most(
            "server time of a hit among 64, times GET",
            ratio(&ours.server_pipelined, &limit.server_pipelined),
            1.5,
        ),
    ];
    Findings { tables: vec![cost, many], charts: vec![latency, crowd], targets }
}
