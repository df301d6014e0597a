//! One of the processes: readers and writers who measure every call, and a log that is sent to the parent as it grows.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cached_runtime::{Cache, Held};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::weather::Phase;
use crate::history::caller::Caller;
use crate::history::clock::monotonic;
use crate::history::counters::Counters;
use crate::history::dice::Dice;
use crate::history::habits::Habits;
use crate::history::log::Log;
use crate::history::process::Message;
use crate::history::recorder::Recorder;
use crate::history::rows::Rows;

/// Before the names of its keys.
pub const PREFIX: &str = "soak";

/// What a process is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub process: u8,
    pub seed: u64,
    pub redis: String,
    pub database: String,
    /// Where the parent listens, who also says when phases begin and when to stop.
    pub parent: String,
    /// `None`: the default.
    pub timeout_ms: Option<u64>,
}

/// What it has to say at last.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    pub reads: u64,
    pub writes: u64,
    pub cancelled: u64,
    /// Calls that gave an error although no body fails, and those that panicked.
    pub errors: u64,
    pub longest_us: u64,
    pub hits: u64,
    pub loads: u64,
    pub late_fills: u64,
    pub over_bound: u64,
    pub opened: u64,
    /// In the phases without faults.
    pub quiet_hits: u64,
    pub quiet_calls: u64,
    /// In bytes, after the first phase without faults and at the end.
    pub memory_at_first: u64,
    pub memory_at_last: u64,
    /// When all calls had ended and the cache was closed.
    pub flights_left: usize,
    pub queued_left: usize,
    pub undelivered: usize,
    pub replayed_left: usize,
}

/// What all callers of a process count together.
#[derive(Debug, Default)]
struct Tally {
    reads: AtomicU64,
    writes: AtomicU64,
    cancelled: AtomicU64,
    errors: AtomicU64,
    longest_us: AtomicU64,
    stop: AtomicBool,
}

