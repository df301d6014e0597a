//! Reads the shards that it has the lease of, and writes what is queued.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::Queue;
use super::batch::Body;
use super::flush::{Flow, Trouble};
use super::live::{Live, QueueCounts};
use super::race::{First, race};
use super::reading::Reading;
use super::tenure::Tenure;
use crate::cache::{Cache, Inner};
use crate::error::Error;
use crate::event;
use crate::store::Store;
use crate::store::queues::{Id, Record};

/// How often a worker looks at a queue that other processes fill.
const POLL: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

/// How many batches are read at a time, at most, where most of what is read is left out.
const AHEAD: usize = 8;

/// What the worker is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Running,
    Paused,
    /// Writes what is left, without waiting for more.
    Draining,
    Stopped,
}

/// What the tasks of one worker share.
pub(super) struct Control {
    pub(super) queue: &'static Queue,
    pub(super) cache: Arc<Inner>,
    pub(super) store: Arc<dyn Store>,
    pub(super) live: Arc<Live>,
    pub(super) body: Body,
    pub(super) reading: Reading,
    mode: watch::Sender<Mode>,
    /// How many wait for the queue to be written: meanwhile no batch waits for more.
    hurried: AtomicUsize,
    hurry: Notify,
    refused: OnceLock<String>,
    /// It has been said that something is queued which only a newer build can write.
    outdated: AtomicBool,
    /// Told after every batch.
    moved: Notify,
}

/// A worker of one queue. Dropped, it stops: what it has begun is done again by the next one.
pub struct Worker {
    /// `None`: there is nothing to be done.
    control: Option<Arc<Control>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.control.as_ref().map(|control| control.queue.name);
        f.debug_struct("Worker").field("queue", &name).finish_non_exhaustive()
    }
}

impl Queue {
    /// Starts a worker in the caller's runtime. An error: the store loses what is queued, or has no queues. One that is
    /// away is none: it is asked when it is back.
    pub async fn start(&'static self, cache: &Cache, body: Body) -> Result<Worker, Error> {
        let cache = cache.inner();
        let Some(store) = cache.store() else {
            return Ok(Worker { control: None, tasks: Mutex::default() });
        };
        let Some(queues) = store.queues() else {
            return Err(Error::Setting(format!(
                "queue `{}`: a cluster's keys are on several servers, and a value and its queue are written in one step: \
                 use one server, with or without sentinels, for this cache",
                self.name
            )));
        };
        let asked = match queues.durability().await {
            Ok(durability) => self.judge(&durability).map(|()| true)?,
            Err(_) => false,
        };
        let control = Arc::new(Control {
            queue: self,
            live: cache.queues.of(self, cache),
            cache: Arc::clone(cache),
            store: Arc::clone(&store),
            body,
            reading: Reading::default(),
            mode: watch::Sender::new(Mode::Running),
            hurried: AtomicUsize::new(0),
            hurry: Notify::new(),
            refused: OnceLock::new(),
            outdated: AtomicBool::new(false),
            moved: Notify::new(),
        });
        let tasks = (0..self.shards.max(1)).map(|shard| {
            let control = Arc::clone(&control);
            tokio::spawn(async move { control.serve(shard, asked).await })
        });
        Ok(Worker { tasks: Mutex::new(tasks.collect()), control: Some(control) })
    }
}

impl Worker {
    /// Waits until all that was queued before this call is written, by whichever worker; and while the store is away, until
    /// it is back.
    pub async fn flush(&self) -> Result<(), Error> {
        let Some(control) = &self.control else { return Ok(()) };
        let _hurried = Hurried::up(control);
        let upto = control.ends().await?;
        loop {
            let now = control.ends().await?;
            let mut shards = upto.iter().zip(&now);
            if !shards.any(|(upto, now)| upto.zip(*now).is_some_and(|((_, last), (first, _))| first <= last)) {
                return Ok(());
            }
            let soon = Instant::now() + POLL.0;
            let _told = timeout_at(soon, control.moved.notified()).await;
        }
    }

    /// Begins no batch until [`resume`](Self::resume). The shards stay this worker's.
    pub fn pause(&self) {
        self.turn(Mode::Running, Mode::Paused);
    }

    /// After [`pause`](Self::pause).
    pub fn resume(&self) {
        self.turn(Mode::Paused, Mode::Running);
    }

