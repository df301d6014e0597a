//! Rows per second, and statements per call.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::SqlitePool;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::couriers::{self, Directory, Position};

/// Who call at the same time.
const CALLERS: usize = 512;

/// Whose positions are reported in turn, where they are few.
const FEW: i64 = 100;

pub async fn run(directory: &Directory, seconds: u64) -> Result<bool, Box<dyn Error>> {
    let time = Duration::from_secs(seconds);
    println!("{CALLERS} callers, one row per call, {seconds} s each, every commit of SQLite on the disk\n");
    let redis = crate::durable(directory, "everysec").await?;
    couriers::cache(&redis.url(), "couriers")?.install();

    let through = couriers::create(&directory.file("through.sqlite")).await?;
    let report_now = async |pool, number| couriers::report_now(&pool, Position::new(number, 1)).await;
    let (calls, took) = call(time, through, report_now).await?;
    let by_one = per_second(calls, took);
    println!("written through                {by_one:>9.0} rows/s  ({calls} rows)");

    let times = behind(directory, "everysec", time).await? / by_one;
    println!("                               {times:>9.1} times as many (20 at least)");
    let share = few(directory, time).await?;
    println!("{FEW} couriers: one statement for {share:.0} calls (100 at least)\n");

    drop(redis);
    let redis = crate::durable(directory, "always").await?;
    couriers::cache(&redis.url(), "couriers")?.install();
    let slower = behind(directory, "always", time).await? / by_one;
    println!("                               {slower:>9.1} times as many");
    Ok(times >= 20.0 && share >= 100.0)
}

/// Rows per second, from the first call to the last row in the database.
async fn behind(directory: &Directory, fsync: &str, time: Duration) -> Result<f64, Box<dyn Error>> {
    let pool = couriers::create(&directory.file(&format!("behind-{fsync}.sqlite"))).await?;
    let worker = couriers::report_unseen_worker(pool.clone()).spawn().await?;
    let report = async |pool, number| couriers::report_unseen(pool, vec![Position::new(number, 1)]).await;
    let (calls, called) = call(time, pool.clone(), report).await?;
    let began = Instant::now();
    worker.flush().await?;
    let late = began.elapsed();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM positions").fetch_one(&pool).await?;
    if rows != calls {
        return Err(format!("{rows} rows of {calls} calls").into());
    }
    println!(
        "written behind, {fsync:<14} {:>9.0} rows/s  ({rows} rows in {} statements, the last {:.0} ms after its call)",
        per_second(rows, called + late),
        worker.stats().statements,
        late.as_secs_f64() * 1e3
    );
    worker.shutdown(Duration::from_secs(10)).await;
    Ok(per_second(rows, called + late))
}

/// How many calls one statement is for, where the couriers are few.
async fn few(directory: &Directory, time: Duration) -> Result<f64, Box<dyn Error>> {
    let pool = couriers::create(&directory.file("few.sqlite")).await?;
    let worker = couriers::report_unseen_worker(pool.clone()).spawn().await?;
    let before = worker.stats();
    let report =
        async |pool, number: i64| couriers::report_unseen(pool, vec![Position::new(number % FEW, number)]).await;
    let (calls, _) = call(time, pool, report).await?;
    worker.flush().await?;
    let statements = worker.stats().statements - before.statements;
    worker.shutdown(Duration::from_secs(10)).await;
    Ok(calls as f64 / statements.max(1) as f64)
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
