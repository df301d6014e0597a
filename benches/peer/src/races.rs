//! Reads against invalidations. A read is stale if it gives an older version than one whose invalidation had completed
//! before the read began.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::order::Report;
use crate::value::Failure;
use crate::{Peer, origin};

/// One read, judged.
async fn judged<P: Peer>(peer: &P, id: u64) -> Result<bool, Failure> {
    let floor = origin::floor(id);
    Ok(peer.find(id).await?.version() < floor)
}

/// An update and its invalidation; whether that completed.
async fn written<P: Peer>(peer: &P, id: u64, version: u32) -> Result<(), Failure> {
    origin::update(id, version);
    peer.invalidate(id).await?;
    origin::invalidated(id, version);
    Ok(())
}

/// In this process: a slow load begins, the row is written and invalidated, the load ends; then somebody reads.
pub async fn overtaken<P: Peer>(peer: &'static P, id: u64, version: u32) -> Result<Report, Failure> {
    let before = origin::loads_of(id);
    let reader = tokio::spawn(peer.find(id));
    while origin::loads_of(id) == before {
        if reader.is_finished() {
            return Err(Failure("a cold row was not loaded".to_owned()));
        }
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    written(peer, id, version).await?;
    let _ = reader.await;
    let stale = judged(peer, id).await?;
    Ok(Report { calls: 1, stale: u64::from(stale), ..Report::default() })
}

pub async fn look<P: Peer>(peer: &'static P, id: u64) -> Result<Report, Failure> {
    let stale = judged(peer, id).await?;
    Ok(Report { calls: 1, stale: u64::from(stale), ..Report::default() })
}

pub async fn write<P: Peer>(peer: &'static P, id: u64, version: u32) -> Result<Report, Failure> {
    written(peer, id, version).await?;
    Ok(Report { calls: 1, ..Report::default() })
}

pub async fn readers<P: Peer>(peer: &'static P, ids: u64, tasks: u64, millis: u64) -> Result<Report, Failure> {
    let (began, until) = (Instant::now(), Duration::from_millis(millis));
    let mut callers = JoinSet::new();
    for task in 0..tasks {
        callers.spawn(async move {
            let (mut calls, mut errors, mut stale) = (0, 0, 0);
            while began.elapsed() < until {
                match judged(peer, (task + calls) % ids).await {
                    Ok(old) => stale += u64::from(old),
                    Err(_) => errors += 1,
                }
                calls += 1;
                // One whose hits wait for nothing leaves the others their turn.
                tokio::task::yield_now().await;
            }
            (calls, errors, stale)
        });
    }
    let mut report = Report::default();
    while let Some(done) = callers.join_next().await {
        let Ok((calls, errors, stale)) = done else {
            report.panics += 1;
            continue;
        };
        report.calls += calls;
        report.errors += errors;
        report.stale += stale;
    }
    (report.loads, report.loads_at_once) = origin::take_loads();
    Ok(report)
}

/// Each task has rows of its own, so that versions only grow.
pub async fn writers<P: Peer>(peer: &'static P, ids: u64, tasks: u64, millis: u64) -> Result<Report, Failure> {
    let (began, until) = (Instant::now(), Duration::from_millis(millis));
    let mut callers = JoinSet::new();
    for task in 0..tasks {
        callers.spawn(async move {
            let (mut calls, mut errors) = (0, 0);
            while began.elapsed() < until {
                for id in (task..ids).step_by(tasks as usize) {
                    errors += u64::from(written(peer, id, origin::version(id) + 1).await.is_err());
                    calls += 1;
                    tokio::time::sleep(Duration::from_millis(3)).await;
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
    Ok(report)
}