    fn turn(&self, from: Mode, to: Mode) {
        if let Some(control) = &self.control {
            control.mode.send_if_modified(|mode| {
                let turns = *mode == from;
                if turns {
                    *mode = to;
                }
                turns
            });
        }
    }

    /// Writes what is queued, for so long at most, and ends: how many writes are left. They are in the queue.
    pub async fn shutdown(self, deadline: Duration) -> u64 {
        let Some(control) = &self.control else { return 0 };
        let until = Instant::now() + deadline;
        let _hurried = Hurried::up(control);
        control.mode.send_replace(Mode::Draining);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let mut ended = Vec::new();
        for mut task in tasks {
            if timeout_at(until, &mut task).await.is_err() {
                ended.push(task);
            }
        }
        control.mode.send_replace(Mode::Stopped);
        for task in ended {
            let _ended = task.await;
        }
        self.left().await
    }

    async fn left(&self) -> u64 {
        let Some(control) = &self.control else { return 0 };
        let Some(queues) = control.store.queues() else { return 0 };
        match queues.lengths(&control.live.names).await {
            Ok(lengths) => {
                control.live.counters.length(lengths.queued);
                lengths.queued
            }
            // As far as is known.
            Err(_) => control.live.counters.read().queued,
        }
    }

    /// The queue's figures in this process.
    pub fn stats(&self) -> QueueCounts {
        self.control.as_ref().map(|control| control.live.counters.read()).unwrap_or_default()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(control) = &self.control {
            control.mode.send_replace(Mode::Stopped);
        }
    }
}

/// While it is there, no batch waits for more.
struct Hurried<'c>(&'c Control);

impl<'c> Hurried<'c> {
    fn up(control: &'c Control) -> Self {
        control.hurried.fetch_add(1, Ordering::SeqCst);
        control.hurry.notify_waiters();
        Self(control)
    }
}

