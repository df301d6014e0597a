//! One seed: a few processes over one server, a few keys, a short life. Everything that chance decides follows from the
//! seed, and so does the history.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::store::Store;
use cached_runtime::{Adoption, Cache, FunctionStats, Stamping};
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::network::{Network, Plug};
use super::server::Server;
use super::table::Table;
use super::weather::{self, Weather};
use crate::faulty::Faulty;
use crate::history::caller::Caller;
use crate::history::checker::Checker;
use crate::history::dice::Dice;
use crate::history::event::{Event, What};
use crate::history::habits::Habits;
use crate::history::log::Log;
use crate::history::recorder::Recorder;
use crate::history::rows::{Row, Rows};
use crate::seeded::Seed;

/// Shorter than the 2 s for which a read may wait, and longer than anything that it may have to ask meanwhile.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// What one seed came to.
pub struct Life {
    pub events: Vec<Event>,
    pub checker: Checker,
    pub stats: FunctionStats,
    pub slowest: Duration,
}

/// Puts something of the test's own between the runtime and the network.
pub type Wrap = Arc<dyn Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync>;

/// What is wrong with this world, if anything.
#[derive(Clone)]
pub struct Wrong {
    pub store: Wrap,
    pub adoption: Adoption,
    pub stamping: Stamping,
    pub habits: Habits,
}

/// A few calls, much of what is rare elsewhere.
pub const SHORT: Habits = Habits { writers: 1, slow_one_in: 10, clears_one_in: 12, local_one_in: 0, ..Habits::BUSY };

impl Default for Wrong {
    fn default() -> Self {
        Self::seeded(&Seed::NONE, SHORT)
    }
}

impl Wrong {
    /// A world without a rule.
    pub fn seeded(seed: &Seed, habits: Habits) -> Self {
        let store: Wrap = match seed.store() {
            Some(fault) => Arc::new(Faulty::wrap(fault.clone())),
            None => Arc::new(|store| store),
        };
        let habits = Habits { invalidates_before_commit: seed.invalidates_before_commit, ..habits };
        Self { store, adoption: seed.adoption, stamping: seed.stamping, habits }
    }
}

/// Lives through one seed.
pub fn live(seed: u64, wrong: &Wrong) -> Life {
    // The runtime's own jitter.
    fastrand::seed(seed);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let life = World::new(seed, wrong).live();
        timeout(Duration::from_secs(600), life).await.unwrap_or_else(|_| panic!("seed {seed} has no end"))
    })
}

struct World {
    dice: Dice,
    server: Arc<Server>,
    weather: Weather,
    table: Arc<Table>,
    log: Log,
    keys: Vec<u8>,
    wrong: Wrong,
}

struct Process {
    rows: Rows,
    plug: Plug,
    tasks: JoinSet<Duration>,
}

impl World {
    fn new(seed: u64, wrong: &Wrong) -> Self {
        let mut dice = Dice::new(seed);
        let origin = Instant::now();
        let clock = move || u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        // One key or two; those from 4 on have a tag.
        let keys: &[u8] = match dice.roll(5) {
            0 => &[0],
            1 => &[4],
            2 => &[0, 1],
            3 => &[0, 4],
            _ => &[4, 5],
        };
        // Where everybody is to meet in one row, that is it.
        let keys = if let [_] = wrong.habits.keys { wrong.habits.keys } else { keys };
        Self {
            server: Arc::default(),
            weather: Weather::of(&mut dice),
            table: Arc::new(Table::new(dice.hand_on())),
            log: Log::new(0, Arc::new(clock)),
            keys: keys.to_vec(),
            wrong: wrong.clone(),
            dice,
        }
    }

    async fn live(mut self) -> Life {
        let mut processes = Vec::new();
        for number in 0..2 + u8::from(self.dice.once_in(3)) {
            processes.push(self.process(number));
        }
        let evicts = self.wrong.habits.evicted;
        let trouble =
            evicts.then(|| tokio::spawn(trouble(Arc::clone(&self.server), self.log.clone(), self.dice.hand_on())));
        if self.dice.once_in(4) {
            sleep(self.dice.millis(1, 150)).await;
            let mut killed = processes.swap_remove(0);
            killed.plug.pull();
            killed.tasks.shutdown().await;
            // Its successor is another process.
            processes.push(self.process(7));
        }
        let mut slowest = Duration::ZERO;
        let mut stats: Option<FunctionStats> = None;
        for process in &mut processes {
            while let Some(task) = process.tasks.join_next().await {
                slowest = slowest.max(task.expect("nothing panics"));
            }
            let total = process.rows.cache.stats().total();
            match &mut stats {
                None => stats = Some(total),
                Some(stats) => {
                    stats.hits += total.hits;
                    stats.late_fills += total.late_fills;
                    stats.coalesced += total.coalesced;
                    stats.lock_waits += total.lock_waits;
                }
            }
        }
        trouble.inspect(JoinHandle::abort);
        self.look();
        let (events, _) = self.log.take();
        let mut checker = Checker::new(weather::LATE).of(self.wrong.habits);
        // One of a batch waits for the loads of the others: where those are as long, there is nothing to judge.
        if u128::from(self.wrong.habits.slow.1) < PATIENCE.as_millis() / 2 {
            checker = checker.patient(PATIENCE);
        }
        checker.extend(events.iter().copied());
        Life { events, checker, stats: stats.expect("a process"), slowest }
    }

