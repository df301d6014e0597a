//! One of the processes that stampede.

use std::error::Error;
use std::future::poll_fn;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use cached_runtime::Cache;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::fleet::{Order, Report};
use crate::rows::{Row, Rows, now};
use crate::scenario::Scenario;

/// A call's beginning, its end, and whether the answer was right.
type Call = Pin<Box<dyn Future<Output = (i64, i64, bool)> + Send>>;

pub struct Child {
    scenario: Scenario,
    process: u32,
    tasks: usize,
    redis: String,
    database: PathBuf,
}

impl Child {
    /// Whether these words make this process a child.
    pub fn parse(words: &[String]) -> Result<Option<Self>, Box<dyn Error>> {
        let [child, scenario, process, tasks, redis, database] = words else {
            return Ok(None);
        };
        let scenario = Scenario::ALL.into_iter().find(|known| known.name() == scenario);
        let Some(scenario) = scenario.filter(|_| child == "child") else {
            return Ok(None);
        };
        Ok(Some(Self {
            scenario,
            process: process.parse()?,
            tasks: tasks.parse()?,
            redis: redis.clone(),
            database: database.into(),
        }))
    }

    pub fn run(&self) -> Result<(), Box<dyn Error>> {
        let mut runtime = match self.scenario {
            // One thread: while it polls each call for the first time, nothing else runs, so no load can begin.
            Scenario::Joined => Builder::new_current_thread(),
            _ => Builder::new_multi_thread(),
        };
        runtime.enable_all().build()?.block_on(self.obey())
    }

    async fn obey(&self) -> Result<(), Box<dyn Error>> {
        let cache = Cache::builder().redis(&self.redis).prefix("stampede").build()?;
        cache.install();
        let rows = Arc::new(Rows::open(&self.database, self.process, &self.redis).await?);
        // A key of its own: it connects, and nothing else.
        rows.find(-i64::from(self.process)).await?;
        rows.take_ended();
        println!("ready");

        let mut orders = BufReader::new(tokio::io::stdin()).lines();
        while let Some(line) = orders.next_line().await? {
            let order: Order = serde_json::from_str(&line)?;
            let errors = cache.stats().total().errors;
            let mut answers = self.stampede(&rows, &order).await?;
            let mut report = Report {
                calls: 0,
                first_call: i64::MAX,
                last_call: 0,
                last_answer: 0,
                wrong: 0,
                errors: 0,
                loads: Vec::new(),
            };
            while let Some(answer) = answers.join_next().await {
                let (began, ended, right) = answer?;
                report.calls += 1;
                report.first_call = report.first_call.min(began);
                report.last_call = report.last_call.max(began);
                report.last_answer = report.last_answer.max(ended);
                report.wrong += usize::from(!right);
            }
            report.loads = rows.take_ended();
            report.errors = cache.stats().total().errors - errors;
            println!("{}", serde_json::to_string(&report)?);
        }
        Ok(())
    }

    async fn stampede(&self, rows: &Arc<Rows>, order: &Order) -> Result<JoinSet<(i64, i64, bool)>, Box<dyn Error>> {
        // An order that came late is obeyed at once.
        let notice = u64::try_from(order.start - now()).unwrap_or(0);
        let start = Instant::now() + Duration::from_micros(notice);
        let mut calls: Vec<_> = (0..self.tasks).map(|_| self.call(rows, order.round)).collect();
        if self.scenario == Scenario::Joined {
            sleep_until(start).await;
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

    fn call(&self, rows: &Arc<Rows>, round: u32) -> Call {
        let (rows, scenario) = (Arc::clone(rows), self.scenario);
        let id = scenario.id(round);
        Box::pin(async move {
            let began = now();
            let answer = match scenario {
                Scenario::Naive => rows.find_by_hand(id).await,
                Scenario::Mutex | Scenario::Absent => rows.find_with_mutex(id).await,
                Scenario::Plain | Scenario::Joined => rows.find(id).await,
            };
            let ended = now();
            let expected = (scenario != Scenario::Absent).then(|| Row::numbered(id));
            (began, ended, answer.is_ok_and(|row| row == expected))
        })
    }
}
