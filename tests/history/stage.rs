//! Two processes over one Redis, each step of which a test directs: who stands still where, until what has happened. So
//! what takes luck to come about among many callers comes about every time, however busy the machine is.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cached_runtime::{Policy, cached, key};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::faulty::Faulty;
use crate::history::checker::Checker;
use crate::history::clock::monotonic;
use crate::history::event::What;
use crate::history::fleet::LATE;
use crate::history::habits::Habits;
use crate::history::lives::look;
use crate::history::log::Log;
use crate::history::recorder::Recorder;
use crate::history::rows::{Database, Refused, Row, Rows};
use crate::seeded::Seed;
use crate::steered::{Helm, Op};
use crate::support::Redis;

const TTL: Duration = Duration::from_secs(60);
/// Longer than anything that is played: what ends a lease is said in the play.
const LEASE: Duration = Duration::from_secs(10);
/// As the macro below says it.
const WAIT: Duration = Duration::from_secs(5);
/// Who waited for so long with nobody to wait for has waited until the end of `WAIT`.
const PATIENCE: Duration = Duration::from_secs(4);
/// What is awaited comes by then.
const OVERDUE: Duration = Duration::from_secs(10);

/// A row like any other, one that is not there before it is written, and the same two with a tag.
pub const ROW: u8 = 0;
pub const ABSENT: u8 = 1;
pub const TAGGED: u8 = 4;
pub const TAGGED_ABSENT: u8 = 5;

const HABITS: Habits = Habits { absent_one_in: 2, ..Habits::BUSY };

const EVERYTHING: &[Op] =
    &[Op::Acquire, Op::Stamps, Op::Fill, Op::WriteBegin, Op::WriteEnd, Op::Delete, Op::Wait, Op::Other];

/// The version of each row.
#[derive(Default)]
struct Table([AtomicU64; 8]);

#[async_trait]
impl Database for Table {
    async fn version(&self, key: u8) -> u64 {
        self.0[usize::from(key)].load(Ordering::SeqCst)
    }

    async fn commit(&self, key: u8) -> u64 {
        self.0[usize::from(key)].fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// Where a load stands still once it has read its row.
#[derive(Clone)]
pub struct Load {
    read: Arc<Semaphore>,
    end: Arc<Semaphore>,
}

impl Load {
    /// One that ends by itself.
    pub fn quick() -> Self {
        let load = Self::held();
        load.end();
        load
    }

    pub fn held() -> Self {
        Self { read: Arc::new(Semaphore::new(0)), end: Arc::new(Semaphore::new(0)) }
    }

    pub async fn has_read(&self) {
        let read = timeout(OVERDUE, self.read.acquire()).await;
        read.expect("a load").expect("never closed").forget();
    }

    pub fn end(&self) {
        self.end.add_permits(1_000);
    }
}

/// The two processes, their server, and what everybody writes down.
pub struct Stage {
    pub first: Process,
    pub second: Process,
    redis: Redis,
    log: Log,
}

impl Stage {
    pub fn of(seed: &Seed) -> Self {
        let (redis, log, table) = (Redis::start(), Log::new(0, Arc::new(monotonic)), Arc::new(Table::default()));
        let process = |number| {
            let (log, helm) = (log.of(number), Helm::new());
            let (record, fault, steer) = (Recorder::wrap(log.clone()), seed.store().cloned(), helm.wrap());
            let cache = redis.builder().timeout(OVERDUE).adoption(seed.adoption).stamping(seed.stamping);
            let cache = cache.wrap_store(move |store| match &fault {
                Some(fault) => record(Faulty::wrap(fault.clone())(steer(store))),
                None => record(steer(store)),
            });
            let cache = cache.build().expect("a cache");
            Process { rows: Rows { cache, database: Arc::clone(&table) as _, log, habits: HABITS }, helm }
        };
        Self { first: process(0), second: process(1), redis, log }
    }

    /// How long what the server holds has to live, once more.
    pub async fn look(&self) {
        let client = redis::Client::open(self.redis.url()).expect("a client");
        let mut server = client.get_multiplexed_async_connection().await.expect("a connection");
        assert!(look(&mut server, &self.log).await.expect("an answer") > 0, "there is nothing");
    }

    /// What came of it.
    pub fn judge(&self) -> Checker {
        let mut checker = Checker::new(LATE).of(HABITS).patient(PATIENCE);
        checker.extend(self.log.take().0);
        checker
    }
}

/// One process: its rows, and the test's hand on its way to the server.
#[derive(Clone)]
pub struct Process {
    rows: Rows,
    pub helm: Helm,
}

impl Process {
    /// One read, by the caller of that number.
    pub fn read(&self, key: u8, task: u16, load: &Load) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        let (process, load) = (self.clone(), load.clone());
        Box::pin(async move {
            let mut reading = process.rows.begin(key, task);
            let row = if matches!(key, TAGGED | TAGGED_ABSENT) {
                process.tagged(key, task, load).await
            } else {
                let policy = Policy::ttl(TTL).mutex().lease(LEASE).wait(WAIT);
                process.rows.cache.get_or_load(key!("row:<key>"), policy, || process.load(key, task, load)).await
            };
            if let Ok(row) = row {
                reading.answer(row.as_ref());
            }
        })
    }

    #[cached(
        key = "row:<key>",
        tag = "group:<key>",
        ttl = "60s",
        mutex(lease = "10s", wait = "5s"),
        skip(task, load),
        cache = self.rows.cache.clone()
    )]
    async fn tagged(&self, key: u8, task: u16, load: Load) -> Result<Option<Row>, Refused> {
        self.load(key, task, load).await
    }

    async fn load(&self, key: u8, task: u16, load: Load) -> Result<Option<Row>, Refused> {
        let _loading = self.rows.loading(key, task);
        let version = self.rows.database.version(key).await;
        self.rows.log.add(task, key, What::Loaded { version });
        load.read.add_permits(1);
        let _ended = load.end.acquire().await.expect("never closed");
        let absent = matches!(key, ABSENT | TAGGED_ABSENT) && HABITS.absent(version);
        Ok((!absent).then_some(Row { key, version }))
    }

    /// Leads a read as far as it comes by itself: it follows a load of this process, so it asks the server for nothing.
    pub async fn joins(&self, read: &mut Pin<Box<dyn Future<Output = ()> + Send + 'static>>) {
        let asked = self.helm.begun(Op::Acquire);
        let ended = std::future::poll_fn(|cx| std::task::Poll::Ready(read.as_mut().poll(cx).is_ready())).await;
        assert!(!ended && self.helm.begun(Op::Acquire) == asked, "it follows nobody");
    }

    /// Writes the row, and drops everything for it.
    pub async fn clear(&self, key: u8, task: u16) {
        let row = self.rows.commit(key, task).await;
        self.rows.cache.clear().await.expect("an acknowledged clear");
        self.rows.log.add(task, key, What::Invalidated { version: row.version });
    }

    /// Writes the row, and invalidates its tag.
    pub async fn invalidate_tag(&self, key: u8, task: u16) {
        let row = self.rows.commit(key, task).await;
        self.rows.cache.invalidate_tag(&key!("group:<key>")).await.expect("an acknowledged invalidation");
        self.rows.log.add(task, key, What::Invalidated { version: row.version });
    }

    /// Nothing that it says reaches the server any more.
    pub fn dies(&self) {
        self.helm.hold(EVERYTHING);
    }
}
