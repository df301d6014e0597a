//! Processes that die at any point, and a server that does: what was acknowledged is in the database afterwards.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use cached_runtime::__private::{Accepted, Queue};

use crate::child::{self, Child};
use crate::server::{Durable, patient};
use crate::sqlite::Database;
use crate::support::eventually;
use crate::table::{SITE, items, read_cached, row};

static ALL: Queue =
    Queue::new("all").linger(Duration::from_millis(2)).max_batch(20).keep_all().lease(Duration::from_millis(500));
static LAST: Queue =
    Queue::new("last").linger(Duration::from_millis(2)).max_batch(20).lease(Duration::from_millis(500));

fn queue(name: &str) -> &'static Queue {
    if name == "all" { &ALL } else { &LAST }
}

/// How many keys each producer has to itself.
const KEYS: u64 = 5;

/// The child's part: calls one after the other, each with a larger value; says what was acknowledged.
async fn produce(url: &str, name: &str, producer: u64, from: u64) {
    let cache = patient(url);
    for value in from.. {
        let id = producer * KEYS + value % KEYS;
        match queue(name).accept(&SITE, &cache, items(&cache, &[row(id, value)])).await {
            Accepted::Queued => child::say(&format!("{id} {value}")),
            // Nothing is known of this one.
            other => drop(other),
        }
    }
}

/// The child's part: a worker, until it is killed.
async fn work(url: &str, name: &str, file: &str) {
    let database = Database::open(Path::new(file)).await;
    let _worker = queue(name).start(&patient(url), database.body()).await.expect("a worker");
    child::say("working");
    std::future::pending::<()>().await;
}

async fn play(arguments: &[String]) {
    let [role, url, name, rest @ ..] = arguments else { panic!("{arguments:?}") };
    match &role[..] {
        "produce" => produce(url, name, rest[0].parse().expect("a number"), rest[1].parse().expect("a number")).await,
        _ => work(url, name, &rest[0]).await,
    }
}

/// What was acknowledged, per key the last.
#[derive(Default)]
struct Acknowledged(HashMap<u64, Vec<u64>>);

impl Acknowledged {
    /// Everything that this child has said by now.
    fn hear(&mut self, said: Vec<String>) -> u64 {
        let mut last = 0;
        for line in said {
            let (id, value) = line.split_once(' ').expect("two numbers");
            let value: u64 = value.parse().expect("a number");
            self.0.entry(id.parse().expect("a number")).or_default().push(value);
            last = last.max(value);
        }
        last
    }
}

/// All that was acknowledged is there, and each key's writes came in their order: a batch that nobody acknowledged in time
/// comes again, as a whole.
async fn judge(database: &Database, acknowledged: &Acknowledged, all: bool) {
    let (rows, histories) = (database.rows().await, database.histories().await);
    assert!(!acknowledged.0.is_empty(), "nothing was acknowledged");
    for (id, values) in &acknowledged.0 {
        let last = *values.last().expect("a value");
        let history = &histories[id];
        assert!(rows[id] >= last, "row {id}: {} in the database, {last} was acknowledged", rows[id]);
        assert_eq!(Some(rows[id]), history.iter().max().copied(), "row {id}: an older write came last");
        let mut seen = 0;
        let mut firsts = history.iter().filter(|value| {
            let new = **value > seen;
            seen = seen.max(**value);
            new
        });
        if all {
            for value in values {
                assert!(
                    firsts.any(|first| first == value),
                    "row {id}: {value} was acknowledged, and lost or overtaken"
                );
            }
        }
    }
}

async fn kill_producers_and_workers(name: &'static str, this: &str) {
    let server = Durable::start();
    let file = server.file("rows.db").display().to_string();
    let database = Database::open(Path::new(&file)).await;
    let (url, mut acknowledged) = (server.url(), Acknowledged::default());
    let mut from = 1;
    for round in 0..5_u32 {
        let mut worker = Child::of(this, &["work", &url, name, &file], &[]);
        assert_eq!(worker.says().await, "working");
        let begin = from.to_string();
        let producers: Vec<_> =
            (0..3_u64).map(|at| Child::of(this, &["produce", &url, name, &at.to_string(), &begin], &[])).collect();
        // Somewhere in their work.
        tokio::time::sleep(Duration::from_millis(250) + Duration::from_micros(1_730) * round).await;
        for producer in producers {
            producer.signal("-KILL");
            from = from.max(acknowledged.hear(producer.rest().await) + 1);
        }
        worker.signal("-KILL");
    }
    let worker = queue(name).start(&server.cache(), database.body()).await.expect("a worker");
    worker.flush().await.expect("flushed");
    judge(&database, &acknowledged, name == "all").await;
    for id in acknowledged.0.keys() {
        assert_eq!(read_cached(&server.cache(), *id).await, Some(database.rows().await[id]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_to_the_death_of_producers_and_workers() {
    if let Some(arguments) = child::arguments() {
        return play(&arguments).await;
    }
    kill_producers_and_workers("last", "crash::no_acknowledged_write_is_lost_to_the_death_of_producers_and_workers")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_coalescing_every_acknowledged_write_survives_in_its_order() {
    if let Some(arguments) = child::arguments() {
        return play(&arguments).await;
    }
    kill_producers_and_workers("all", "crash::without_coalescing_every_acknowledged_write_survives_in_its_order").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_and_starts_from_its_file_loses_nothing() {
    let this = "crash::a_server_that_dies_and_starts_from_its_file_loses_nothing";
    if let Some(arguments) = child::arguments() {
        return play(&arguments).await;
    }
    let mut server = Durable::start();
    let database = Database::open(&server.file("rows.db")).await;
    let (url, mut acknowledged) = (server.url(), Acknowledged::default());
    let cache = server.cache();
    let worker = LAST.start(&cache, database.body()).await.expect("a worker");
    for round in 0..3_u64 {
        let from = (round * 100_000 + 1).to_string();
        let mut producer = Child::of(this, &["produce", &url, "last", &round.to_string(), &from], &[]);
        let mut said = vec![producer.says().await];
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.restart();
        // Said before the restart, most of it.
        for _ in 0..500 {
            said.push(producer.says().await);
        }
        producer.signal("-KILL");
        said.extend(producer.rest().await);
        acknowledged.hear(said);
    }
    worker.flush().await.expect("flushed");
    judge(&database, &acknowledged, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_is_replaced_within_its_lease() {
    if let Some(arguments) = child::arguments() {
        return play(&arguments).await;
    }
    let this = "crash::a_killed_worker_is_replaced_within_its_lease";
    let server = Durable::start();
    let file = server.file("rows.db").display().to_string();
    let (database, cache) = (Database::open(Path::new(&file)).await, server.cache());
    let mut killed = Child::of(this, &["work", &server.url(), "last", &file], &[]);
    assert_eq!(killed.says().await, "working");
    eventually("it has the shard", async || server.command::<u64>(&["EXISTS", "test:%queue:{last}:0:lease"]) == 1)
        .await;
    let _next = LAST.start(&cache, database.body()).await.expect("a worker");
    killed.signal("-KILL");
    let began = std::time::Instant::now();
    assert!(matches!(LAST.accept(&SITE, &cache, items(&cache, &[row(1, 1)])).await, Accepted::Queued));
    eventually("the next one writes", async || database.rows().await.contains_key(&1)).await;
    assert!(began.elapsed() < Duration::from_millis(500 + 1000), "{:?}", began.elapsed());
}