impl Tally {
    /// One call, measured; whether it may be made at all.
    async fn call(&self, caller: &mut Caller, counter: &AtomicU64, call: impl Future<Output = bool>) {
        let began = Instant::now();
        let answer = caller.perhaps(call).await;
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.longest_us.fetch_max(took, Ordering::Relaxed);
        counter.fetch_add(1, Ordering::Relaxed);
        match answer {
            Some(true) => {}
            Some(false) => _ = self.errors.fetch_add(1, Ordering::Relaxed),
            None => _ = self.cancelled.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

/// Works until it is told to stop.
pub async fn obey(order: &Order) -> Result<(), Box<dyn Error>> {
    let (parent, mut tell) = TcpStream::connect(&order.parent).await?.into_split();
    let log = Log::new(order.process, Arc::new(monotonic));
    let mut cache = Cache::builder().redis(&order.redis).prefix(PREFIX).wrap_store(Recorder::wrap(log.clone()));
    if let Some(millis) = order.timeout_ms {
        cache = cache.timeout(Duration::from_millis(millis));
    }
    let database = Arc::new(Counters::connect(&order.database).await?);
    let rows = Rows { cache: cache.build()?, database, log, habits: Habits::SOUND };
    let tally = Arc::<Tally>::default();
    let mut phases = tokio::spawn(listen(parent, rows.cache.clone(), Arc::clone(&tally)));
    let mut work = work(&rows, order.seed, &tally);
    let mut panics = 0;
    while !work.is_empty() {
        sleep(Duration::from_millis(20)).await;
        let (events, until) = rows.log.take();
        Message::<Figures>::Events { process: order.process, events, until }.send(&mut tell).await?;
        while let Some(ended) = work.try_join_next() {
            panics += u64::from(ended.is_err());
        }
    }
    let closed = rows.cache.close().await;
    let (events, until) = rows.log.take();
    Message::<Figures>::Events { process: order.process, events, until }.send(&mut tell).await?;
    let (quiet, memory_at_first) = (&mut phases).await??;
    let Held { flights, queued, replayed } = rows.cache.held();
    let (stats, count) = (rows.cache.stats(), |counter: &AtomicU64| counter.load(Ordering::Relaxed));
    let total = stats.total();
    let figures = Figures {
        reads: count(&tally.reads),
        writes: count(&tally.writes),
        cancelled: count(&tally.cancelled),
        errors: count(&tally.errors) + panics,
        longest_us: count(&tally.longest_us),
        hits: total.hits,
        loads: total.loads,
        late_fills: total.late_fills,
        over_bound: total.over_bound,
        opened: stats.breaker_opened,
        quiet_hits: quiet.hits,
        quiet_calls: quiet.calls,
        memory_at_first,
        memory_at_last: resident()?,
        flights_left: flights,
        queued_left: queued,
        undelivered: closed.undelivered,
        replayed_left: replayed,
    };
    Message::Figures(order.process, figures).send(&mut tell).await
}

#[derive(Clone, Copy, Debug, Default)]
struct Hits {
    hits: u64,
    calls: u64,
}

impl Hits {
    fn now(cache: &Cache) -> Self {
        let total = cache.stats().total();
        Self { hits: total.hits, calls: total.hits + total.misses + total.bypasses }
    }
}

/// Hears of the phases: the hits in those without faults, and the memory after the first of them.
async fn listen(mut parent: OwnedReadHalf, cache: Cache, tally: Arc<Tally>) -> std::io::Result<(Hits, u64)> {
    let (mut quiet, mut began, mut memory) = (Hits::default(), None, None);
    loop {
        let phase = Phase::from_byte(parent.read_u8().await?);
        let now = Hits::now(&cache);
        if let Some(Hits { hits, calls }) = began.take() {
            quiet.hits += now.hits - hits;
            quiet.calls += now.calls - calls;
            memory.get_or_insert(resident()?);
        }
        match phase {
            Phase::Quiet => began = Some(now),
            Phase::Trouble => {}
            Phase::End => {
                tally.stop.store(true, Ordering::Relaxed);
                return Ok((quiet, memory.unwrap_or_default()));
            }
        }
    }
}

/// What this process occupies, in bytes.
fn resident() -> std::io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kilobytes.unwrap_or_default() * 1_024)
}

fn work(rows: &Rows, seed: u64, tally: &Arc<Tally>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let mut dice = Dice::new(seed);
    let Habits { readers, writers, .. } = rows.habits;
    let turns = Arc::new(Semaphore::new(0));
    for task in 1..=readers {
        let caller = Caller { task, dice: dice.hand_on() };
        tasks.spawn(read(rows.clone(), caller, Arc::clone(tally), Arc::clone(&turns)));
    }
    for task in readers + 1..=readers + writers {
        let caller = Caller { task, dice: dice.hand_on() };
        tasks.spawn(write(rows.clone(), caller, Arc::clone(tally), Arc::clone(&turns)));
    }
    tasks
}

async fn read(rows: Rows, mut caller: Caller, tally: Arc<Tally>, turns: Arc<Semaphore>) {
    let Habits { keys, reads_per_write, .. } = rows.habits;
    while tally.goes_on() {
        let own = Caller { task: caller.task, dice: caller.dice.hand_on() };
        tally.call(&mut caller, &tally.reads, rows.read_any(keys, own)).await;
        if caller.dice.once_in(reads_per_write) {
            turns.add_permits(1);
        }
        if caller.dice.once_in(8) {
            caller.dice.moment().await;
        }
    }
}

async fn write(rows: Rows, mut caller: Caller, tally: Arc<Tally>, turns: Arc<Semaphore>) {
    let Habits { keys, writers_rest, .. } = rows.habits;
    while tally.goes_on() {
        sleep(caller.dice.millis(1, writers_rest)).await;
        let Ok(turn) = turns.try_acquire() else { continue };
        turn.forget();
        let own = Caller { task: caller.task, dice: caller.dice.hand_on() };
        let key = *caller.dice.one_of(keys);
        tally.call(&mut caller, &tally.writes, rows.write(key, own)).await;
    }
}
