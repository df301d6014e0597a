//! Many callers of what is not there, or just not any more.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::order::Report;
use crate::origin::now;
use crate::value::Failure;
use crate::{Peer, origin};

/// Every caller begins at that instant and asks once.
pub async fn storm<P: Peer>(
    peer: &'static P,
    at: i64,
    (first, ids): (u64, u64),
    tasks: u64,
    patience: u64,
) -> Result<Report, Failure> {
    origin::take_loads();
    let notice = Duration::from_micros((at - now()).max(0) as u64);
    let start = tokio::time::Instant::now() + notice;
    let mut callers = JoinSet::new();
    for task in 0..tasks {
        let id = first + task % ids;
        callers.spawn(async move {
            tokio::time::sleep_until(start).await;
            let answer = timeout(Duration::from_millis(patience), peer.find(id)).await;
            (answer.map(|answer| answer.map(|user| user.id == id)), start.elapsed(), now())
        });
    }
    let mut report = Report { calls: tasks, ..Report::default() };
    while let Some(done) = callers.join_next().await {
        let Ok((answer, took, at)) = done else {
            report.panics += 1;
            continue;
        };
        match answer {
            Err(_) => report.hung += 1,
            Ok(Err(failure)) => {
                report.errors += 1;
                report.words.get_or_insert(failure.0);
            }
            Ok(Ok(right)) => report.wrong += u64::from(!right),
        }
        report.last = report.last.max(took.as_secs_f64() * 1e3);
        report.answered = report.answered.max(at);
    }
    report.load_ended = origin::ended();
    (report.loads, report.loads_at_once) = origin::take_loads();
    Ok(report)
}

/// Callers that never stop asking for one row.
pub async fn hot<P: Peer>(peer: &'static P, id: u64, tasks: u64, millis: u64) -> Result<Report, Failure> {
    origin::take_loads();
    let (began, until) = (Instant::now(), Duration::from_millis(millis));
    let mut callers = JoinSet::new();
    for _ in 0..tasks {
        callers.spawn(async move {
            let (mut calls, mut errors, mut longest) = (0, 0, Duration::ZERO);
            while began.elapsed() < until {
                let called = Instant::now();
                match timeout(until * 2, peer.find(id)).await {
                    Ok(Ok(_)) => calls += 1,
                    _ => errors += 1,
                }
                longest = longest.max(called.elapsed());
                // As many as a service would have; without it the machine is what is measured.
                sleep(Duration::from_millis(5)).await;
            }
            (calls, errors, longest)
        });
    }
    let mut report = Report::default();
    while let Some(done) = callers.join_next().await {
        let Ok((calls, errors, longest)) = done else {
            report.panics += 1;
            continue;
        };
        report.calls += calls;
        report.errors += errors;
        report.longest = report.longest.max(longest.as_secs_f64() * 1e3);
    }
    (report.loads, report.loads_at_once) = origin::take_loads();
    Ok(report)
}
