//! A row that everybody asks for, and that expires every second.

use std::time::Duration;

use peer::order::{Order, Report};
use peer::origin::Mood;

use super::Section;
use crate::bench::Bench;
use crate::chart::Chart;
use crate::process::{Process, Setup};
use crate::subject::{Subject, named};
use crate::support::Redis;
use crate::table::{Findings, Table, Target};

pub const SECTION: Section = Section {
    name: "hot-key",
    title: "Hot key over its expiries",
    about: "Two processes of 32 tasks each ask for one row that lives a second; a load takes 100 ms. With one load for \
            every expiry there is about one a second, less the time that it takes; early refreshes make them no more \
            than a few. Longest is the slowest call.",
    run,
};

const SUBJECTS: &[&str] = &["ours", "cached", "moka", "hitbox", "amalgam", "oxcache", "by-hand"];
const LOAD: u64 = 100;

fn play(bench: &Bench, subject: &Subject, millis: u64) -> Result<Report, String> {
    let (redis, rows) = (Redis::start(), bench.rows("hot-key")?);
    let url = redis.url();
    let setup = Setup { redis: &url, rows: &rows, workers: 2, short: true, counted: false };
    let mut fleet = Vec::new();
    for _ in 0..2 {
        let mut process = Process::start(bench, subject, setup)?;
        process.obey(&Order::Origin { millis: LOAD, mood: Mood::Answers })?;
        // Connected, and whatever else comes with the first call.
        process.obey(&Order::Miss { first: 100, calls: 1 })?;
        fleet.push(process);
    }
    for process in &mut fleet {
        process.send(&Order::Hot { id: 7, tasks: 32, millis })?;
    }
    let mut sum = Report::default();
    for process in &fleet {
        let one = process.report(Duration::from_millis(4 * millis))?;
        sum.calls += one.calls;
        sum.loads += one.loads;
        sum.loads_at_once += one.loads_at_once;
        sum.errors += one.errors;
        sum.panics += one.panics;
        sum.longest = sum.longest.max(one.longest);
    }
    Ok(sum)
}

fn run(bench: &Bench) -> Result<Findings, String> {
    let millis = bench.of(8_000, 2_200);
    let seconds = millis as f64 / 1e3;
    let mut table = Table::new(
        &format!("{seconds} seconds"),
        &["", "loads", "loads at once, at most", "calls", "longest, ms", "otherwise"],
    );
    let mut chart = Chart::new("hot-key", "Loads of a row that lives a second, for each second", true);
    let mut findings = Findings::default();
    for subject in SUBJECTS.iter().map(|id| named(id)) {
        let name = format!("{} {}", subject.shown, subject.version(&bench.versions));
        let report = match play(bench, subject, millis) {
            Ok(report) => report,
            Err(trouble) => {
                table.row([name, "–".to_owned(), "–".to_owned(), "–".to_owned(), "–".to_owned(), trouble]);
                continue;
            }
        };
        let failed = report.errors + report.panics;
        let otherwise = if failed > 0 { format!("**{failed} calls failed**") } else { String::new() };
        table.row([
            name,
            report.loads.to_string(),
            report.loads_at_once.to_string(),
            report.calls.to_string(),
            format!("{:.0}", report.longest),
            otherwise,
        ]);
        chart.bar(subject.shown, report.loads as f64 / seconds);
        if subject.id == "ours" {
            // At the earliest at 80 % of the second, which is shortened by up to a twentieth.
            let most = (seconds / (0.8 * 0.95)).ceil() + 1.0;
            findings.targets.push(Target::at_most("loads of a hot key", report.loads as f64, most));
        }
    }
    findings.tables.push(table);
    findings.charts.push(chart);
    Ok(findings)
}
