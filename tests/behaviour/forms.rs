//! Writers of every form of function: `cached` has its own tests of these, and here it is the invalidation that counts.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;
use cached_runtime::{CacheKey, CacheValue, KeyPart, invalidate, key, write_through};

use crate::promises;
use crate::row::Row;

/// Not `Send`.
#[derive(Debug, PartialEq)]
struct Local(Rc<str>);

#[derive(Clone, Copy, KeyPart)]
struct RowId(usize);

#[derive(CacheKey)]
#[cache_key("<table>:<id>", value = u64)]
struct RowKey<'t, I: KeyPart> {
    table: &'t str,
    id: I,
}

#[async_trait]
trait Writes: Sync {
    async fn write_boxed(&self, id: usize) -> Result<u64, String>;

    async fn write_by_default(&self, id: usize) -> Result<u64, String> {
        self.write_boxed(id).await
    }
}

trait WritesNatively {
    fn write_natively(&self, id: usize) -> impl Future<Output = Result<u64, String>> + Send;
}

#[async_trait]
impl Writes for Row {
    #[invalidate(key = "row:<id>", two_phase, cache = self.cache.clone())]
    async fn write_boxed(&self, id: usize) -> Result<u64, String> {
        self.commit_of(id).await
    }
}

impl WritesNatively for Row {
    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn write_natively(&self, id: usize) -> Result<u64, String> {
        Ok(self.commit().await)
    }
}

#[async_trait]
trait Moves {
    #[invalidate(key = "row:<id>", cache = self.row().cache.clone())]
    async fn write_of_the_trait(&self, id: usize) -> Result<u64, String>
    where
        Self: Sync,
    {
        self.row().commit_of(id).await
    }

    fn row(&self) -> &Row;
}

impl Moves for Row {
    fn row(&self) -> &Row {
        self
    }
}

impl Row {
    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    fn write_blocking(&self, id: usize) -> Result<u64, Local> {
        if id == 0 { Err(Local("zero".into())) } else { Ok(self.commit_blocking()) }
    }

    #[invalidate(key = "row:<id>", two_phase, cache = self.cache.clone())]
    fn write_hidden_and_blocking(&self, id: usize, meanwhile: impl FnOnce()) -> u64 {
        meanwhile();
        self.commit_blocking()
    }

