//! A hit that needs no server.

use peer::order::{Order, Report};

use super::Section;
use crate::bench::Bench;
use crate::chart::Chart;
use crate::figures::Figures;
use crate::process::{Process, Setup};
use crate::subject::{Subject, named};
use crate::table::{Findings, Table, Target};

pub const SECTION: Section = Section {
    name: "local-hit",
    title: "Local hit",
    about: "The row is in the process: a thousand rows in turn, each answer a `User` of its own. Nanoseconds per call on \
            one thread; on two, per call of each, so that what is flat stays the same. Allocations are counted with the \
            clone of the value, which is 3.",
    run,
};

const SUBJECTS: &[&str] = &[
    "quick-cache",
    "ours-local",
    "quick-cache-get",
    "ours-memory",
    "cached-memory",
    "cached-sharded",
    "moka-memory",
    "hitbox-memory",
    "amalgam-memory",
    "oxcache-memory",
];

/// Rows that are asked for in turn, and calls in a round: so few that most rounds are over before anybody else gets the
/// core.
const IDS: u64 = 1_024;
const CALLS: u64 = 4_096;
/// On two threads, which take their time to begin.
const CALLS_OF_TWO: u64 = 20_480;

#[derive(Default)]
struct Line {
    one: Figures,
    alone: Figures,
    two: Figures,
    allocated: Option<Report>,
    trouble: Option<String>,
}

fn start(bench: &Bench, subject: &Subject, counted: bool) -> Result<Process, String> {
    let rows = bench.rows("local-hit")?;
    let setup = Setup { redis: "-", rows: &rows, workers: 2, short: false, counted };
    let mut process = Process::start(bench, subject, setup)?;
    process.obey(&Order::Warm { ids: IDS })?;
    Ok(process)
}

/// The second time: what is made with a thread's first hits is not theirs.
fn allocated(mut process: Process) -> Result<Report, String> {
    let order = Order::Allocations { ids: IDS, calls: 1_024 };
    process.obey(&order)?;
    process.obey(&order)
}

fn run(bench: &Bench) -> Result<Findings, String> {
    let mut lines: Vec<(&Subject, Line)> = SUBJECTS.iter().map(|id| (named(id), Line::default())).collect();
    let mut processes = Vec::new();
    for (at, (subject, line)) in lines.iter_mut().enumerate() {
        line.allocated = start(bench, subject, true).and_then(allocated).ok();
        match start(bench, subject, false) {
            Ok(process) => processes.push((at, process)),
            Err(trouble) => line.trouble = Some(trouble),
        }
    }
    for _ in 0..bench.of(101, 31) {
        for (at, process) in &mut processes {
            let read = process.obey(&Order::Read { ids: IDS, calls: CALLS })?;
            lines[*at].1.one.push(if read.loads == 0 { read.ns } else { f64::NAN });
        }
    }
    for _ in 0..bench.of(21, 7) {
        for (at, process) in &mut processes {
            let mut on = |threads| process.obey(&Order::Threads { ids: IDS, calls: CALLS_OF_TWO, threads });
            let (alone, both) = (on(1)?, on(2)?);
            lines[*at].1.alone.push(alone.ns);
            lines[*at].1.two.push(both.ns);
        }
    }
    Ok(findings(bench, &lines))
}

fn findings(bench: &Bench, lines: &[(&Subject, Line)]) -> Findings {
    let line = |id: &str| lines.iter().find(|(subject, _)| subject.id == id).map(|(_, line)| line);
    let limit = line("quick-cache").map(|line| line.one.clone()).unwrap_or_default();
    let mut chart = Chart::new("local-hit", "A local hit, nanoseconds", true);
    let columns = ["", "ns", "of the limit", "two threads, ns", "two to one", "allocations", "bytes"];
    let mut table = Table::new("", &columns);
    for (subject, line) in lines {
        let name = format!("{} {}", subject.shown, subject.version(&bench.versions));
        if let Some(trouble) = &line.trouble {
            table.row([name, trouble.clone()]);
            continue;
        }
        let (count, bytes) = match &line.allocated {
            Some(report) => (format!("{:.1}", report.allocations), format!("{:.0}", report.bytes)),
            None => ("?".to_owned(), "?".to_owned()),
        };
        let of_limit = line.one.ratio_to(&limit);
        let flat = format!("{:.2}", line.two.ratio_to(&line.alone).median());
        table.row([name, line.one.show(0), of_limit.show(2), line.two.show(0), flat, count, bytes]);
        chart.bar(subject.shown, line.one.median());
    }
    let mut findings = Findings { tables: vec![table], charts: vec![chart], targets: Vec::new() };
    let Some(ours) = line("ours-local") else { return findings };
    let ratio = |id: &str| line(id).map_or(f64::NAN, |line| line.one.ratio_to(&ours.one).median());
    let of_limit = ours.one.ratio_to(&limit).median();
    let mut promise = |target| findings.targets.push(target);
    promise(Target::at_most("a local hit, times the lookup by hand", of_limit, 1.15));
    let counted =
        |line: Option<&Line>| line.and_then(|line| line.allocated.as_ref()).map_or(f64::NAN, |r| r.allocations);
    let extra = counted(Some(ours)) - counted(line("quick-cache"));
    promise(Target::at_most("allocations of a local hit beyond the clone", extra, 0.0));
    promise(Target::at_least("amalgam-cache's hit, times a local hit", ratio("amalgam-memory"), 2.0));
    promise(Target::at_least("hitbox's hit, times a local hit", ratio("hitbox-memory"), 10.0));
    let peers = ["cached-memory", "cached-sharded", "moka-memory", "hitbox-memory", "amalgam-memory", "oxcache-memory"];
    let fastest = peers.iter().map(|id| ratio(id)).fold(f64::INFINITY, f64::min);
    promise(Target::at_least("the fastest peer's hit, times a local hit", fastest, 1.0));
    let flat = ours.two.ratio_to(&ours.alone).median();
    promise(Target::at_most("a local hit on two threads, times on one", flat, 1.2));
    findings
}
