//! What an entry takes.

use peer::order::Order;

use super::Section;
use crate::bench::Bench;
use crate::chart::Chart;
use crate::process::{Process, Setup};
use crate::server;
use crate::subject::{Subject, named};
use crate::support::Redis;
use crate::table::{Findings, Table};

pub const SECTION: Section = Section {
    name: "memory",
    title: "Memory per entry",
    about: "In the process: what resident memory grows by while rows are loaded and read again, for each row; a `User` \
            alone is about 150 bytes there, with its allocations. Missed are rows that were loaded a second time \
            afterwards, although there was room for them. The line over Redis has what `local` keeps and no more; over the store in memory its bytes are there too. In Redis: what the server's `used_memory` grows by.",
    run,
};

const LOCAL: &[&str] = &[
    "quick-cache-get",
    "ours-two-tier",
    "ours-local",
    "ours-memory",
    "cached-memory",
    "cached-sharded",
    "moka-memory",
    "hitbox-memory",
    "amalgam-memory",
    "oxcache-memory",
];
const REMOTE: &[&str] = &["ours", "cached", "hitbox", "amalgam-remote", "oxcache-remote", "by-hand"];

/// Bytes for each row, and how many of a hundred were missed.
fn local(bench: &Bench, subject: &Subject, ids: u64) -> Result<(f64, f64), String> {
    let (redis, rows) = (Redis::start(), bench.rows("memory")?);
    let url = redis.url();
    let setup = Setup { redis: &url, rows: &rows, workers: 2, short: false, counted: false };
    let mut process = Process::start(bench, subject, setup)?;
    let filled = process.obey(&Order::Fill { first: 0, ids })?;
    Ok((filled.bytes, filled.loads as f64 * 100.0 / ids as f64))
}

fn remote(bench: &Bench, subject: &Subject, ids: u64) -> Result<f64, String> {
    let (redis, rows) = (Redis::start(), bench.rows("memory")?);
    let url = redis.url();
    let setup = Setup { redis: &url, rows: &rows, workers: 2, short: false, counted: false };
    let mut process = Process::start(bench, subject, setup)?;
    process.obey(&Order::Miss { first: 1 << 20, calls: 16 })?;
    let before = server::memory(&redis);
    process.obey(&Order::Miss { first: 0, calls: ids })?;
    Ok((server::memory(&redis) - before) / ids as f64)
}

fn run(bench: &Bench) -> Result<Findings, String> {
    let mut chart = Chart::new("memory", "Bytes of the process for each row", false);
    let mut in_process = Table::new("In the process", &["", "bytes for each", "missed, %"]);
    for subject in LOCAL.iter().map(|id| named(id)) {
        let name = format!("{} {}", subject.shown, subject.version(&bench.versions));
        match local(bench, subject, bench.of(50_000, 10_000)) {
            Ok((bytes, missed)) => {
                in_process.row([name, format!("{bytes:.0}"), format!("{missed:.1}")]);
                chart.bar(subject.shown, bytes);
            }
            Err(trouble) => in_process.row([name, trouble]),
        }
    }
    let mut in_redis = Table::new("In Redis", &["", "bytes for each"]);
    for subject in REMOTE.iter().map(|id| named(id)) {
        let name = format!("{} {}", subject.shown, subject.version(&bench.versions));
        match remote(bench, subject, bench.of(20_000, 2_000)) {
            Ok(bytes) => in_redis.row([name, format!("{bytes:.0}")]),
            Err(trouble) => in_redis.row([name, trouble]),
        }
    }
    Ok(Findings { tables: vec![in_process, in_redis], charts: vec![chart], targets: Vec::new() })
}