    #[write_through(key = "row:<id>", ttl = 60, cache = self.cache.clone())]
    fn write_through_blocking(&self, id: usize) -> Result<u64, Local> {
        Ok(self.commit_blocking())
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn write_or_fail_locally(&self, id: usize) -> Result<u64, Local> {
        tokio::task::yield_now().await;
        if id == 0 { Err(Local("zero".into())) } else { Ok(self.commit().await) }
    }

    #[invalidate(key = RowKey::<I> { table: "row", id }, cache = self.cache.clone())]
    async fn write_generically<I: KeyPart + Send, E, F>(&self, id: I, then: F) -> Result<u64, E>
    where
        F: FnOnce(u64) -> Result<u64, E> + Send,
    {
        then(self.commit().await)
    }

    #[write_through(key = "row:<id.0>", ttl = 60, cache = self.cache.clone())]
    async fn write_any_through<T>(&self, id: RowId, value: impl FnOnce(u64) -> T + Send) -> T
    where
        T: CacheValue + Send + 'static,
    {
        value(self.commit().await)
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    fn write_later(&self, id: usize) -> impl Future<Output = Result<u64, String>> + Send + use<> {
        let row = self.clone();
        async move { Ok(row.commit().await) }
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    fn write_in_a_box(&self, id: usize) -> Pin<Box<dyn Future<Output = u64> + Send + '_>> {
        Box::pin(self.commit())
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn write_shared(self: Arc<Self>, (id, _): (usize, u8), mut by: u64) -> u64 {
        while by > 1 {
            self.commit().await;
            by -= 1;
        }
        self.commit().await
    }

    async fn commit_of(&self, id: usize) -> Result<u64, String> {
        if id == 0 { Err("zero".to_owned()) } else { Ok(self.commit().await) }
    }

    /// The entry is there, then somebody writes, then the next read is a load.
    async fn overtaken_by<T>(&self, write: impl AsyncFnOnce() -> T) -> T {
        self.warm(1).await;
        let version = self.version();
        let out = write().await;
        assert!(self.version() > version);
        self.must_load(1).await;
        out
    }
}

fn is_send<F: Future + Send>(future: F) -> F {
    future
}

promises! {
    async fn methods_of_traits_invalidate(world: World) {
        let row = Row::over(&world.cache);
        let writes: &dyn Writes = &row;
        assert_eq!(row.overtaken_by(async || writes.write_boxed(1).await).await, Ok(2));
        assert_eq!(row.overtaken_by(async || writes.write_by_default(1).await).await, Ok(3));
        assert_eq!(row.overtaken_by(async || row.write_natively(1).await).await, Ok(4));
        assert_eq!(row.overtaken_by(async || row.write_of_the_trait(1).await).await, Ok(5));
    }

    async fn functions_that_return_futures_invalidate_when_those_end(world: World) {
        let row = Row::over(&world.cache);
        assert_eq!(row.overtaken_by(async || row.write_later(1).await).await, Ok(2));
        assert_eq!(row.overtaken_by(async || row.write_in_a_box(1).await).await, 3);
        row.warm(1).await;
        drop(row.write_later(1));
        row.must_hit(1, 3).await;
    }

    async fn generic_functions_invalidate(world: World) {
        let row = Row::over(&world.cache);
        assert_eq!(row.overtaken_by(async || row.write_generically(1_u8, Ok::<_, Local>).await).await, Ok(2));
        let failed = |version: u64| Err(Local(version.to_string().into()));
        row.warm(1).await;
        assert_eq!(row.write_generically("1", failed).await, Err(Local("3".into())));
        row.must_hit(1, 2).await;
        assert_eq!(row.write_any_through(RowId(1), |version| version).await, 4);
        row.must_hit(1, 4).await;
        assert_eq!(row.write_any_through(RowId(1), |version| version.to_string()).await, "5");
        assert_eq!(row.cache.get::<String>(&key!("row:1")).await, Some("5".to_owned()));
        row.must_load(1).await;
        let shared = Arc::new(row.clone());
        assert_eq!(row.overtaken_by(async || shared.write_shared((1, 0), 3).await).await, 8);
    }

    async fn a_writer_whose_error_is_not_send_has_a_future_that_is(world: World) {
        let row = Row::over(&world.cache);
        assert_eq!(row.overtaken_by(async || is_send(row.write_or_fail_locally(1)).await).await, Ok(2));
        row.warm(0).await;
        assert_eq!(is_send(row.write_or_fail_locally(0)).await, Err(Local("zero".into())));
        row.must_hit(0, 2).await;
    }

    async fn blocking_writers_invalidate_from_every_kind_of_thread(world: World) {
        let row = Row::over(&world.cache);
        // On the runtime's own thread.
        assert_eq!(row.overtaken_by(async || row.write_blocking(1)).await, Ok(2));
        let own = row.clone();
        let on_a_thread = async move || tokio::task::spawn_blocking(move || own.write_blocking(1).ok()).await.unwrap();
        assert_eq!(row.overtaken_by(on_a_thread).await, Some(3));
        let own = row.clone();
        let plain = async move || std::thread::spawn(move || own.write_blocking(1).ok()).join().unwrap();
        assert_eq!(row.overtaken_by(plain).await, Some(4));
        row.warm(0).await;
        assert_eq!(row.write_blocking(0), Err(Local("zero".into())));
        row.must_hit(0, 4).await;
        assert_eq!(row.write_through_blocking(1), Ok(5));
        row.must_hit(1, 5).await;
    }

    async fn a_blocking_two_phase_writer_hides_what_it_writes(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        let (entered, on) = (tokio::sync::Notify::new(), std::sync::Barrier::new(2));
        let hidden = std::thread::scope(|scope| {
            let writer = scope.spawn(|| row.write_hidden_and_blocking(1, || {
                entered.notify_one();
                on.wait();
            }));
            let reads = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(async {
                entered.notified().await;
                [row.read(1).await, row.read(1).await]
            }));
            on.wait();
            assert_eq!(writer.join().unwrap(), 2);
            reads
        });
        assert_eq!(hidden, [(1, false), (1, false)]);
        row.must_load(1).await;
        row.must_hit(1, 2).await;
    }
}
