//! The figures as a table, for people.

use std::fmt;
use std::time::Duration;

use super::{FunctionStats, Stats};

type Cell = fn(&FunctionStats) -> String;

/// The columns after the name, by what the whole table needs: one that no function has a figure for is left out.
const COLUMNS: [(&str, Shown, Cell); 18] = [
    ("local", Shown::Needed, |row| row.requests.hit_local.to_string()),
    ("hit", Shown::Always, |row| row.requests.hit.to_string()),
    ("stale", Shown::Needed, |row| row.requests.stale.to_string()),
    ("miss", Shown::Always, |row| row.requests.miss.to_string()),
    ("bypass", Shown::Needed, |row| row.requests.bypass.to_string()),
    ("error", Shown::Needed, |row| row.requests.error.to_string()),
    ("hit %", Shown::Always, |row| row.hit_ratio().map_or("-".to_owned(), |ratio| format!("{:.1}", ratio * 100.0))),
    ("loads", Shown::Always, |row| row.loads.to_string()),
    ("p50", Shown::Always, |row| time(row.load_latency.p50())),
    ("p95", Shown::Always, |row| time(row.load_latency.p95())),
    ("p99", Shown::Always, |row| time(row.load_latency.p99())),
    ("failed", Shown::Needed, |row| row.failures.to_string()),
    ("coalesced", Shown::Always, |row| row.coalesced.to_string()),
    ("waited", Shown::Needed, |row| row.lock_waits.to_string()),
    ("stores", Shown::Always, |row| row.stores.to_string()),
    ("late", Shown::Needed, |row| row.late_fills.to_string()),
    ("refreshes", Shown::Needed, |row| row.refreshes.to_string()),
    ("invalidated", Shown::Needed, |row| row.invalidations.to_string()),
];

/// When a column is there.
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Always,
    /// Where it is not all zeros.
    Needed,
}

/// Three digits are enough.
fn time(duration: Option<Duration>) -> String {
    let Some(duration) = duration else { return "-".to_owned() };
    let micros = duration.as_secs_f64() * 1e6;
    let (value, unit) = match micros {
        ..1e3 => (micros, "µs"),
        ..1e6 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    if value < 10.0 { format!("{value:.1}{unit}") } else { format!("{value:.0}{unit}") }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |name: &'static str| name.split_once("::").map_or(name, |(_, rest)| rest);
        let total = self.total();
        let rows: Vec<_> = self.functions.iter().chain((self.functions.len() > 1).then_some(&total)).collect();
        let name = rows.iter().map(|row| short(row.name).len()).max().unwrap_or(8).max(8);
        write!(f, "{:<name$}", "function")?;
        let mut columns = Vec::new();
        for (title, shown, cell) in COLUMNS {
            let cells: Vec<String> = rows.iter().map(|row| cell(row)).collect();
            if shown == Shown::Always || cells.iter().any(|cell| cell != "0") {
                let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0).max(title.len());
                write!(f, "  {title:>width$}")?;
                columns.push((width, cells));
            }
        }
        writeln!(f)?;
        for (index, row) in rows.iter().enumerate() {
            write!(f, "{:<name$}", short(row.name))?;
            for (width, cells) in &columns {
                write!(f, "  {:>width$}", cells.get(index).map_or("", String::as_str))?;
            }
            writeln!(f)?;
        }
        if total.errors > 0 {
            writeln!(f, "{} operations of the store failed", total.errors)?;
        }
        if self.queued > 0 {
            writeln!(f, "{} invalidations wait to be delivered", self.queued)?;
        }
        if self.breaker_open {
            writeln!(f, "the store is given up; calls run uncached")?;
        }
        Ok(())
    }
}
