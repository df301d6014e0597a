//! Writers of one key at the same time, over a real database: whatever the cache holds in the end is the row, or nothing.

use std::sync::Arc;
use std::time::Duration;

use cached_runtime::{Cache, cached, key, write_through};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::database::{Database, User};
use crate::dice::Dice;
use crate::patience::{PatientWorld, patient};
use crate::support::{Redis, World};

const RACES: u64 = 1_000;
/// So many at once.
const AT_ONCE: u64 = 8;

/// How a writer lets the cache know.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Through {
    /// By the attribute.
    Attribute,
    /// By `put` after the commit, as it is often written by hand.
    Put,
}

#[derive(Clone)]
struct Users {
    cache: Cache,
    database: Arc<Database>,
}

impl Users {
    #[write_through(key = "user:<id>", ttl = 60, cache = self.cache.clone())]
    async fn rename(&self, id: i64, name: &str, mut dice: Dice) -> Result<User, sqlx::Error> {
        let user = self.update(id, name).await?;
        dice.moment().await;
        Ok(user)
    }

    async fn rename_and_put(&self, id: i64, name: &str, mut dice: Dice) {
        let user = self.update(id, name).await.expect("a row");
        dice.moment().await;
        self.cache.put(&key!("user:<id>"), &user, Duration::from_secs(60)).await.expect("the store answers");
    }

    async fn update(&self, id: i64, name: &str) -> Result<User, sqlx::Error> {
        sqlx::query_as("UPDATE users SET name = ?, visits = visits + 1 WHERE id = ? RETURNING *")
            .bind(name)
            .bind(id)
            .fetch_one(&self.database.pool)
            .await
    }

    #[cached(key = "user:<id>", ttl = 60, mutex, skip(dice), cache = self.cache.clone())]
    async fn find(&self, id: i64, mut dice: Dice) -> Result<Option<User>, sqlx::Error> {
        let user = sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_optional(&self.database.pool);
        let user = user.await?;
        dice.moment().await;
        Ok(user)
    }
}

#[derive(Debug, Default)]
struct Verdict {
    /// Races after which the cache held the row, nothing, and something else.
    kept: u64,
    nothing: u64,
    stale: u64,
}

/// Two writers and, in every other race, a reader, each after a delay of its own.
async fn race(processes: [Users; 2], through: Through, number: u64) -> Verdict {
    let mut dice = Dice::new(number);
    let database = Arc::clone(&processes[0].database);
    let id = database.insert(&format!("{number}@x"), "new").await.id;
    let mut tasks = JoinSet::new();
    // In one of four the writers take turns, and only the reader races.
    let turns = (dice.roll(4) == 0).then(|| Arc::new(Semaphore::new(1)));
    for (users, name) in processes.iter().cloned().zip(["one", "two"]) {
        let (mut own, turns) = (dice.hand_on(), turns.clone());
        tasks.spawn(async move {
            own.moment().await;
            let _turn = match &turns {
                Some(turns) => turns.acquire().await.ok(),
                None => None,
            };
            match through {
                Through::Attribute => drop(users.rename(id, name, own).await.expect("a row")),
                Through::Put => users.rename_and_put(id, name, own).await,
            }
        });
    }
    if dice.roll(2) == 0 {
        let (users, mut own) = (processes[0].clone(), dice.hand_on());
        tasks.spawn(async move {
            own.moment().await;
            users.find(id, own).await.expect("a row");
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no part of a race panics");
    }
    let row = database.user(id).await;
    assert_eq!(row.as_ref().map(|row| row.visits), Some(2), "both have written");
    let mut verdict = Verdict::default();
    match processes[1].cache.get::<User>(&key!("user:<id>")).await {
        None => verdict.nothing += 1,
        kept if kept == row => verdict.kept += 1,
        Some(_) => verdict.stale += 1,
    }
    verdict
}

async fn races(caches: [Cache; 2], through: Through) -> Verdict {
    let database = Arc::new(Database::empty().await);
    let processes = caches.map(|cache| Users { cache, database: Arc::clone(&database) });
    let mut total = Verdict::default();
    let mut running: JoinSet<Verdict> = JoinSet::new();
    for number in 0..RACES + AT_ONCE {
        if number >= AT_ONCE {
            let one = running.join_next().await.expect("as many run as were spawned").expect("no panic");
            total.kept += one.kept;
            total.nothing += one.nothing;
            total.stale += one.stale;
        }
        if number < RACES {
            running.spawn(race(processes.clone(), through, number));
        }
    }
    total
}

async fn the_row_or_nothing(caches: [Cache; 2]) {
    let writers = caches.clone();
    let verdict = races(caches, Through::Attribute).await;
    assert_eq!(verdict.stale, 0, "{verdict:?}");
    // Nothing at all would be right too, and of no use; and without overlaps there was no race.
    assert!(verdict.kept >= RACES / 5 && verdict.nothing >= RACES / 20, "{verdict:?}");
    let errors = writers.map(|cache| cache.stats().total().errors);
    assert_eq!(errors, [0, 0]);
}

/// The races must find what they are there to find.
async fn something_old(caches: [Cache; 2]) {
    let verdict = races(caches, Through::Put).await;
    assert!(verdict.stale > 0, "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_writers_that_race_leave_the_row_or_nothing() {
    let world = PatientWorld::from(World::memory());
    the_row_or_nothing([world.cache.clone(), world.cache]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_redis_writers_that_race_leave_the_row_or_nothing() {
    let redis = Redis::start();
    the_row_or_nothing([patient(&redis), patient(&redis)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_writers_that_put_what_they_wrote_are_found_out() {
    let world = PatientWorld::from(World::memory());
    something_old([world.cache.clone(), world.cache]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_redis_writers_that_put_what_they_wrote_are_found_out() {
    let redis = Redis::start();
    something_old([patient(&redis), patient(&redis)]).await;
}
