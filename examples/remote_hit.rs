//! `cargo run --release --example remote_hit`: what a hit over Redis costs, beside the same read by hand: redis-rs `GET`
//! on a multiplexed connection, then serde_json. Both in turn, many short rounds, medians; the figure is the ratio. Both
//! sides set `TCP_NODELAY`.
//!
//! Latency is measured with client and server on one core: across two idle cores the same call takes 10 or 70
//! microseconds, as the cores happen to be asleep or not. Throughput is measured on all of them, by 64 and by 1,024
//! tasks, each side with one connection. Exits with 1 where a promise is missed: latency at most 1.05 times, throughput
//! at least 0.85 times.

#[path = "interrupted/mod.rs"]
mod interrupted;
#[path = "redis_server/mod.rs"]
mod redis_server;

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cached_runtime::{Cache, cached};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncCommands, IntoConnectionInfo};
use redis_server::RedisServer;
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// Reads in a round of latency.
const READS: u32 = 2_000;
const ROUNDS: usize = 41;
/// How long a round of throughput takes.
const ROUND: Duration = Duration::from_millis(400);
const SLOWER: f64 = 1.05;
const FEWER: f64 = 0.85;

/// About a hundred bytes as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: i64,
    name: String,
    email: String,
    active: bool,
}

fn user(id: i64) -> User {
    User { id, name: "Ada Lovelace".to_owned(), email: "ada.lovelace@example.org".to_owned(), active: true }
}

#[cached(key = "user:<id>", ttl = 3600, mutex)]
async fn find_user(id: i64) -> Result<Option<User>, std::io::Error> {
    Ok(Some(user(id)))
}

/// What the same costs by hand, with a hit.
async fn find_by_hand(connection: &mut MultiplexedConnection, id: i64) -> Result<Option<User>, Box<dyn Error>> {
    let json: Option<Vec<u8>> = connection.get(format!("by-hand:{id}")).await?;
    Ok(json.map(|json| serde_json::from_slice(&json)).transpose()?)
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let apart = Builder::new_current_thread().enable_all().build()?;
    let all = rustix::thread::sched_getaffinity(None)?;
    let mut one = rustix::thread::CpuSet::new();
    let last = (0..rustix::thread::CpuSet::MAX_CPU).rev().find(|&cpu| all.is_set(cpu));
    one.set(last.ok_or("no core to run on")?);

    // A child runs where its parent does: the server of the first part shares this core, that of the second does not.
    rustix::thread::sched_setaffinity(None, &one)?;
    let slower = latency(&apart)?;
    rustix::thread::sched_setaffinity(None, &all)?;
    let many = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut kept = slower <= SLOWER;
    println!("latency, one core: {slower:.3} times by hand (promised: at most {SLOWER})");
    for tasks in [64, 1_024] {
        let more = throughput(&many, tasks)?;
        println!("throughput, {tasks} tasks: {more:.3} times by hand (promised: at least {FEWER})");
        kept &= more >= FEWER;
    }
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A server with one entry for each side, and a connection by hand.
async fn prepared() -> Result<(RedisServer, MultiplexedConnection), Box<dyn Error>> {
    let server = RedisServer::start().await?;
    Cache::builder().redis(server.url()).build()?.install();
    let tcp = TcpSettings::default().set_nodelay(true);
    let client = redis::Client::open(server.url().into_connection_info()?.set_tcp_settings(tcp))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    connection.set::<_, _, ()>("by-hand:7", serde_json::to_vec(&user(7))?).await?;
    while find_user(7).await? != find_by_hand(&mut connection, 7).await? {}
    Ok((server, connection))
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Ends with an interrupt, and the server with it.
async fn unless_interrupted(part: impl Future<Output = Result<f64, Box<dyn Error>>>) -> Result<f64, Box<dyn Error>> {
    tokio::select! {
        measured = part => measured,
        interrupted = interrupted::interrupted() => {
            interrupted?;
            Err("interrupted".into())
        }
    }
}

fn latency(runtime: &Runtime) -> Result<f64, Box<dyn Error>> {
    runtime.block_on(unless_interrupted(async {
        let (_server, mut connection) = prepared().await?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS + 2 {
            // In turn who begins.
            for side in [round % 2, (round + 1) % 2] {
                let began = Instant::now();
                for _ in 0..READS {
                    match side {
                        0 => _ = black_box(find_user(black_box(7)).await?),
                        _ => _ = black_box(find_by_hand(&mut connection, black_box(7)).await?),
                    }
                }
                let each = began.elapsed().as_secs_f64() * 1e6 / f64::from(READS);
                // The first two rounds warm up.
                if round >= 2 {
                    if side == 0 { &mut ours } else { &mut theirs }.push(each);
                }
            }
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!("a hit {ours:.2} us, by hand {theirs:.2} us");
        Ok(ours / theirs)
    }))
}

fn throughput(runtime: &Runtime, tasks: usize) -> Result<f64, Box<dyn Error>> {
    runtime.block_on(unless_interrupted(async {
        let (_server, connection) = prepared().await?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..14 {
            for side in [round % 2, (round + 1) % 2] {
                let mut callers = JoinSet::new();
                let began = Instant::now();
                for _ in 0..tasks {
                    let mut connection = connection.clone();
                    callers.spawn(async move {
                        let mut reads = 0_u32;
                        while began.elapsed() < ROUND {
                            match side {
                                0 => _ = black_box(find_user(black_box(7)).await.ok()),
                                _ => _ = black_box(find_by_hand(&mut connection, black_box(7)).await.ok()),
                            }
                            reads += 1;
                        }
                        reads
                    });
                }
                let reads: u32 = callers.join_all().await.into_iter().sum();
                let per_second = f64::from(reads) / began.elapsed().as_secs_f64();
                if round >= 2 {
                    if side == 0 { &mut ours } else { &mut theirs }.push(per_second);
                }
            }
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!("{tasks} tasks: {ours:.0} hits a second, by hand {theirs:.0}");
        Ok(ours / theirs)
    }))
}
