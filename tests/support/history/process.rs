//! One of the processes: readers and writers, and a log that is sent to the parent as it grows.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use cached_runtime::Cache;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::caller::Caller;
use super::clock::monotonic;
use super::counters::Counters;
use super::dice::Dice;
use super::event::Event;
use super::habits::Habits;
use super::log::Log;
use super::recorder::Recorder;
use super::rows::Rows;

/// What a process is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub process: u8,
    pub seed: u64,
    pub redis: String,
    pub database: String,
    /// Where the parent listens.
    pub parent: String,
    /// When to stop, by the clock of all.
    pub until: u64,
}

/// What it has to say at last: the cache's own figures.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    pub hits: u64,
    pub hits_local: u64,
    pub late_fills: u64,
    pub stores: u64,
    pub coalesced: u64,
    pub lock_waits: u64,
    pub errors: u64,
}

/// Works until it is time.
pub async fn obey(order: &Order) -> Result<(), Box<dyn Error>> {
    let mut parent = TcpStream::connect(&order.parent).await?;
    let log = Log::new(order.process, Arc::new(monotonic));
    let cache =
        Cache::builder().redis(&order.redis).prefix("history").wrap_store(Recorder::wrap(log.clone())).build()?;
    let database = Arc::new(Counters::connect(&order.database).await?);
    let rows = Rows { cache, database, log, habits: Habits::BUSY };
    let mut work = work(&rows, order.seed, order.until);
    while !work.is_empty() {
        tell(&mut parent, order.process, &rows.log).await?;
        sleep(Duration::from_millis(20)).await;
        while let Some(ended) = work.try_join_next() {
            ended?;
        }
    }
    tell(&mut parent, order.process, &rows.log).await?;
    let total = rows.cache.stats().total();
    let figures = Figures {
        hits: total.hits,
        hits_local: total.hits_local,
        late_fills: total.late_fills,
        stores: total.stores,
        coalesced: total.coalesced,
        lock_waits: total.lock_waits,
        errors: total.errors,
    };
    Message::Figures(order.process, figures).send(&mut parent).await
}

async fn tell(parent: &mut TcpStream, process: u8, log: &Log) -> Result<(), Box<dyn Error>> {
    let (events, until) = log.take();
    Message::<Figures>::Events { process, events, until }.send(parent).await
}

/// All readers and writers of one process.
pub fn work(rows: &Rows, seed: u64, until: u64) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let mut dice = Dice::new(seed);
    let Habits { readers, writers, .. } = rows.habits.of(rows.log.process());
    let turns = Arc::new(Semaphore::new(0));
    for task in 1..=readers {
        tasks.spawn(read(rows.clone(), Caller { task, dice: dice.hand_on() }, until, Arc::clone(&turns)));
    }
    for task in readers + 1..=readers + writers {
        tasks.spawn(write(rows.clone(), Caller { task, dice: dice.hand_on() }, until, Arc::clone(&turns)));
    }
    tasks
}

async fn read(rows: Rows, mut caller: Caller, until: u64, turns: Arc<Semaphore>) {
    let Habits { keys, readers_rest, reads_per_write, .. } = rows.habits;
    while monotonic() < until {
        let own = Caller { task: caller.task, dice: caller.dice.hand_on() };
        caller.perhaps(rows.read_any(keys, own)).await;
        if reads_per_write > 0 && caller.dice.once_in(reads_per_write) {
            turns.add_permits(1);
        }
        match readers_rest {
            0 if caller.dice.once_in(8) => caller.dice.moment().await,
            0 => {}
            rest => sleep(caller.dice.millis(0, rest)).await,
        }
    }
}

async fn write(rows: Rows, mut caller: Caller, until: u64, turns: Arc<Semaphore>) {
    let Habits { keys, writers_rest, reads_per_write, reads_back, .. } = rows.habits;
    while monotonic() < until {
        sleep(caller.dice.millis(1, writers_rest)).await;
        if reads_per_write > 0 {
            match turns.try_acquire() {
                Ok(turn) => turn.forget(),
                Err(_) => continue,
            }
        }
        let own = Caller { task: caller.task, dice: caller.dice.hand_on() };
        let key = *caller.dice.one_of(keys);
        caller.perhaps(rows.write(key, own)).await;
        if reads_back {
            let own = Caller { task: caller.task, dice: caller.dice.hand_on() };
            caller.perhaps(rows.read(key, own)).await;
        }
    }
}

/// From a process to its parent.
pub enum Message<F> {
    Events { process: u8, events: Vec<Event>, until: u64 },
    Figures(u8, F),
}

impl<F: Serialize + DeserializeOwned> Message<F> {
    pub async fn send(&self, parent: &mut (impl AsyncWriteExt + Unpin)) -> Result<(), Box<dyn Error>> {
        let (kind, process, number, body) = match self {
            Self::Events { process, events, until } => {
                (0, *process, *until, events.iter().flat_map(|event| event.to_bytes()).collect())
            }
            Self::Figures(process, figures) => (1, *process, 0, serde_json::to_vec(figures)?),
        };
        parent.write_all(&[kind, process]).await?;
        parent.write_u64(number).await?;
        parent.write_u32(u32::try_from(body.len())?).await?;
        parent.write_all(&body).await?;
        Ok(())
    }

    /// `None` when the process has said everything.
    pub async fn receive(
        child: &mut (impl AsyncReadExt + Unpin),
    ) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> {
        let mut head = [0; 2];
        match child.read_exact(&mut head).await {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        };
        let until = child.read_u64().await?;
        let mut body = vec![0; child.read_u32().await?.try_into()?];
        child.read_exact(&mut body).await?;
        let [kind, process] = head;
        if kind == 1 {
            return Ok(Some(Self::Figures(process, serde_json::from_slice(&body)?)));
        }
        let (events, _) = body.as_chunks();
        let events = events.iter().map(Event::from_bytes).collect::<Option<_>>().ok_or("an unknown event")?;
        Ok(Some(Self::Events { process, events, until }))
    }
}
