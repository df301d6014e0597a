//! The expansion is silent under lints that are off by default, too, clippy's among them: `cargo clippy --all-targets`
//! reads this crate. What a lint says about generated code would be said in every user's crate.

#![deny(
    warnings,
    absolute_paths_not_starting_with_crate,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    future_incompatible,
    keyword_idents,
    let_underscore,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    nonstandard_style,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unreachable_pub,
    unsafe_code,
    unused,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
#![forbid(unreachable_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use cached_runtime::{Cache, CacheKey, KeyPart, cached, invalidate, key, write_behind, write_through};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, KeyPart)]
struct Id(u32);

#[derive(Clone, Copy, Debug, CacheKey)]
#[cache_key("typed:<id>", value = u32)]
struct NumberKey {
    id: Id,
}

#[derive(Debug, CacheKey)]
#[cache_key("named:<name>", value = u32)]
struct NameKey<'a> {
    name: &'a str,
}

#[derive(Clone, Copy, Debug, CacheKey)]
#[cache_key("all", value = Vec<u32>)]
struct AllNumbers;

struct Repository {
    offset: u32,
}

impl Repository {
    #[cached(key = "async:<id>", ttl = 3600, mutex, none_ttl = "1s", when = id.0 > 0, unless = |found| found.is_none())]
    async fn asynchronous(&self, mut id: Id) -> Result<Option<u32>, String> {
        id.0 += ready(self.offset).await;
        Ok(Some(id.0))
    }

    #[cached(key = "blocking:<id>", ttl = |_| 60)]
    fn blocking(&self, id: Id) -> Option<u32> {
        Some(id.0 + self.offset)
    }

    #[cached(key = "pinned:<id>", ttl = never)]
    fn pinned<'a>(&'a self, id: &'a Id) -> Pin<Box<dyn Future<Output = u32> + Send + 'a>> {
        Box::pin(async move { ready(id.0 + self.offset).await })
    }

    #[cached(key = "owned:<id>", ttl = 60)]
    fn owned(&self, id: Id) -> Pin<Box<dyn Future<Output = u32> + Send>> {
        let offset = self.offset;
        Box::pin(async move { ready(id.0 + offset).await })
    }

    #[cached(key = "future:<id>", ttl = 60)]
    fn future(&self, id: Id) -> impl Future<Output = u32> {
        async move { ready(id.0 + self.offset).await }
    }
}

#[cached(key = "all", ttl = 60)]
async fn all() -> Vec<u32> {
    ready(vec![1]).await
}

impl Repository {
    #[cached(key = NumberKey { id }, tag = "offset:<self.offset>", ttl = 60, bypass_in_transaction)]
    async fn typed(&self, id: Id) -> Option<u32> {
        ready(Some(id.0 + self.offset)).await
    }

    #[cached(key = NameKey { name }, ttl = 60)]
    fn named(&self, name: &str) -> Result<u32, String> {
        u32::try_from(name.len()).map(|length| length + self.offset).map_err(|error| error.to_string())
    }

    #[invalidate(key = "async:<id>", key = "typed:<result.0>", tag = "offset:<self.offset>", two_phase, when = id.0 > 0)]
    async fn rename(&self, id: Id, name: String) -> Result<Option<(Id, String)>, String> {
        let name = ready(name).await;
        Ok(Some((id, name)))
    }

    #[invalidate(key = AllNumbers, key = NumberKey { id: result.0 }, key = "<name>:<result.0>")]
    async fn create(&self, name: String) -> (Id, String) {
        ready((Id(self.offset), name)).await
    }

    #[invalidate(key = NumberKey { id })]
    async fn remove(&self, id: Id) {
        let _removed = ready(id.0 + self.offset).await;
    }

    #[invalidate(key = NumberKey { id })]
    fn remove_now(&self, id: Id) {
        assert!(id.0 < self.offset + 9);
    }

    #[invalidate(tag = "offset:<result>")]
    fn reset(&self, id: Id) -> Pin<Box<dyn Future<Output = u32> + Send + '_>> {
        Box::pin(async move { ready(id.0 + self.offset).await })
    }

    #[invalidate(tag = "offset:<self.offset>", after_commit)]
    fn reset_later(&self) -> impl Future<Output = ()> {
        async move { ready(()).await }
    }

    #[write_through(key = NumberKey { id: *id }, tag = "offset:<self.offset>", ttl = |number| u64::from(*number), value = number)]
    async fn save(&self, id: &Id, number: &u32) {
        let _saved = ready(id.0 + number + self.offset).await;
    }

    #[write_through(key = NumberKey { id }, tag = "offset:<self.offset>", ttl = 60, unless = |number| *number == 0)]
    fn save_now(&self, id: Id) -> Result<u32, String> {
        Ok(id.0 + self.offset)
    }
}

