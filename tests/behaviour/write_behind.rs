//! What `#[write_behind]` makes of a function: calls that return before the database is written, and a worker that calls
//! the body with batches. What the queue itself promises is in `tests/write_behind`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cached_runtime::{Cache, CacheKey, Error, Worker, WriteId, cached, key, write_behind, write_ids};
use serde::{Deserialize, Deserializer, Serialize};

use crate::promises;
use crate::support::Count;

const LONG: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pet {
    id: i64,
    name: String,
    /// JSON has no NaN: such a pet cannot be stored.
    weight: f64,
}

fn pet(id: i64, name: &str) -> Pet {
    Pet { id, name: name.to_owned(), weight: 1.0 }
}

#[derive(Clone, Copy, CacheKey)]
#[cache_key("pet:<id>", value = Pet)]
struct PetKey {
    id: i64,
}

/// A table, and how it was written.
#[derive(Clone, Default)]
struct Table {
    rows: Arc<Mutex<BTreeMap<i64, String>>>,
    /// Names, batch by batch.
    batches: Arc<Mutex<Vec<Vec<String>>>>,
    ids: Arc<Mutex<Vec<Vec<WriteId>>>>,
    away: Arc<AtomicBool>,
}

impl Table {
    async fn write(&self, pets: Vec<Pet>) -> Result<(), String> {
        tokio::task::yield_now().await;
        if self.away.load(Ordering::SeqCst) {
            return Err("away".to_owned());
        }
        self.ids.lock().unwrap().push(write_ids());
        self.batches.lock().unwrap().push(pets.iter().map(|pet| pet.name.clone()).collect());
        self.rows.lock().unwrap().extend(pets.into_iter().map(|pet| (pet.id, pet.name)));
        Ok(())
    }

    fn name(&self, id: i64) -> Option<String> {
        self.rows.lock().unwrap().get(&id).cloned()
    }

    fn batches(&self) -> Vec<Vec<String>> {
        self.batches.lock().unwrap().clone()
    }

    fn ids(&self) -> Vec<Vec<WriteId>> {
        self.ids.lock().unwrap().clone()
    }
}

#[derive(Clone)]
struct Pets {
    cache: Cache,
    table: Table,
    loads: Count,
}

impl Pets {
    fn over(cache: &Cache) -> Self {
        Self { cache: cache.clone(), table: Table::default(), loads: Count::default() }
    }

    fn seen_from(&self, cache: Cache) -> Self {
        Self { cache, ..self.clone() }
    }

    #[cached(key = PetKey { id }, ttl = 60, cache = self.cache.clone())]
    async fn find(&self, id: i64) -> Option<Pet> {
        self.loads.add();
        self.table.name(id).map(|name| pet(id, &name))
    }

    #[write_behind(
        key = "pet:<pet.id>", each = pet in pets, ttl = 60, linger = "1ms", queue = "pets", accept_loss,
        cache = &self.cache
    )]
    async fn save(&self, pets: Vec<Pet>) -> Result<(), String> {
        self.table.write(pets).await
    }

    #[write_behind(
        key = PetKey { id: pet.id }, each = pet in pets, ttl = 60, max_batch = 4, linger = 0, coalesce = off, accept_loss,
        cache = &self.cache
    )]
    async fn save_all(&self, mut pets: Vec<Pet>) -> Result<(), String> {
        pets.retain(|pet| pet.id > 0);
        self.table.write(pets).await
    }

    #[write_behind(
        key = "pet:<pet.id>", each = pet in pets, ttl = 60, linger = "1ms", when = pets.len() > 1, accept_loss,
        cache = &self.cache
    )]
    async fn save_some(&self, pets: Vec<Pet>) -> Result<(), String> {
        self.table.write(pets).await
    }

    #[write_behind(
        key = "pet:<pet.id>", each = pet in pets, ttl = 60, high_water = 2, accept_loss, cache = &self.cache
    )]
    async fn save_or_write(&self, pets: Vec<Pet>) -> Result<(), String> {
        self.table.write(pets).await
    }

    #[write_behind(
        key = "pet:<pet.id>", each = pet in pets, ttl = 60, high_water = 2, on_full = error, accept_loss,
        cache = &self.cache
    )]
    async fn save_or_refuse(&self, pets: Vec<Pet>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.table.write(pets).await?)
    }

    /// Its body saves again, which is a call like any other.
    #[write_behind(
        key = "copy:<pet.id>", each = pet in pets, ttl = 60, linger = "1ms", accept_loss, cache = &self.cache
    )]
    async fn save_twice(&self, pets: Vec<Pet>) -> Result<(), String> {
        let again = pets.iter().filter(|pet| pet.id < 100).map(|pet| Pet { id: pet.id + 100, ..pet.clone() }).collect();
        self.table.write(pets).await?;
        Box::pin(self.save_twice(again)).await
    }

    async fn at_work(&self) -> Worker {
        self.save_worker().spawn().await.expect("a worker")
    }

    async fn must_hit(&self, id: i64, name: &str) {
        let loads = self.loads.get();
        assert_eq!(self.find(id).await.map(|pet| pet.name).as_deref(), Some(name));
        assert_eq!(self.loads.get(), loads, "no hit");
    }
}

