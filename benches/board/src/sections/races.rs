//! What is read after an invalidation.

use std::thread;
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
    name: "races",
    title: "Races",
    about: "A read is stale if it gives an older version of the row than one whose invalidation had completed before the \
            read began, in any process. *Overtaken*: a slow load (60 ms) begins, the row is written and invalidated \
            meanwhile, the load ends; is the next read stale, and is one after 1.5 s still? *Elsewhere* the same, where \
            the writer is another process, and both are asked. *At random*: two processes of eight readers and one of \
            four writers, over 16 rows; loads take 2 ms.",
    run,
};

const SUBJECTS: &[&str] = &[
    "ours",
    "ours-two-tier",
    "cached",
    "moka",
    "hitbox",
    "amalgam-remote",
    "amalgam",
    "oxcache-remote",
    "oxcache",
    "by-hand",
];
const LOAD: u64 = 60;
const LATER: Duration = Duration::from_millis(1_500);

#[derive(Default)]
struct Line {
    plays: u64,
    overtaken: u64,
    elsewhere: u64,
    later: u64,
    random: Report,
}

fn fleet(bench: &Bench, subject: &Subject, redis: &str, count: usize) -> Result<Vec<Process>, String> {
    let rows = bench.rows(&format!("races-{}", subject.id))?;
    let setup = Setup { redis, rows: &rows, workers: 2, short: false, counted: false };
    let start = || {
        let mut process = Process::start(bench, subject, setup)?;
        process.obey(&Order::Warm { ids: 1 })?;
        Ok(process)
    };
    (0..count).map(|_| start()).collect()
}

fn overtaken(bench: &Bench, subject: &Subject, line: &mut Line) -> Result<(), String> {
    let redis = Redis::start();
    let mut both = fleet(bench, subject, &redis.url(), 2)?;
    // Nobody in its way: without this everything is stale, and says nothing.
    let alone = &mut both[0];
    alone.obey(&Order::Miss { first: 500, calls: 1 })?;
    alone.obey(&Order::Write { id: 500, version: 1 })?;
    if alone.obey(&Order::Look { id: 500 })?.stale > 0 {
        return Err("an invalidation that nothing races with has no effect: the board calls it wrongly".to_owned());
    }
    for process in &mut both {
        process.obey(&Order::Origin { millis: LOAD, mood: Mood::Answers })?;
    }
    let [reader, writer] = both.as_mut_slice() else { return Err("two processes".to_owned()) };
    line.plays = bench.of(20, 4);
    for play in 0..line.plays {
        let id = 1_000 + play;
        line.overtaken += reader.obey(&Order::Overtaken { id, version: 1 })?.stale;
    }
    for play in 0..line.plays {
        let id = 2_000 + play;
        reader.send(&Order::Look { id })?;
        // The load has begun, and has not ended.
        thread::sleep(Duration::from_millis(LOAD / 2));
        writer.obey(&Order::Write { id, version: 1 })?;
        reader.report(Duration::from_secs(20))?;
        let stale = reader.obey(&Order::Look { id })?.stale + writer.obey(&Order::Look { id })?.stale;
        line.elsewhere += stale.min(1);
    }
    thread::sleep(LATER);
    for play in 0..line.plays {
        for id in [1_000 + play, 2_000 + play] {
            let stale = reader.obey(&Order::Look { id })?.stale + writer.obey(&Order::Look { id })?.stale;
            line.later += stale.min(1);
        }
    }
    Ok(())
}

fn at_random(bench: &Bench, subject: &Subject, line: &mut Line) -> Result<(), String> {
    let redis = Redis::start();
    let mut all = fleet(bench, subject, &redis.url(), 3)?;
    let millis = bench.of(4_000, 800);
    for process in &mut all {
        process.obey(&Order::Origin { millis: 2, mood: Mood::Answers })?;
    }
    let (first, others) = all.split_first_mut().ok_or("three processes")?;
    first.send(&Order::Writers { ids: 16, tasks: 4, millis })?;
    for reader in others.iter_mut() {
        reader.send(&Order::Readers { ids: 16, tasks: 8, millis })?;
    }
    first.report(Duration::from_secs(30))?;
    for reader in others {
        let report = reader.report(Duration::from_secs(30))?;
        line.random.calls += report.calls;
        line.random.stale += report.stale;
        line.random.errors += report.errors;
    }
    Ok(())
}

/// Two at a time, each with its server: they wait more than they work.
fn all(bench: &Bench) -> Vec<(&'static Subject, Line, Result<(), String>)> {
    let play = |id: &&'static str| {
        let (subject, mut line) = (named(id), Line::default());
        let played = overtaken(bench, subject, &mut line).and_then(|()| at_random(bench, subject, &mut line));
        (subject, line, played)
    };
    let pairs = SUBJECTS.chunks(2).map(|pair| {
        thread::scope(|scope| {
            let started: Vec<_> = pair.iter().map(|id| scope.spawn(move || play(id))).collect();
            started.into_iter().filter_map(|played| played.join().ok()).collect::<Vec<_>>()
        })
    });
    pairs.flatten().collect()
}

fn run(bench: &Bench) -> Result<Findings, String> {
    let columns = ["", "overtaken", "elsewhere", "still after 1.5 s", "at random", "of reads", "otherwise"];
    let mut table = Table::new("Stale reads", &columns);
    let mut chart = Chart::new("races", "Stale reads of a hundred thousand, at random", false);
    let mut findings = Findings::default();
    for (subject, line, played) in all(bench) {
        let name = format!("{} {}", subject.shown, subject.version(&bench.versions));
        let Line { plays, overtaken, elsewhere, later, random } = &line;
        let otherwise = match (&played, random.errors) {
            (Err(trouble), _) => trouble.clone(),
            (_, 0) => String::new(),
            (_, errors) => format!("{errors} reads failed"),
        };
        table.row([
            name,
            format!("{overtaken} of {plays}"),
            format!("{elsewhere} of {plays}"),
            format!("{later} of {}", 2 * plays),
            format!("{} ({:.1} %)", random.stale, random.stale as f64 * 100.0 / random.calls.max(1) as f64),
            random.calls.to_string(),
            otherwise,
        ]);
        chart.bar(subject.shown, random.stale as f64 * 1e5 / random.calls as f64);
        if subject.id == "ours" {
            let all = overtaken + elsewhere + later + random.stale;
            let all = if played.is_ok() { all as f64 } else { f64::NAN };
            findings.targets.push(Target::at_most("stale reads after a completed invalidation", all, 0.0));
        }
    }
    table.note(
        "With a first tier in the process others hear of an invalidation later: cached-runtime's says within a second at \
         most, those of moka and oxcache live a second here, amalgam-cache's is told by its backplane.",
    );
    findings.tables.push(table);
    findings.charts.push(chart);
    Ok(findings)
}