    /// How long what is left has to live, whoever died.
    fn look(&self) {
        for name in self.server.keys() {
            if let (Some(key), Some(_)) = (Row::number(&name), self.server.get(&name)) {
                let millis = self.server.life(&name).map(|life| u64::try_from(life.as_millis()).unwrap_or(u64::MAX));
                self.log.add(0, key, What::Lives { millis });
            }
        }
    }

    fn process(&mut self, number: u8) -> Process {
        let log = self.log.of(number);
        let (network, plug) = Network::new(&self.server, self.weather, self.dice.hand_on(), number);
        let store = (self.wrong.store)(Arc::new(network));
        let record = Recorder::wrap(log.clone());
        let cache = Cache::builder()
            .memory_limit(1 << 13)
            .adoption(self.wrong.adoption)
            .stamping(self.wrong.stamping)
            .wrap_store(move |_| record(Arc::clone(&store)))
            .build();
        let rows = Rows {
            cache: cache.expect("a cache"),
            database: Arc::clone(&self.table) as _,
            log,
            habits: self.wrong.habits,
        };
        let mut tasks = JoinSet::new();
        let Habits { readers, writers, .. } = self.wrong.habits.of(number);
        for task in (1..=2 + u16::from(self.dice.once_in(2))).take(readers.into()) {
            let caller = Caller { task, dice: self.dice.hand_on() };
            tasks.spawn(read(rows.clone(), caller, self.keys.clone()));
        }
        for task in 9..9 + writers {
            let caller = Caller { task, dice: self.dice.hand_on() };
            tasks.spawn(write(rows.clone(), caller, self.keys.clone()));
        }
        Process { rows, plug, tasks }
    }
}

async fn pause(dice: &mut Dice) {
    match dice.roll(16) {
        0..6 => {}
        6..15 => sleep(dice.millis(0, 20)).await,
        _ => sleep(dice.millis(20, 700)).await,
    }
}

async fn read(rows: Rows, mut caller: Caller, keys: Vec<u8>) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..3 + caller.dice.roll(4) {
        pause(&mut caller.dice).await;
        if rows.habits.readers_rest > 0 {
            sleep(caller.dice.millis(0, rows.habits.readers_rest)).await;
        }
        let own = Caller { task: caller.task, dice: caller.dice.hand_on() };
        let began = Instant::now();
        caller.perhaps(rows.read_any(&keys, own)).await;
        slowest = slowest.max(began.elapsed());
    }
    slowest
}

async fn write(rows: Rows, mut caller: Caller, keys: Vec<u8>) -> Duration {
    for _ in 0..2 + caller.dice.roll(3) {
        pause(&mut caller.dice).await;
        let own = Caller { task: caller.task, dice: caller.dice.hand_on() };
        let key = *caller.dice.one_of(&keys);
        caller.perhaps(rows.write(key, own)).await;
        if caller.dice.once_in(2) {
            let own = Caller { task: caller.task, dice: caller.dice.hand_on() };
            rows.read(key, own).await;
        }
    }
    Duration::ZERO
}

/// Keys that vanish, stamps among them: evicted, or flushed all at once.
async fn trouble(server: Arc<Server>, log: Log, mut dice: Dice) {
    loop {
        sleep(dice.millis(5, 400)).await;
        let mut keys = server.keys();
        if !keys.is_empty() && !dice.once_in(4) {
            keys = vec![keys.swap_remove(usize::try_from(dice.roll(keys.len() as u64)).unwrap_or(0))];
        }
        for key in keys {
            let row = Row::number(&key);
            row.inspect(|row| log.add(0, *row, What::Clearing));
            server.delete(&key);
            row.inspect(|row| log.add(0, *row, What::Cleared));
        }
    }
}