/// What was written, by number.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<u64>>>);

impl Seen {
    fn see(&self, numbers: impl IntoIterator<Item = u64>) {
        self.0.lock().unwrap().extend(numbers);
    }

    fn sorted(&self) -> Vec<u64> {
        let mut numbers = self.0.lock().unwrap().clone();
        numbers.sort_unstable();
        numbers
    }
}

#[derive(Clone)]
struct Shelf {
    seen: Seen,
}

impl Shelf {
    #[write_behind(key = "shape:<number>", each = number in numbers, ttl = |number| *number, linger = 0, accept_loss)]
    async fn by_arc(self: Arc<Self>, numbers: Vec<u64>) -> std::io::Result<()> {
        self.seen.see(numbers);
        Ok(())
    }

    #[write_behind(key = "shape:<number>", each = number in numbers, ttl = never, linger = 0, accept_loss)]
    async fn by_value(self, numbers: Vec<u64>) {
        self.seen.see(numbers);
    }
}

#[derive(Serialize, Deserialize)]
struct Book {
    number: u64,
}

impl Book {
    #[write_behind(
        key = "book:<book.number>", tag = "books", each = book in books, ttl = 60, linger = 0, accept_loss, skip(seen)
    )]
    async fn keep(seen: Seen, books: Vec<Self>) {
        seen.see(books.into_iter().map(|book| book.number));
    }
}

#[write_behind(key = "shape:<number>", each = number in numbers, ttl = 60, linger = 0, accept_loss, skip(seen, more, _text))]
async fn destructured((seen, more): (Seen, u64), numbers: Vec<u64>, _text: &'static str) {
    seen.see(numbers.into_iter().map(|number| number + more));
}

#[write_behind(key = "pet:<pet.id>", each = pet in pets, ttl = 60, queue = "twice", accept_loss, skip(table))]
async fn save_first(table: Table, pets: Vec<Pet>) {
    table.write(pets).await.expect("a table");
}

#[write_behind(key = "pet:<pet.id>", each = pet in pets, ttl = 60, queue = "twice", accept_loss, skip(table))]
async fn save_second(table: Table, pets: Vec<Pet>) {
    table.write(pets).await.expect("a table");
}

/// One of them is no longer read.
#[derive(Serialize)]
struct Note {
    id: u64,
}

static NO_LONGER_READ: AtomicU64 = AtomicU64::new(0);

impl<'de> Deserialize<'de> for Note {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            id: u64,
        }
        let Fields { id } = Fields::deserialize(deserializer)?;
        if id == NO_LONGER_READ.load(Ordering::SeqCst) {
            return Err(serde::de::Error::custom("another schema"));
        }
        Ok(Self { id })
    }
}

#[write_behind(key = "note:<note.id>", each = note in notes, ttl = 60, linger = 0, accept_loss, skip(seen))]
async fn keep_notes(seen: Seen, notes: Vec<Note>) {
    seen.see(notes.into_iter().map(|note| note.id));
}

/// Everything is written that was queued.
async fn written(worker: Worker) {
    assert_eq!(worker.shutdown(LONG).await, 0);
}

