//! Producers and workers that are killed at random points, and now and then Redis.

use std::error::Error;
use std::time::Duration;

use futures_util::future::select_all;
use sqlx::SqlitePool;
use tokio::time::{Instant, timeout};

use crate::child::{Child, Order, Task, Word};
use crate::couriers::{self, Directory};
use crate::judge::{Acknowledged, Verdict};
use crate::redis_server::RedisServer;

const PRODUCERS: i64 = 2;
const WORKERS: usize = 2;

/// Of each producer.
const COURIERS: i64 = 20;

/// Every producer that takes another's place goes on so much further on: what that one had queued last is not known.
const STEPS: i64 = 1_000_000;

/// Acknowledgements from one crash to the next.
const CALM: std::ops::Range<usize> = 200..1_500;

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Wanted {
    pub rounds: u32,
    /// Acknowledged ones, per round.
    pub writes: usize,
    pub seed: u64,
    /// Redis is killed too, every fifth round.
    pub redis: bool,
}

pub async fn run(mut redis: RedisServer, directory: &Directory, wanted: Wanted) -> Result<bool, Box<dyn Error>> {
    let Wanted { rounds, writes, seed, redis: kills_redis } = wanted;
    println!(
        "{PRODUCERS} producers of {COURIERS} couriers and {WORKERS} workers; {writes} acknowledged writes a round\n"
    );
    println!(
        "round  batches of       producers  workers  Redis  acknowledged    rows  again  lost  disordered  wrong  drained in"
    );
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut held = true;
    for number in 1..=rounds {
        let database = directory.file(&format!("round-{number}.sqlite"));
        let pool = couriers::create(&database).await?;
        let mut round = Round {
            kills_redis: kills_redis && number % 5 == 0,
            order: Order {
                task: Task::Work,
                every_step: number % 2 == 0,
                redis: redis.url(),
                prefix: format!("round-{number}"),
                database,
            },
            children: Vec::new(),
            acknowledged: Acknowledged::default(),
            killed: [0; 3],
            places: 0,
        };
        round.crash(&mut redis, writes, &mut dice).await?;
        let drained = round.drain(&redis, &pool).await?;
        let verdict = Verdict::on(&round.acknowledged, &pool, round.order.every_step).await?;
        let [producers, workers, servers] = round.killed;
        println!(
            "{number:>5}  {:<16} {producers:>9}  {workers:>7}  {servers:>5}  {:>12}  {:>6}  {:>5}  {:>4}  {:>10}  {:>5}  {:>8.1} s",
            if round.order.every_step { "every write" } else { "the last writes" },
            round.acknowledged.len(),
            verdict.written,
            verdict.again,
            verdict.lost,
            verdict.out_of_order,
            verdict.wrong,
            drained.as_secs_f64(),
        );
        held &= verdict.holds();
    }
    println!("\nagain: rows that were written more than once, since nobody knew whether they had been");
    Ok(held)
}

struct Round {
    kills_redis: bool,
    order: Order,
    children: Vec<Child>,
    acknowledged: Acknowledged,
    /// Producers, workers, servers.
    killed: [u32; 3],
    /// Of producers that took another's place.
    places: i64,
}

impl Round {
    async fn crash(
        &mut self,
        redis: &mut RedisServer,
        writes: usize,
        dice: &mut fastrand::Rng,
    ) -> Result<(), Box<dyn Error>> {
        for producer in 0..PRODUCERS {
            self.start(Task::Report { first: producer * COURIERS, couriers: COURIERS, step: 0 })?;
        }
        for _ in 0..WORKERS {
            self.start(Task::Work)?;
        }
        let mut next = dice.usize(CALM);
        let mut server = self.kills_redis.then(|| writes / 4 + dice.usize(0..writes / 2 + 1));
        while self.acknowledged.len() < writes {
            self.listen().await?;
            if self.acknowledged.len() >= next {
                next = self.acknowledged.len() + dice.usize(CALM);
                self.kill_one(dice.usize(0..self.children.len())).await?;
            }
            if server.is_some_and(|at| self.acknowledged.len() >= at) {
                server = None;
                redis.kill_and_restart().await?;
                self.killed[2] += 1;
            }
        }
        for mut child in std::mem::take(&mut self.children) {
            child.kill()?;
            self.hear_out(&mut child).await?;
        }
        Ok(())
    }

    fn start(&mut self, task: Task) -> Result<(), Box<dyn Error>> {
        let order = Order { task, ..self.order.clone() };
        self.children.push(Child::start(order)?);
        Ok(())
    }

    /// The next word of any of them.
    async fn listen(&mut self) -> Result<(), Box<dyn Error>> {
        let words = self.children.iter_mut().map(|child| Box::pin(child.next()));
        let (word, _, _) = timeout(PATIENCE, select_all(words)).await.map_err(|_| "nobody says anything any more")?;
        let word = word?.ok_or("a child has ended by itself")?;
        self.hear(word);
        Ok(())
    }

    fn hear(&mut self, word: Word) {
        if let Word::Acknowledged { courier, step } = word {
            self.acknowledged.add(courier, step);
        }
    }

    async fn hear_out(&mut self, child: &mut Child) -> Result<(), Box<dyn Error>> {
        while let Some(word) = child.next().await? {
            self.hear(word);
        }
        Ok(())
    }

    async fn kill_one(&mut self, which: usize) -> Result<(), Box<dyn Error>> {
        let mut child = self.children.swap_remove(which);
        child.kill()?;
        self.hear_out(&mut child).await?;
        let task = child.order.task.clone();
        self.killed[usize::from(task == Task::Work)] += 1;
        self.places += 1;
        self.start(match task {
            Task::Work => Task::Work,
            Task::Report { first, couriers, .. } => Task::Report { first, couriers, step: self.places * STEPS },
        })
    }

    /// A worker that nobody kills writes what is left.
    async fn drain(&self, redis: &RedisServer, pool: &SqlitePool) -> Result<Duration, Box<dyn Error>> {
        let cache = couriers::cache(&redis.url(), &self.order.prefix)?;
        let began = Instant::now();
        let worker = if self.order.every_step {
            couriers::report_every_step_worker(pool.clone())
        } else {
            couriers::report_worker(pool.clone())
        };
        let worker = cache.scope(worker.spawn()).await?;
        let flushed = timeout(PATIENCE, worker.flush()).await;
        flushed.map_err(|_| format!("{} writes are still queued after {PATIENCE:?}", worker.stats().queued))??;
        let drained = began.elapsed();
        worker.shutdown(PATIENCE).await;
        Ok(drained)
    }
}
