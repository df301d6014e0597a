//! Many callers, and nothing there.

use std::time::Duration;

use peer::order::{Order, Report};
use peer::origin::Mood;

use super::Section;
use crate::bench::Bench;
use crate::chart::Chart;
use crate::figures::Figures;
use crate::process::{Process, Setup};
use crate::subject::{Subject, named};
use crate::support::Redis;
use crate::table::{Findings, Table, Target};

pub const SECTION: Section = Section {
    name: "stampede",
    title: "Stampede",
    about: "Everybody asks at one instant for rows that nobody has loaded; a load takes 100 ms. Loads are what the \
            database saw, over all processes; the time is from the instant to the last answer. Who has no answer after \
            3 s has hung.",
    run,
};

const SUBJECTS: &[&str] = &["ours", "ours-two-tier", "cached", "moka", "hitbox", "amalgam", "oxcache", "by-hand"];

const LOAD: u64 = 100;
const PATIENCE: u64 = 3_000;

/// Processes, tasks in each, rows, and how loads end.
struct Scenario {
    shown: &'static str,
    processes: u64,
    tasks: u64,
    ids: u64,
    mood: Mood,
}

const SCENARIOS: &[Scenario] = &[
    Scenario { shown: "one process, 250 tasks", processes: 1, tasks: 250, ids: 1, mood: Mood::Answers },
    Scenario { shown: "four processes of 250 tasks", processes: 4, tasks: 250, ids: 1, mood: Mood::Answers },
    Scenario { shown: "64 tasks, a row each", processes: 1, tasks: 64, ids: 64, mood: Mood::Answers },
    Scenario { shown: "20 tasks, the load fails", processes: 1, tasks: 20, ids: 1, mood: Mood::Fails },
    Scenario { shown: "20 tasks, the load panics", processes: 1, tasks: 20, ids: 1, mood: Mood::Panics },
];

/// What all processes saw together, the longest time for the last answer.
fn together(all: Vec<Report>) -> Report {
    let mut sum = Report::default();
    for one in all {
        sum.calls += one.calls;
        sum.loads += one.loads;
        sum.errors += one.errors;
        sum.panics += one.panics;
        sum.hung += one.hung;
        sum.wrong += one.wrong;
        sum.last = sum.last.max(one.last);
        sum.words = sum.words.or(one.words);
    }
    sum
}

fn play(bench: &Bench, subject: &Subject, scenario: &Scenario, redis: &Redis) -> Result<Vec<Report>, String> {
    let rows = bench.rows("stampede")?;
    let (url, workers) = (redis.url(), 2);
    let setup = Setup { redis: &url, rows: &rows, workers, short: false, counted: false };
    let mut fleet = Vec::new();
    for _ in 0..scenario.processes {
        let mut process = Process::start(bench, subject, setup)?;
        // Connected, and whatever else comes with the first call.
        process.obey(&Order::Warm { ids: 1 })?;
        process.obey(&Order::Origin { millis: LOAD, mood: scenario.mood })?;
        fleet.push(process);
    }
    let mut rounds = Vec::new();
    for round in 0..bench.of(5, 1) {
        let (at, first) = (super::soon(), 1_000 * (round + 1));
        let order = Order::Storm { at, first, ids: scenario.ids, tasks: scenario.tasks, patience: PATIENCE };
        for process in &mut fleet {
            process.send(&order)?;
        }
        let reports = fleet.iter().map(|process| process.report(Duration::from_secs(20)));
        rounds.push(together(reports.collect::<Result<_, _>>()?));
        if rounds.last().is_some_and(|round| round.hung > 0) {
            // It will not get better, and each round takes three seconds.
            break;
        }
    }
    Ok(rounds)
}

/// How calls ended that did not end well.
fn troubles(scenario: &Scenario, round: &Report) -> String {
    let mut said = Vec::new();
    let failed = if scenario.mood == Mood::Answers { round.errors + round.panics } else { 0 };
    for (count, what) in [(round.hung, "hung"), (failed, "failed"), (round.wrong, "wrong")] {
        if count > 0 {
            said.push(format!("**{count} {what}**"));
        }
    }
    said.join(", ")
}

fn run(bench: &Bench) -> Result<Findings, String> {
    let mut findings = Findings::default();
    let mut chart = Chart::new("stampede", "Loads of one row, four processes of 250 tasks", true);
    for scenario in SCENARIOS {
        let mut table = Table::new(scenario.shown, &["", "loads", "last answer, ms", "otherwise"]);
        for subject in SUBJECTS.iter().map(|id| named(id)) {
            let name = format!("{} {}", subject.shown, subject.version(&bench.versions));
            let redis = Redis::start();
            let rounds = match play(bench, subject, scenario, &redis) {
                Ok(rounds) => rounds,
                Err(trouble) => {
                    table.row([name, "–".to_owned(), "–".to_owned(), trouble]);
                    continue;
                }
            };
            let loads: Vec<f64> = rounds.iter().map(|round| round.loads as f64).collect();
            let mut last = Figures::new();
            rounds.iter().for_each(|round| last.push(round.last));
            let (least, most) = loads.iter().fold((f64::INFINITY, 0.0_f64), |(l, m), n| (l.min(*n), m.max(*n)));
            let shown = if least == most { format!("{most}") } else { format!("{least} to {most}") };
            // A call that panicked has no answer.
            let shown_last = if last.median() > 0.0 { format!("{:.0}", last.median()) } else { "–".to_owned() };
            let worst = rounds.iter().max_by_key(|round| round.hung + round.errors + round.panics);
            let trouble = worst.map(|round| troubles(scenario, round)).unwrap_or_default();
            table.row([name, shown, shown_last, trouble]);
            if scenario.processes == 4 {
                chart.bar(subject.shown, most);
            }
            if subject.id == "ours" {
                let promised = scenario.ids as f64;
                let hung: u64 = rounds.iter().map(|round| round.hung).sum();
                let what = format!("loads: {}", scenario.shown);
                // A failure that may be shared is; a panic is nobody else's, and the others load once each.
                let limit = if scenario.mood == Mood::Panics { scenario.tasks as f64 } else { promised };
                findings.targets.push(Target::at_most(what, most, limit));
                findings.targets.push(Target::at_most(format!("hung: {}", scenario.shown), hung as f64, 0.0));
            }
        }
        findings.tables.push(table);
    }
    findings.charts.push(chart);
    Ok(findings)
}
