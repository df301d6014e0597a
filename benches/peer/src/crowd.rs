//! Callers at a steady pace, while something happens to their server; each call is reported.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::order::{Call, End, Report};
use crate::origin::now;
use crate::value::Failure;
use crate::{Peer, origin};

/// Rows of their own from here on: each is asked for once.
const COLD: u64 = 1 << 20;

/// Every second call is for a row that was asked for before.
pub async fn callers<P: Peer>(
    peer: &'static P,
    tasks: u64,
    millis: u64,
    pause: u64,
    patience: u64,
) -> Result<Report, Failure> {
    let (began, until) = (Instant::now(), Duration::from_millis(millis));
    let mut callers = JoinSet::new();
    for task in 0..tasks {
        callers.spawn(async move {
            let (mut calls, mut words) = (Vec::new(), None);
            let mut turn = 0;
            while began.elapsed() < until {
                let id = if turn % 2 == 0 { task } else { COLD * (task + 1) + turn };
                turn += 1;
                let (at, called, loads) = (now(), Instant::now(), origin::loads_of(id));
                let answer = timeout(Duration::from_millis(patience), tokio::spawn(peer.find(id))).await;
                let end = match answer {
                    Err(_) => End::Hung,
                    Ok(Ok(Ok(_))) if origin::loads_of(id) == loads => End::Hit,
                    Ok(Ok(Ok(_))) => End::Loaded,
                    Ok(Ok(Err(failure))) => {
                        words.get_or_insert(failure.0);
                        End::Failed
                    }
                    Ok(Err(panicked)) => {
                        words.get_or_insert(panicked.to_string());
                        End::Failed
                    }
                };
                calls.push(Call { began: at, took: called.elapsed().as_micros() as i64, end });
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            (calls, words)
        });
    }
    let mut report = Report::default();
    while let Some(done) = callers.join_next().await {
        let (calls, words) = done.map_err(Failure::of)?;
        report.each.extend(calls);
        report.words = report.words.or(words);
    }
    report.calls = report.each.len() as u64;
    Ok(report)
}
