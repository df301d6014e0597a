//! What every process of the scoreboard does that is not the board: it opens one peer and obeys orders, a line each.
//! A process for each, so that one which hangs, panics or poisons does so alone, and memory is its own.

mod crowd;
mod hits;
mod races;
mod storm;

pub mod order;
pub mod origin;
pub mod value;

use std::io::Write;
use std::path::PathBuf;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::runtime::Builder;

use crate::order::{Order, Report};
use crate::value::{Failure, User};

/// Where a peer finds what it needs.
#[derive(Clone, Debug)]
pub struct World {
    pub redis: String,
    /// Entries live for a second, not for an hour.
    pub short: bool,
}

impl World {
    pub fn ttl(&self) -> std::time::Duration {
        std::time::Duration::from_secs(if self.short { 1 } else { 3_600 })
    }
}

/// One cache, set up as its documentation says is best for what is measured.
pub trait Peer: Sized + Send + Sync + 'static {
    fn open(world: &World) -> impl Future<Output = Result<Self, Failure>> + Send;

    /// The row, from the cache or by [`origin::load`].
    fn find(&self, id: u64) -> impl Future<Output = Result<User, Failure>> + Send;

    /// Returns when the invalidation has completed, as far as the peer knows.
    fn invalidate(&self, id: u64) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Makes sure of the row before hits are measured, where asking for it is not enough.
    fn prepare(&self, _id: u64) -> impl Future<Output = Result<(), Failure>> + Send {
        async { Ok(()) }
    }
}

/// What counts allocations, where this process can.
pub type Meter = fn(&mut dyn FnMut()) -> (u64, u64);

/// The words that a process is started with, after the peer's name.
#[derive(Clone, Debug)]
pub struct Words {
    pub world: World,
    rows: PathBuf,
    /// Threads of the runtime; none for a runtime on the one there is.
    workers: usize,
    meter: Option<Meter>,
}

impl Words {
    /// `REDIS ROWS WORKERS long|short`
    pub fn parse(words: &[String], meter: Option<Meter>) -> Option<Self> {
        let [redis, rows, workers, ttl] = words else { return None };
        let world = World { redis: redis.clone(), short: ttl == "short" };
        Some(Self { world, rows: rows.into(), workers: workers.parse().ok()?, meter })
    }
}

/// Opens the peer and obeys until nobody gives orders any more.
pub fn serve<P: Peer>(words: &Words) -> std::io::Result<()> {
    origin::open(&words.rows)?;
    let mut runtime = match words.workers {
        0 => Builder::new_current_thread(),
        workers => {
            let mut runtime = Builder::new_multi_thread();
            runtime.worker_threads(workers);
            runtime
        }
    };
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(async {
        let peer = match P::open(&words.world).await {
            // For as long as the process lives: its tasks hold it.
            Ok(peer) => &*Box::leak(Box::new(peer)),
            Err(failure) => return say(&Err(failure.0)),
        };
        say(&Ok(Report::default()))?;
        let mut orders = BufReader::new(tokio::io::stdin()).lines();
        while let Some(line) = orders.next_line().await? {
            let order = serde_json::from_str(&line)?;
            say(&obey(peer, order, words).await.map_err(|failure| failure.0))?;
        }
        Ok(())
    })?;
    // Calls that hang still do.
    runtime.shutdown_background();
    Ok(())
}

fn say(report: &Result<Report, String>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(report)?)?;
    out.flush()
}

async fn obey<P: Peer>(peer: &'static P, order: Order, words: &Words) -> Result<Report, Failure> {
    match order {
        Order::Origin { millis, mood } => {
            origin::set(std::time::Duration::from_millis(millis), mood);
            Ok(Report::default())
        }
        Order::Warm { ids } => hits::warm(peer, ids).await,
        Order::Read { ids, calls } => hits::read(peer, ids, calls).await,
        Order::Threads { ids, calls, threads } => hits::on_threads(peer, ids, calls, threads).await,
        Order::Crowd { ids, tasks, millis } => hits::crowd(peer, ids, tasks, millis).await,
        Order::Allocations { ids, calls } => hits::allocations(peer, ids, calls, words.meter),
        Order::Miss { first, calls } => hits::miss(peer, first, calls).await,
        Order::Fill { first, ids } => hits::fill(peer, first, ids).await,
        Order::Storm { at, first, ids, tasks, patience } => storm::storm(peer, at, (first, ids), tasks, patience).await,
        Order::Hot { id, tasks, millis } => storm::hot(peer, id, tasks, millis).await,
        Order::Overtaken { id, version } => races::overtaken(peer, id, version).await,
        Order::Look { id } => races::look(peer, id).await,
        Order::Write { id, version } => races::write(peer, id, version).await,
        Order::Readers { ids, tasks, millis } => races::readers(peer, ids, tasks, millis).await,
        Order::Writers { ids, tasks, millis } => races::writers(peer, ids, tasks, millis).await,
        Order::Callers { tasks, millis, pause, patience } => crowd::callers(peer, tasks, millis, pause, patience).await,
    }
}