impl Drop for Hurried<'_> {
    fn drop(&mut self) {
        self.0.hurried.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Control {
    fn mode(&self) -> Mode {
        *self.mode.borrow()
    }

    /// The first and the last id of each shard, as soon as the store says so.
    async fn ends(&self) -> Result<Vec<Option<(Id, Id)>>, Error> {
        let queues = self.store.queues().ok_or(Error::Disabled)?;
        let mut trouble = Trouble::default();
        loop {
            if let Some(why) = self.refused.get() {
                return Err(Error::Setting(why.clone()));
            }
            match queues.ends(&self.live.names).await {
                Ok(ends) => return Ok(ends),
                Err(_) => sleep(trouble.pause()).await,
            }
        }
    }

    async fn stopped(&self) {
        let mut mode = self.mode.subscribe();
        let _ended = mode.wait_for(|mode| *mode == Mode::Stopped).await;
    }

    /// Returns when a body is not to be waited for any more.
    pub(super) async fn abandoned(&self, tenure: &Tenure) {
        race(tenure.lost(), self.stopped()).await;
    }

    /// One shard, until the worker is to end.
    async fn serve(&self, shard: usize, mut asked: bool) {
        let Some(name) = self.live.names.leases.get(shard) else { return };
        let lease = self.queue.lease;
        loop {
            if self.mode() == Mode::Stopped {
                return;
            }
            if !asked {
                asked = self.ask().await;
            }
            let mut pause = (lease / 4).min(POLL.1);
            let taken = if asked { Tenure::take(&self.store, name, lease).await } else { Ok(None) };
            match taken {
                Ok(Some(tenure)) => {
                    let drained = self.tend(&tenure, shard).await;
                    if tenure.is_not_ours() {
                        // Long enough for all others to ask for it.
                        pause = POLL.1 * 4;
                        self.outdated();
                    }
                    tenure.give_back().await;
                    // Until nothing is left, or the deadline is over: what has ended this tenure may be gone in a moment.
                    if drained && self.mode() == Mode::Draining {
                        return;
                    }
                }
                // Another worker has it; where this one is only to write what is left, that one does.
                Ok(None) if asked && self.mode() == Mode::Draining => return,
                Ok(None) | Err(_) => {}
            }
            if self.refused.get().is_some() {
                return;
            }
            race(sleep(pause.mul_f64(0.5 + 0.5 * fastrand::f64())), self.stopped()).await;
        }
    }

    /// Says so once.
    fn outdated(&self) {
        if !self.outdated.swap(true, Ordering::SeqCst) {
            event::warning!(
                "cache: queue `{}` holds writes of a higher `version` than this build has; it leaves them to a worker of the \
                 newer build: deploy it where workers run",
                self.queue.name
            );
        }
    }

    /// Whether the store may be used.
    async fn ask(&self) -> bool {
        let Some(queues) = self.store.queues() else { return false };
        let Ok(durability) = queues.durability().await else { return false };
        match self.queue.judge(&durability) {
            Ok(()) => true,
            Err(why) => {
                let why = why.to_string();
                if self.refused.set(why.clone()).is_ok() {
                    event::warning!("cache: {why}; nothing is written from the queue");
                }
                false
            }
        }
    }

    /// Writes batch by batch, while the shard is this worker's. True: nothing is left, and nothing more to be waited for.
    async fn tend(&self, tenure: &Tenure, shard: usize) -> bool {
        let Some(queues) = self.store.queues() else { return true };
        let mut trouble: Option<Trouble> = None;
        // What was the oldest, and when it was first seen.
        let mut oldest: Option<(Id, Instant)> = None;
        let mut ahead = 1;
        loop {
            let mut mode = self.mode.subscribe();
            let now = *mode.borrow_and_update();
            match now {
                Mode::Stopped => return false,
                Mode::Paused => {
                    let changed = async { _ = mode.changed().await };
                    if let First::Right(()) = race(changed, tenure.lost()).await {
                        return false;
                    }
                    continue;
                }
                Mode::Running | Mode::Draining => {}
            }
            if tenure.is_lost() {
                return false;
            }
            let arrived = self.live.arrived.notified();
            let most = self.queue.max_batch.max(1);
            let from = Id { millis: 0, number: 0 };
            let Some(records) = self.read(tenure, shard, from, most.saturating_mul(ahead)).await else { return false };
            let hurried = self.mode() == Mode::Draining || self.hurried.load(Ordering::SeqCst) > 0;
            let Some(first) = records.first().map(|record| record.id) else {
                if self.mode() == Mode::Draining {
                    return true;
                }
                let poll = self.queue.linger.clamp(POLL.0, POLL.1);
                let next = race(arrived, sleep(poll));
                race(next, self.disturbed(tenure)).await;
                continue;
            };
            if records.len() < most && !hurried && trouble.is_none() {
                let since = oldest.filter(|(id, _)| *id == first).map_or_else(Instant::now, |(_, since)| since);
                oldest = Some((first, since));
                let ripe = since + self.queue.linger;
                let now = Instant::now();
                if now < ripe {
                    // A batch may be full before; and somebody may be in a hurry.
                    let pause = (ripe - now).min(POLL.1);
                    race(sleep(pause), self.disturbed(tenure)).await;
                    continue;
                }
            }
            oldest = None;
            ahead = self.ahead(&records, ahead);
            match self.flush(tenure, shard, records).await {
                Flow::On => trouble = None,
                Flow::Ended => return false,
                Flow::Down => {
                    let first = trouble.is_none();
                    let trouble = trouble.get_or_insert_default();
                    if first {
                        event::warning!(
                            "cache: nothing of queue `{}` can be written to the database; it is tried again until it can",
                            self.queue.name
                        );
                    }
                    race(sleep(trouble.pause()), self.abandoned(tenure)).await;
                }
            }
            if let Ok(lengths) = queues.lengths(&self.live.names).await {
                self.live.counters.length(lengths.queued);
            }
            self.moved.notify_waiters();
        }
    }

    /// How many batches to read at a time next: more while fewer keys than half of that come of it.
    fn ahead(&self, records: &[Record], ahead: usize) -> usize {
        let keys: HashSet<&str> = records.iter().map(|record| &*record.key).collect();
        let few = self.queue.coalesce && keys.len() * 2 <= self.queue.max_batch;
        if few && records.len() >= self.queue.max_batch * ahead {
            (ahead * 2).min(AHEAD)
        } else if few {
            ahead
        } else {
            1
        }
    }

    /// Returns when a batch is not to wait for more.
    async fn disturbed(&self, tenure: &Tenure) {
        let mut mode = self.mode.subscribe();
        let changed = async { _ = mode.changed().await };
        race(race(changed, self.hurry.notified()), tenure.lost()).await;
    }
}
