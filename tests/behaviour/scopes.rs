//! Which transaction somebody is in, where there are several, or threads in place of tasks.

use cached_runtime::{Cache, cached, invalidate};
use futures_util::FutureExt;

use crate::promises;
use crate::row::Row;

impl Row {
    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    async fn write_in_scope(&self, id: usize) -> u64 {
        self.commit().await
    }

    #[invalidate(key = "row:<id>", cache = self.cache.clone())]
    fn write_in_scope_blocking(&self, id: usize) -> u64 {
        self.commit_blocking()
    }

    #[cached(key = "row:<id>", ttl = 60, cache = self.cache.clone())]
    fn find_in_scope_blocking(&self, id: usize) -> u64 {
        self.loads.add();
        self.version()
    }

    /// [`Row::read`] without a runtime.
    fn read_blocking(&self, id: usize) -> (u64, bool) {
        let before = self.loads.get();
        (self.find_in_scope_blocking(id), self.loads.get() == before)
    }

    /// A whole transaction, on this thread.
    fn transact_on_this_thread(&self) {
        let version = self.write_in_scope_blocking(1);
        assert_eq!(self.read_blocking(1), (version, false));
        assert_eq!(self.read_blocking(1), (version, true));
        let scope = self.cache.transaction();
        self.write_in_scope_blocking(1);
        assert_eq!(self.read_blocking(1), (version + 1, false));
        let outside = self.clone();
        let read = std::thread::spawn(move || outside.read_blocking(1)).join();
        assert_eq!(read.expect("no panic"), (version, true), "another thread is not inside");
        block_on(scope.commit()).expect("delivered");
        assert_eq!(self.read_blocking(1), (version + 1, false));
        assert_eq!(self.read_blocking(1), (version + 1, true));
        let scope = self.cache.transaction();
        self.write_in_scope_blocking(1);
        drop(scope);
        assert_eq!(self.read_blocking(1), (version + 1, true));
    }
}

/// As any other executor would run it, without tokio.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

promises! {
    async fn what_an_inner_scope_commits_is_invalidated_with_the_outer_one_too(world: World) {
        let row = Row::over(&world.cache);
        let elsewhere = row.seen_from(world.other_process());
        row.warm(1).await;
        let outer = row.cache.transaction();
        let inner = row.cache.transaction();
        let version = row.write_in_scope(1).await;
        inner.commit().await.unwrap();
        // A savepoint, perhaps: the rows from before are what others see and store until the outer commit.
        let before_commit = elsewhere.clone();
        tokio::spawn(async move { before_commit.warm(1).await }).await.unwrap();
        outer.commit().await.unwrap();
        elsewhere.must_load(1).await;
        row.must_hit(1, version).await;
    }

    async fn an_inner_scope_that_is_dropped_takes_nothing_from_the_outer_one(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        let outer = row.cache.transaction();
        row.write_in_scope(1).await;
        drop(row.cache.transaction());
        row.must_load(1).await;
        outer.commit().await.unwrap();
        row.must_load(1).await;
        row.must_hit(1, 2).await;
    }

    async fn scopes_of_futures_that_take_turns_in_one_task_lose_nothing_to_each_other(world: World) {
        let row = Row::over(&world.cache);
        row.warm(1).await;
        let first = row.cache.transaction();
        let second = row.cache.transaction();
        // On behalf of the first, which nobody can tell.
        row.write_in_scope(1).await;
        drop(second);
        first.commit().await.unwrap();
        row.must_load(1).await;
        row.must_hit(1, 2).await;
    }

    async fn a_write_that_outlives_the_scope_it_began_in_is_not_forgotten(world: World) {
        for commits in [true, false] {
            let row = Row::over(&world.cache);
            row.warm(1).await;
            let standing = row.that_stands_still();
            let scope = row.cache.transaction();
            let mut writing = Box::pin(standing.write_in_scope(1));
            assert!((&mut writing).now_or_never().is_none());
            if commits { scope.commit().await.unwrap() } else { drop(scope) }
            row.must_hit(1, 1).await;
            standing.writing.open();
            standing.written.open();
            assert_eq!(writing.await, 2);
            row.must_load(1).await;
            row.cache.invalidate(&cached_runtime::key!("row:1")).await.unwrap();
        }
    }

    async fn a_scope_holds_in_a_thread_a_task_and_whatever_blocks_in_them(world: World) {
        let row = Row::over(&world.cache);
        let own = row.clone();
        tokio::task::spawn_blocking(move || own.transact_on_this_thread()).await.unwrap();
        let own = row.clone();
        tokio::task::spawn_blocking(move || std::thread::spawn(move || own.transact_on_this_thread()).join())
            .await
            .unwrap()
            .unwrap();
        // A blocking function inside of a task, and one that lets the runtime know.
        let own = row.clone();
        let in_a_task = async move {
            own.warm(2).await;
            let version = own.version();
            let scope = own.cache.transaction();
            own.write_in_scope_blocking(2);
            assert_eq!(own.read_blocking(2), (version + 1, false));
            assert_eq!(tokio::task::block_in_place(|| own.read_blocking(2)), (version + 1, false));
            scope.commit().await.unwrap();
            own.must_load(2).await;
            own.must_hit(2, version + 1).await;
        };
        tokio::spawn(in_a_task).await.unwrap();
    }
}

#[test]
fn a_scope_holds_under_block_on_of_every_runtime() {
    let row = Row::over(&Cache::in_memory());
    let transact = async |row: &Row| {
        row.warm(1).await;
        let version = row.version();
        let scope = row.cache.transaction();
        row.write_in_scope(1).await;
        tokio::task::yield_now().await;
        row.must_load(1).await;
        let outside = row.clone();
        tokio::spawn(async move { outside.must_hit(1, version).await }).await.unwrap();
        row.must_load(1).await;
        scope.commit().await.unwrap();
        row.must_load(1).await;
        row.must_hit(1, version + 1).await;
    };
    let current = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    current.block_on(transact(&row));
    let several = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    several.block_on(transact(&row));
    let local = tokio::task::LocalSet::new();
    local.block_on(&current, transact(&row));
}
