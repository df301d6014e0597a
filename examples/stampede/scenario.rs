//! What is run, and what is promised of it.

use crate::fleet::Report;
use crate::rows::LOAD;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// By hand, as in every tutorial: get, load, set.
    Naive,
    /// One load for everybody.
    Mutex,
    /// No `mutex`: at most two loads per process.
    Plain,
    /// No `mutex`, and every call of a process has joined before its load can begin: one load per process.
    Joined,
    /// `mutex`, and the row is not there: a load that stores nothing.
    Absent,
}

impl Scenario {
    pub const ALL: [Self; 5] = [Self::Naive, Self::Mutex, Self::Plain, Self::Joined, Self::Absent];

    pub fn name(self) -> &'static str {
        match self {
            Self::Naive => "by hand",
            Self::Mutex => "mutex",
            Self::Plain => "no mutex",
            Self::Joined => "no mutex, all joined before",
            Self::Absent => "mutex, absent row",
        }
    }

    /// The row of one round. Every round has its own, so every round is cold.
    pub fn id(self, round: u32) -> i64 {
        let block = match self {
            Self::Mutex => 1,
            Self::Plain => 2,
            Self::Joined => 3,
            Self::Absent => 4,
            Self::Naive => 5,
        };
        block * 1_000_000 + i64::from(round)
    }

    /// In words, for the table.
    pub fn promise(self) -> &'static str {
        match self {
            Self::Naive => "nothing",
            Self::Mutex => "1 load, 1.3",
            Self::Plain => "2 per process",
            Self::Joined => "1 per process",
            Self::Absent => "1 per process, 2.3",
        }
    }

    /// Loads in all processes together, at most.
    fn loads(self, processes: usize) -> usize {
        match self {
            Self::Naive => usize::MAX,
            Self::Mutex => 1,
            Self::Plain => 2 * processes,
            Self::Joined | Self::Absent => processes,
        }
    }

    /// Loads in one process, at most.
    fn loads_per_process(self, processes: usize) -> usize {
        match self {
            Self::Mutex | Self::Joined => 1,
            Self::Plain => 2,
            Self::Absent => processes,
            Self::Naive => usize::MAX,
        }
    }

    /// From the first call's beginning to the last answer, in loads of 100 ms.
    fn span(self) -> Option<f64> {
        match self {
            Self::Mutex => Some(1.3),
            Self::Absent => Some(2.3),
            Self::Naive | Self::Plain | Self::Joined => None,
        }
    }
}

/// What one round showed.
pub struct Round {
    pub calls: usize,
    pub loads: usize,
    /// Loads of the process that had most.
    pub most_in_one_process: usize,
    /// Milliseconds between the last call's beginning and the first load's end.
    pub margin: f64,
    /// From the first call's beginning to the last answer, in loads of 100 ms.
    pub span: f64,
    /// How long the machine itself stood still, in milliseconds.
    pub stall: f64,
    /// When each load began, in milliseconds after the first call of all.
    pub begun: Vec<f64>,
    pub broken: Vec<String>,
}

impl Round {
    /// `loads` is the database's word: for each load, the process that ran it.
    pub fn judge(scenario: Scenario, tasks: usize, reports: &[Report], loads: &[u32], stall: i64) -> Self {
        let processes = reports.len();
        let calls = reports.iter().map(|report| report.calls).sum();
        let first_call = reports.iter().map(|report| report.first_call).min().unwrap_or(0);
        let last_call = reports.iter().map(|report| report.last_call).max().unwrap_or(0);
        let last_answer = reports.iter().map(|report| report.last_answer).max().unwrap_or(0);
        let first_end = reports.iter().flat_map(|report| &report.loads).map(|load| load.ended).min().unwrap_or(0);
        let most = (0..).zip(reports).map(|(process, _)| loads.iter().filter(|load| **load == process).count());
        let begun = reports.iter().flat_map(|report| &report.loads);
        let mut round = Self {
            calls,
            loads: loads.len(),
            most_in_one_process: most.max().unwrap_or(0),
            margin: millis(first_end - last_call),
            span: millis(last_answer - first_call) / (LOAD.as_secs_f64() * 1e3),
            stall: millis(stall),
            begun: begun.map(|load| millis(load.began - first_call)).collect(),
            broken: Vec::new(),
        };
        let log = round_log(first_call, reports) + &format!("the machine stood still for {:.1} ms", millis(stall));
        let wrong: usize = reports.iter().map(|report| report.wrong).sum();
        round.expect(calls == tasks * processes, || format!("{calls} calls were made"));
        round.expect(wrong == 0, || format!("{wrong} answers were wrong"));
        let few = (1..=scenario.loads(processes)).contains(&round.loads)
            && round.most_in_one_process <= scenario.loads_per_process(processes);
        round.expect(few, || format!("{} loads; {log}", loads.len()));
        // A stampede of which some came late would prove little.
        round.expect(round.margin > 0.0, || "not every call had begun before the load ended".to_owned());
        if let Some(span) = scenario.span() {
            let late = || format!("the last answer came after more than {span} loads; {log}");
            round.expect(round.span <= span, late);
        }
        round
    }

    fn expect(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(otherwise());
        }
    }
}

/// When each process loaded and had its last answer, in milliseconds after the first call of all.
fn round_log(first_call: i64, reports: &[Report]) -> String {
    let after = |instant: i64| millis(instant - first_call);
    let mut log = String::new();
    for (process, report) in reports.iter().enumerate() {
        let loads = report.loads.iter();
        let loads = loads.map(|load| format!("{:.1} to {:.1} ms, ", after(load.began), after(load.ended)));
        log += &format!("process {process}: {}", loads.collect::<String>());
        log += &format!("last answer {:.1} ms, ", after(report.last_answer));
        log += &format!("{} Redis operations failed; ", report.errors);
    }
    log
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn millis(micros: i64) -> f64 {
    micros as f64 / 1e3
}