promises! {
    async fn a_call_returns_before_the_database_is_written_and_readers_see_its_values_at_once(world: World) {
        let pets = Pets::over(&world.cache);
        let elsewhere = pets.seen_from(world.other_process());
        pets.find(1).await;
        assert_eq!(pets.save(vec![pet(1, "Rex"), pet(2, "Tom")]).await, Ok(()));
        assert_eq!(pets.table.name(1), None);
        for _ in 0..2 {
            pets.must_hit(1, "Rex").await;
            elsewhere.must_hit(2, "Tom").await;
        }
        let life = || world.redis.as_ref().map(|redis| redis.command::<i64>(&["PTTL", "test:pet:1"]));
        assert!(life().is_none_or(|life| life == -1), "it cannot expire before it is written");
        let worker = elsewhere.at_work().await;
        worker.flush().await.expect("the end of the queue");
        assert!(life().is_none_or(|life| (50_000..=60_000).contains(&life)), "then it has its ttl");
        assert_eq!(pets.table.name(1).as_deref(), Some("Rex"));
        assert_eq!(pets.table.name(2).as_deref(), Some("Tom"));
        pets.must_hit(1, "Rex").await;
        written(worker).await;
    }

    async fn what_a_higher_version_has_queued_is_left_to_its_own_worker(world: World) {
        use cached_runtime::__private::{Accepted, Body, Item, Policy, Queue, Site};
        static NEWER: Queue = Queue::new("pets").accept_loss();
        static SITE: Site =
            Site::new("save", file!(), line!(), "pet:<pet.id>", Policy::ttl(Duration::from_secs(60)).version(2));
        let pets = Pets::over(&world.cache);
        let id = 1;
        let item = Item::of(key!("pet:<id>"), &world.cache, &pet(id, "Rex")).expect("storable");
        assert!(matches!(NEWER.accept(&SITE, &world.cache, vec![item]).await, Accepted::Queued));
        let older = pets.at_work().await;
        crate::support::eventually("it has seen it", async || older.stats().statements > 0).await;
        let table = pets.table.clone();
        let body: Body = Arc::new(move |batch| {
            let by_it = |pet: Pet| Pet { name: format!("{}, by the newer", pet.name), ..pet };
            let pets = batch.items().iter().filter_map(|item| item.value().map(by_it)).collect();
            let table = table.clone();
            Box::pin(async move {
                table.write(pets).await.expect("a table");
                Ok(())
            })
        });
        let newer = NEWER.start(&world.other_process(), body).await.expect("a worker");
        newer.flush().await.expect("the end of the queue");
        assert_eq!((newer.stats().written, older.stats().dead), (1, 0));
        assert_eq!(pets.table.batches(), [["Rex, by the newer"]]);
        written(older).await;
    }

    async fn what_many_calls_have_queued_is_written_in_one_batch_and_of_each_key_the_last(world: World) {
        let pets = Pets::over(&world.cache);
        for round in 0..20 {
            for id in 1..=3 {
                pets.save(vec![pet(id, &format!("{id}, {round}"))]).await.unwrap();
            }
        }
        let stats = pets.save_worker().stats();
        assert_eq!((stats.accepted, stats.queued), (60, 60), "{stats:?}");
        let worker = pets.at_work().await;
        worker.flush().await.unwrap();
        assert_eq!(pets.table.batches(), [["1, 19", "2, 19", "3, 19"]]);
        let stats = worker.stats();
        assert_eq!((stats.written, stats.coalesced, stats.statements), (3, 57, 1), "{stats:?}");
        written(worker).await;
    }

    async fn without_coalescing_every_write_of_a_key_is_written_in_order_and_in_batches_of_max_batch(world: World) {
        let pets = Pets::over(&world.cache);
        let names: Vec<String> = (0..10).map(|round| format!("Rex {round}")).collect();
        for name in &names {
            pets.save_all(vec![pet(1, name)]).await.unwrap();
        }
        let worker = pets.save_all_worker().spawn().await.unwrap();
        worker.flush().await.unwrap();
        let batches = pets.table.batches();
        assert_eq!(batches.concat(), names);
        assert!(batches.iter().all(|batch| batch.len() <= 4), "{batches:?}");
        written(worker).await;
    }

    async fn where_nothing_is_queued_the_body_runs_in_the_call_and_its_answer_is_the_callers(world: World) {
        let pets = Pets::over(&world.cache);
        pets.find(1).await;
        assert_eq!(pets.save_some(vec![pet(1, "Rex")]).await, Ok(()), "`when` says no");
        assert_eq!(pets.find(1).await, Some(pet(1, "Rex")), "and nothing older is served");

        let heavy = Pet { weight: f64::NAN, ..pet(2, "Tom") };
        assert_eq!(pets.save(vec![heavy]).await, Ok(()), "no codec gives it back");

        let scope = pets.cache.transaction();
        assert_eq!(pets.save(vec![pet(3, "Ben")]).await, Ok(()), "inside of a transaction");
        scope.commit().await.unwrap();

        let uncached = pets.seen_from(Cache::disabled());
        assert_eq!(uncached.save(vec![pet(4, "Kit")]).await, Ok(()), "without a cache");
        assert_eq!(pets.table.batches(), [["Rex"], ["Tom"], ["Ben"], ["Kit"]]);
        assert_eq!(pets.table.ids(), [const { Vec::new() }; 4]);

        pets.table.away.store(true, Ordering::SeqCst);
        assert_eq!(pets.save_some(vec![pet(1, "Max")]).await, Err("away".to_owned()));
        assert_eq!(uncached.save(vec![pet(1, "Max")]).await, Err("away".to_owned()));
        pets.table.away.store(false, Ordering::SeqCst);
        assert_eq!(pets.find(1).await, Some(pet(1, "Rex")), "what was not written is not there");
    }

    async fn a_call_without_values_does_nothing(world: World) {
        let pets = Pets::over(&world.cache);
        assert_eq!(pets.save(Vec::new()).await, Ok(()));
        let worker = pets.at_work().await;
        worker.flush().await.unwrap();
        assert_eq!(pets.table.batches().len(), 0);
        assert_eq!(worker.stats().accepted, 0);
        written(worker).await;
    }

    async fn a_full_queue_writes_through_or_gives_an_error_by_choice(world: World) {
        let pets = Pets::over(&world.cache);
        for id in 1..=3 {
            pets.save_or_write(vec![pet(id, "Rex")]).await.unwrap();
        }
        assert_eq!(pets.table.batches(), [["Rex"]]);
        assert_eq!(pets.table.name(3).as_deref(), Some("Rex"));

        let pets = Pets::over(&world.cache);
        for id in 4..=5 {
            pets.save_or_refuse(vec![pet(id, "Tom")]).await.unwrap();
        }
        let error = pets.save_or_refuse(vec![pet(6, "Tom")]).await.expect_err("it is full");
        assert!(matches!(error.downcast_ref(), Some(Error::QueueFull)), "{error}");
        assert_eq!(pets.table.batches().len(), 0);
        written(pets.save_or_refuse_worker().spawn().await.unwrap()).await;
        assert_eq!(pets.save_or_refuse(vec![pet(6, "Tom")]).await.map_err(|error| error.to_string()), Ok(()));
    }

    async fn a_body_can_ask_for_the_ids_of_what_it_writes_and_later_writes_have_larger_ones(world: World) {
        let pets = Pets::over(&world.cache);
        pets.save_all((1..=3).map(|id| pet(id, "Rex")).collect()).await.unwrap();
        pets.save_all(vec![pet(1, "Max")]).await.unwrap();
        pets.save_all(vec![pet(1, "Tom")]).await.unwrap();
        written(pets.save_all_worker().spawn().await.unwrap()).await;
        let (batches, ids) = (pets.table.batches(), pets.table.ids());
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), ids.iter().map(Vec::len).collect::<Vec<_>>());
        let ids = ids.concat();
        assert_eq!(ids.len(), 5);
        assert!(ids.is_sorted_by(|one, other| one < other), "{ids:?}");
        let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
        assert!(texts.is_sorted_by(|one, other| one < other && one.len() == other.len()), "{texts:?}");
        assert_eq!(write_ids(), []);
    }

    async fn a_worker_that_ends_says_what_is_left_and_the_next_one_writes_it(world: World) {
        let pets = Pets::over(&world.cache);
        pets.table.away.store(true, Ordering::SeqCst);
        let worker = pets.at_work().await;
        pets.save(vec![pet(1, "Rex"), pet(2, "Tom")]).await.unwrap();
        assert_eq!(worker.shutdown(Duration::from_millis(20)).await, 2);
        pets.must_hit(1, "Rex").await;
        pets.table.away.store(false, Ordering::SeqCst);
        let worker = pets.seen_from(world.other_process()).at_work().await;
        worker.flush().await.unwrap();
        assert_eq!(pets.table.name(2).as_deref(), Some("Tom"));
        written(worker).await;
    }

    async fn a_paused_worker_writes_nothing_before_it_is_resumed(world: World) {
        let pets = Pets::over(&world.cache);
        let worker = pets.at_work().await;
        pets.save(vec![pet(1, "Rex")]).await.unwrap();
        worker.flush().await.unwrap();
        worker.pause();
        pets.save(vec![pet(1, "Max")]).await.unwrap();
        let flush = tokio::time::timeout(Duration::from_millis(50), worker.flush()).await;
        assert!(flush.is_err(), "it was written");
        assert_eq!(pets.table.name(1).as_deref(), Some("Rex"));
        worker.resume();
        worker.flush().await.unwrap();
        assert_eq!(pets.table.name(1).as_deref(), Some("Max"));
        written(worker).await;
    }

    async fn what_a_body_calls_itself_is_a_call_like_any_other(world: World) {
        let pets = Pets::over(&world.cache);
        pets.save_twice(vec![pet(1, "Rex"), pet(2, "Tom")]).await.unwrap();
        let worker = pets.save_twice_worker().spawn().await.unwrap();
        worker.flush().await.unwrap();
        worker.flush().await.unwrap();
        assert_eq!(pets.table.batches(), [["Rex", "Tom"], ["Rex", "Tom"]]);
        assert_eq!(pets.table.name(102).as_deref(), Some("Tom"));
        written(worker).await;
    }

    async fn of_two_functions_with_one_queue_the_second_writes_at_once_and_has_no_worker(world: World) {
        let table = Table::default();
        let cache = &world.cache;
        cache.scope(async {
            save_first(table.clone(), vec![pet(1, "Rex")]).await;
            save_second(table.clone(), vec![pet(2, "Tom")]).await;
            assert_eq!(table.batches(), [["Tom"]]);
            let refused = save_second_worker(table.clone()).spawn().await.expect_err("two of one name");
            assert!(matches!(&refused, Error::Setting(text) if text.contains("`queue = \"...\"`")), "{refused}");
            written(save_first_worker(table.clone()).spawn().await.unwrap()).await;
            assert_eq!(table.batches(), [["Tom"], ["Rex"]]);
        }).await;
    }

    async fn a_value_that_this_build_does_not_read_is_put_aside_and_the_others_are_written(world: World) {
        let seen = Seen::default();
        let cache = &world.cache;
        // The tests of both backends may run side by side.
        let [first, broken, last] = if world.redis.is_some() { [1, 2, 3] } else { [4, 5, 6] };
        cache.scope(async {
            keep_notes(seen.clone(), [first, broken, last].map(|id| Note { id }).into()).await;
            NO_LONGER_READ.store(broken, Ordering::SeqCst);
            let worker = keep_notes_worker(seen.clone()).spawn().await.unwrap();
            worker.flush().await.unwrap();
            assert_eq!(seen.sorted(), [first, last]);
            assert_eq!(worker.stats().dead, 1);
            written(worker).await;
        }).await;
    }

    async fn every_shape_of_function_has_its_worker(world: World) {
        let seen = Seen::default();
        let shelf = Arc::new(Shelf { seen: seen.clone() });
        let cache = &world.cache;
        cache.scope(async {
            Arc::clone(&shelf).by_arc(vec![1, 2]).await.unwrap();
            Shelf::clone(&shelf).by_value(vec![3]).await;
            Book::keep(seen.clone(), vec![Book { number: 77 }]).await;
            destructured((seen.clone(), 5), vec![4], "static").await;
            assert!(seen.sorted().is_empty());
            let two = 2;
            assert_eq!(cache.get::<u64>(&key!("shape:<two>")).await, Some(2));
            for worker in [
                Arc::clone(&shelf).by_arc_worker(),
                Shelf::clone(&shelf).by_value_worker(),
                Book::keep_worker(seen.clone()),
                destructured_worker((seen.clone(), 5), "static"),
            ] {
                written(worker.spawn().await.unwrap()).await;
            }
            assert_eq!(seen.sorted(), [1, 2, 3, 9, 77]);
        }).await;
    }
}