impl Repository {
    #[cached(
        key = "async:<id>", tag = "<group>", ttl = |number| u64::from(*number), unless = |number| *number == 0, mutex,
        each = id in ids, skip(most), when = most > 0
    )]
    async fn batch(&self, group: String, mut most: usize, mut ids: &[Id]) -> Result<Vec<Option<u32>>, String> {
        most = ready(most.min(ids.len())).await;
        let rest = ids.len() - most;
        ids = ids.get(..most).unwrap_or_default();
        let found = ids.iter().map(|id| Some(id.0 + self.offset));
        Ok(found.chain(std::iter::repeat_n(None, rest)).collect())
    }

    #[cached(key = NumberKey { id: *id }, ttl = 60, each = id in ids, by = |number| Id(*number))]
    fn batch_now(&mut self, ids: Vec<Id>) -> Vec<u32> {
        self.offset += 1;
        ids.into_iter().map(|id| id.0).collect()
    }

    #[cached(key = "pinned:<id>", ttl = 60, each = id in ids)]
    fn batch_pinned<'a>(&'a self, ids: &'a [Id]) -> Pin<Box<dyn Future<Output = BTreeMap<Id, u32>> + Send + 'a>> {
        Box::pin(async move { ids.iter().map(|id| (*id, id.0 + self.offset)).collect() })
    }

    #[cached(key = "missing:<id>", ttl = 60, each = id in ids)]
    async fn batch_of_nothing(&self, ids: &[Id]) -> Vec<Option<u32>> {
        ready(vec![None; usize::from(self.offset > 0)]).await
    }
}

impl Repository {
    #[cached(key = "spawned:<id>", ttl = 60, stale = 60, early = 2.0, refresh = background, error_ttl = 1)]
    async fn spawned(self: Arc<Self>, mut id: Id) -> Result<u32, String> {
        id.0 += ready(self.offset).await;
        Ok(id.0)
    }

    #[cached(
        key = "spawned-now:<id>", ttl = |_| 60, unless = |number| *number == 0, stale = 60, early = off,
        refresh = background, mutex(on_timeout = stale)
    )]
    fn spawned_now(self: Arc<Self>, mut id: Id) -> u32 {
        id.0 += self.offset;
        id.0
    }
}

/// What a worker takes along.
#[derive(Clone, Debug)]
struct Sink {
    base: u64,
}

impl Sink {
    #[write_behind(
        key = "sunk:<id>", tag = "all", each = id in ids, ttl = |id| *id, max_batch = 3, linger = "1ms", queue = "sunk",
        coalesce = off, on_full = error, retries = 2, high_water = 9, accept_loss, when = self.base > 0
    )]
    async fn sink(&self, mut ids: Vec<u64>) -> Result<(), cached_runtime::Error> {
        ids.push(ready(self.base).await);
        Ok(())
    }

    #[write_behind(key = "shared:<id>", each = id in ids, ttl = 60, skip(step))]
    async fn sink_shared(self: Arc<Self>, step: u64, ids: Vec<u64>) {
        let _sum = ready(ids.iter().sum::<u64>() + self.base + step).await;
    }
}

#[write_behind(key = NumberKey { id: Id(*number) }, each = number in numbers, ttl = 60, skip(one, _other))]
async fn keep((one, _other): (u32, u32), numbers: Vec<u32>, _: u8) -> Result<(), String> {
    let _kept = ready(numbers.len() + usize::from(one > 0)).await;
    Ok(())
}

/// A function that others see, and its worker with it.
#[write_behind(key = "seen:<number>", each = number in numbers, ttl = never)]
pub async fn seen(numbers: Vec<u32>) {
    let _seen = ready(numbers).await;
}

#[tokio::test]
async fn the_expansion_has_no_lints() {
    Cache::in_memory().install();
    let repository = Repository { offset: 1 };
    let id = Id(1);
    assert_eq!(repository.asynchronous(id).await, Ok(Some(2)));
    assert_eq!(repository.blocking(id), Some(2));
    assert_eq!(repository.pinned(&id).await, 2);
    assert_eq!(repository.owned(id).await, 2);
    assert_eq!(repository.future(id).await, 2);
    assert_eq!(all().await, [1]);
    assert_eq!(key!("async:<id>").as_str(), "async:1");
    assert_eq!(repository.typed(id).await, Some(2));
    assert_eq!(repository.named("ab"), Ok(3));
    assert_eq!(repository.rename(id, "a".to_owned()).await, Ok(Some((id, "a".to_owned()))));
    assert_eq!(repository.create("a".to_owned()).await, (id, "a".to_owned()));
    repository.remove(id).await;
    repository.remove_now(id);
    assert_eq!(repository.reset(id).await, 2);
    repository.save(&id, &3).await;
    assert_eq!(repository.typed(id).await, Some(3));
    assert_eq!(repository.save_now(id), Ok(2));
    assert_eq!(repository.typed(id).await, Some(2));
    repository.reset_later().await;
    let mut repository = repository;
    assert_eq!(repository.batch("a".to_owned(), 2, &[id, Id(7)]).await, Ok(vec![Some(2), Some(8)]));
    assert_eq!(repository.batch_now(vec![Id(8), Id(9)]), [8, 9]);
    assert_eq!(repository.batch_pinned(&[Id(5)]).await, BTreeMap::from([(Id(5), 7)]));
    assert_eq!(repository.batch_of_nothing(&[id]).await, [None]);
    let repository = Arc::new(repository);
    assert_eq!(Arc::clone(&repository).spawned(id).await, Ok(3));
    assert_eq!(repository.spawned_now(id), 3);
    let sink = Arc::new(Sink { base: 1 });
    let workers = [sink.sink_worker(), Arc::clone(&sink).sink_shared_worker(1), keep_worker((1, 2), 3), seen_worker()];
    assert!(sink.sink(vec![1, 2]).await.is_ok());
    sink.sink_shared(1, vec![1, 2]).await;
    assert_eq!(keep((1, 2), vec![3], 3).await, Ok(()));
    seen(vec![1]).await;
    for worker in workers {
        let worker = worker.spawn().await.expect("a worker");
        worker.flush().await.expect("the end of the queue");
        assert_eq!(worker.shutdown(std::time::Duration::ZERO).await, 0);
    }
}
