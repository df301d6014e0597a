//! Hits and misses by themselves.

use std::hint::black_box;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::task::JoinSet;

use crate::order::Report;
use crate::value::Failure;
use crate::{Meter, Peer, origin};

/// Calls before a round that nobody times: another process had the core.
const BEFORE: u64 = 200;

/// Asks until nothing loads any more.
pub async fn warm<P: Peer>(peer: &'static P, ids: u64) -> Result<Report, Failure> {
    for id in 0..ids {
        peer.prepare(id).await?;
    }
    for _ in 0..50 {
        origin::take_loads();
        for id in 0..ids {
            peer.find(id).await?;
        }
        if origin::take_loads().0 == 0 {
            return Ok(Report::default());
        }
        // Some fill in the background.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(Failure("rows that were asked for fifty times are loaded still".to_owned()))
}

/// Nanoseconds per call, and how many answers were not the row that was asked for.
async fn time<P: Peer>(peer: &P, ids: u64, calls: u64) -> f64 {
    let began = Instant::now();
    let mut id = 0;
    for _ in 0..calls {
        black_box(peer.find(black_box(id)).await).ok();
        id = if id + 1 == ids { 0 } else { id + 1 };
    }
    began.elapsed().as_secs_f64() * 1e9 / calls as f64
}

async fn check<P: Peer>(peer: &P, ids: u64) -> Result<(), Failure> {
    for id in 0..ids.min(16) {
        let user = peer.find(id).await?;
        if user.id != id {
            return Err(Failure(format!("asked for row {id}, got {}", user.id)));
        }
    }
    Ok(())
}

pub async fn read<P: Peer>(peer: &'static P, ids: u64, calls: u64) -> Result<Report, Failure> {
    check(peer, ids).await?;
    time(peer, ids, BEFORE.min(calls)).await;
    origin::take_loads();
    let ns = time(peer, ids, calls).await;
    Ok(Report { calls, ns, loads: origin::take_loads().0, ..Report::default() })
}

/// Nanoseconds per call on each thread: the same as on one, where threads do not wait for each other.
pub async fn on_threads<P: Peer>(peer: &'static P, ids: u64, calls: u64, threads: u64) -> Result<Report, Failure> {
    let tasks = (0..threads).map(|_| {
        tokio::spawn(async move {
            time(peer, ids, BEFORE).await;
            time(peer, ids, calls).await
        })
    });
    let mut sum = 0.0;
    for ns in join_all(tasks.collect::<Vec<_>>()).await {
        sum += ns.map_err(Failure::of)?;
    }
    Ok(Report { calls: calls * threads, ns: sum / threads as f64, ..Report::default() })
}

pub async fn crowd<P: Peer>(peer: &'static P, ids: u64, tasks: u64, millis: u64) -> Result<Report, Failure> {
    check(peer, ids).await?;
    origin::take_loads();
    let mut callers = JoinSet::new();
    let (began, until) = (Instant::now(), Duration::from_millis(millis));
    for task in 0..tasks {
        callers.spawn(async move {
            let (mut calls, mut errors) = (0, 0);
            while began.elapsed() < until {
                match black_box(peer.find(black_box((task + calls) % ids)).await) {
                    Ok(_) => calls += 1,
                    Err(_) => errors += 1,
                }
            }
            (calls, errors)
        });
    }
    let mut report = Report::default();
    while let Some(done) = callers.join_next().await {
        let (calls, errors) = done.map_err(Failure::of)?;
        report.calls += calls;
        report.errors += errors;
    }
    report.per_second = report.calls as f64 / began.elapsed().as_secs_f64();
    report.loads = origin::take_loads().0;
    Ok(report)
}

/// Only of calls that are answered at once: then this thread is the one that allocates.
pub fn allocations<P: Peer>(peer: &'static P, ids: u64, calls: u64, meter: Option<Meter>) -> Result<Report, Failure> {
    let meter = meter.ok_or_else(|| Failure("this process does not count allocations".to_owned()))?;
    let mut waited = false;
    let (count, bytes) = meter(&mut || {
        for call in 0..calls {
            waited |= peer.find(call % ids).now_or_never().is_none();
        }
    });
    if waited {
        return Err(Failure("a hit waited for something".to_owned()));
    }
    let calls_f = calls as f64;
    Ok(Report { calls, allocations: count as f64 / calls_f, bytes: bytes as f64 / calls_f, ..Report::default() })
}

pub async fn miss<P: Peer>(peer: &'static P, first: u64, calls: u64) -> Result<Report, Failure> {
    origin::take_loads();
    let began = Instant::now();
    let (mut longest, mut shortest) = (Duration::ZERO, Duration::MAX);
    for id in first..first + calls {
        let called = Instant::now();
        peer.find(id).await?;
        let took = called.elapsed();
        (longest, shortest) = (longest.max(took), shortest.min(took));
    }
    let ns = began.elapsed().as_secs_f64() * 1e9 / calls as f64;
    let (longest, shortest) = (longest.as_secs_f64() * 1e3, shortest.as_secs_f64() * 1e3);
    Ok(Report { calls, ns, longest, shortest, loads: origin::take_loads().0, ..Report::default() })
}

/// What so many new rows take of this process's memory, in bytes each.
pub async fn fill<P: Peer>(peer: &'static P, first: u64, ids: u64) -> Result<Report, Failure> {
    // What is made once is not theirs.
    for id in first..first + 16 {
        peer.find(id).await?;
        peer.find(id).await?;
    }
    let before = resident();
    for id in first + 16..first + 16 + ids {
        peer.find(id).await?;
    }
    // Some keep a value only when it is read again.
    for id in first + 16..first + 16 + ids {
        peer.find(id).await?;
    }
    origin::take_loads();
    for id in first + 16..first + 16 + ids {
        peer.find(id).await?;
    }
    let bytes = resident().saturating_sub(before) as f64 / ids as f64;
    Ok(Report { calls: ids, bytes, loads: origin::take_loads().0, ..Report::default() })
}

/// This process's resident memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
