//! Rows per second, and statements per call.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::SqlitePool;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::couriers::{self, Directory, Position};
use crate::redis_server::RedisServer;

/// Who call at the same time.
const CALLERS: usize = 512;

/// Whose positions are reported in turn, where they are few.
const FEW: i64 = 100;

pub async fn run(redis: &RedisServer, directory: &Directory, seconds: u64) -> Result<bool, Box<dyn Error>> {
    couriers::cache(&redis.url(), "couriers")?.install();
    let time = Duration::from_secs(seconds);
    println!("{CALLERS} callers, one row per call, {seconds} s each; every commit and every append is on the disk\n");

    let through = table(&directory.file("through.sqlite")).await?;
    let (calls, took) =
        call(time, through.clone(), async |pool, number| couriers::report_now(&pool, Position::new(number, 1)).await)
            .await?;
    let by_one = per_second(calls, took);
    println!("written through          {by_one:>9.0} rows/s  ({calls} rows)");

    let behind = table(&directory.file("behind.sqlite")).await?;
    let worker = couriers::report_worker(behind.clone()).spawn().await?;
    let (calls, called) =
        call(time, behind.clone(), async |pool, number| couriers::report(pool, vec![Position::new(number, 1)]).await)
            .await?;
    let began = Instant::now();
    worker.flush().await?;
    let took = called + began.elapsed();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM positions").fetch_one(&behind).await?;
    let in_batches = per_second(rows, took);
    let stats = worker.stats();
    println!(
        "written behind           {in_batches:>9.0} rows/s  ({rows} rows of {calls} calls in {} statements; calls {:.0}/s, \
         all of it in the database {:.0} ms after the last)",
        stats.statements,
        per_second(calls, called),
        began.elapsed().as_secs_f64() * 1e3
    );
    let times = in_batches / by_one;
    println!("                         {times:>9.1} times as many (20 at least)\n");

    let before = worker.stats();
    let (calls, _) = call(time, behind, async |pool, number| {
        couriers::report(pool, vec![Position::new(number % FEW, number)]).await
    })
    .await?;
    worker.flush().await?;
    let statements = worker.stats().statements - before.statements;
    let coalesced = worker.stats().coalesced - before.coalesced;
    let share = calls as f64 / statements.max(1) as f64;
    println!(
        "{FEW} couriers: {calls} calls, {coalesced} coalesced, {statements} statements: one in {share:.0} (100 at least)"
    );
    let left = worker.shutdown(Duration::from_secs(60)).await;
    Ok(times >= 20.0 && share >= 100.0 && left == 0 && rows == i64::try_from(stats.written)?)
}

async fn table(file: &Path) -> Result<SqlitePool, sqlx::Error> {
    couriers::create(file).await
}

fn per_second(count: i64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// How many calls, each with a number of its own, and how long they took.
async fn call<F>(
    time: Duration,
    pool: SqlitePool,
    report: impl Fn(SqlitePool, i64) -> F + Clone + Send + 'static,
) -> Result<(i64, Duration), Box<dyn Error>>
where
    F: Future<Output = Result<(), sqlx::Error>> + Send,
{
    let next = Arc::new(AtomicI64::new(0));
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (next, pool, report) = (Arc::clone(&next), pool.clone(), report.clone());
        callers.spawn(async move {
            while began.elapsed() < time {
                report(pool.clone(), next.fetch_add(1, Ordering::Relaxed)).await?;
            }
            Ok::<_, sqlx::Error>(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    Ok((next.load(Ordering::Relaxed), began.elapsed()))
}
