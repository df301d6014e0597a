//! One of the processes that stampede.

use std::error::Error;
use std::future::poll_fn;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cached_runtime::Cache;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::fleet::{Order, Report};
use crate::rows::{Row, Rows, now};
use crate::scenario::Scenario;

/// A call's beginning, its end, and whether the answer was right.
type Call = Pin<Box<dyn Future<Output = (i64, i64, bool)> + Send>>;

pub async fn run(process: u32, tasks: usize, redis: &str, database: &Path) -> Result<(), Box<dyn Error>> {
    let cache = Cache::builder().redis(redis).prefix("stampede").build()?;
    cache.install();
    let rows = Arc::new(Rows::open(database, process).await?);
    // A key of its own: it connects, and nothing else.
    rows.find(-i64::from(process)).await?;
    println!("ready");

    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = orders.next_line().await? {
        let order: Order = serde_json::from_str(&line)?;
        let errors = cache.stats().total().errors;
        let mut answers = stampede(&rows, &order, tasks).await?;
        let mut report = Report {
            calls: 0,
            first_call: i64::MAX,
            last_call: 0,
            last_answer: 0,
            wrong: 0,
            errors: 0,
        };
        while let Some(answer) = answers.join_next().await {
            let (began, ended, right) = answer?;
            report.calls += 1;
            report.first_call = report.first_call.min(began);
            report.last_call = report.last_call.max(began);
            report.last_answer = report.last_answer.max(ended);
            report.wrong += usize::from(!right);
        }
        report.errors = cache.stats().total().errors - errors;
        println!("{}", serde_json::to_string(&report)?);
    }
    Ok(())
}

async fn stampede(rows: &Arc<Rows>, order: &Order, tasks: usize) -> Result<JoinSet<(i64, i64, bool)>, Box<dyn Error>> {
    let micros = u64::try_from(order.start - now()).map_err(|_| "the order came after its own start")?;
    let start = Instant::now() + Duration::from_micros(micros);
    let mut calls: Vec<_> = (0..tasks).map(|_| call(rows, order)).collect();
    if order.scenario == Scenario::Joined {
        sleep_until(start).await;
        // Polled once each, here, so all have joined; whichever of them will lead is polled again only as a task.
        for call in &mut calls {
            if poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await.is_ready() {
                return Err("a call on a cold key was answered at once".into());
            }
        }
        Ok(calls.into_iter().collect())
    } else {
        let late = calls.into_iter().map(|call| async move {
            sleep_until(start).await;
            call.await
        });
        Ok(late.collect())
    }
}

fn call(rows: &Arc<Rows>, order: &Order) -> Call {
    let (rows, scenario, id) = (Arc::clone(rows), order.scenario, order.scenario.id(order.round));
    Box::pin(async move {
        let began = now();
        let answer = match scenario {
            Scenario::Mutex | Scenario::Absent => rows.find_with_mutex(id).await,
            Scenario::Plain | Scenario::Joined => rows.find(id).await,
        };
        let ended = now();
        let expected = (scenario != Scenario::Absent).then(|| Row::numbered(id));
        (began, ended, answer.is_ok_and(|row| row == expected))
    })
}
