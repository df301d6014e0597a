//! Nothing waits for itself: not a call inside its own load, nor two loads for each other, nor a thread for its own
//! tasks. Each such call loads at once, uncached.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cached_runtime::{Cache, cached};
use tokio::sync::Barrier;
use tokio::time::timeout;

use crate::gate::Gate;
use crate::patience::patient;
use crate::promises;
use crate::support::{Count, Redis};

/// Far below every `wait` and lease here.
const AT_ONCE: Duration = Duration::from_secs(3);

/// Which cache each of two functions uses, and where the first two loads meet before they go on.
#[derive(Clone)]
struct Orders {
    here: Cache,
    there: Cache,
    meet: Option<Arc<Barrier>>,
    loads: Count,
}

impl Orders {
    fn over(here: &Cache, there: &Cache) -> Self {
        Self { here: here.clone(), there: there.clone(), meet: None, loads: Count::default() }
    }

    /// As seen by the other process: what was `there` is `here`.
    fn turned(&self) -> Self {
        Self { here: self.there.clone(), there: self.here.clone(), ..self.clone() }
    }

    async fn meet(&self, depth: u32) {
        self.loads.add();
        if let (Some(meet), 0) = (&self.meet, depth) {
            meet.wait().await;
        }
    }

    #[cached(
        key = "factorial:<n>", ttl = 60, mutex(lease = "20s", wait = "20s"), skip(depth),
        cache = self.here.clone()
    )]
    async fn itself(&self, n: u64, depth: u32) -> Result<u64, String> {
        self.loads.add();
        if depth == 0 { Ok(n) } else { Ok(Box::pin(self.itself(n, depth - 1)).await? + 1) }
    }

    #[cached(key = "free:<n>", ttl = 60, skip(depth), cache = self.here.clone())]
    async fn itself_without_mutex(&self, n: u64, depth: u32) -> Result<u64, String> {
        self.loads.add();
        if depth == 0 { Ok(n) } else { Ok(Box::pin(self.itself_without_mutex(n, depth - 1)).await? + 1) }
    }

    /// Its own key again, but by way of the other cache.
    #[cached(
        key = "factorial:<n>", ttl = 60, mutex(lease = "20s", wait = "20s"), skip(depth),
        cache = self.here.clone()
    )]
    async fn itself_elsewhere(&self, n: u64, depth: u32) -> Result<u64, String> {
        self.loads.add();
        if depth == 0 { Ok(n) } else { Ok(Box::pin(self.turned().itself_elsewhere(n, depth - 1)).await? + 1) }
    }

    #[cached(key = "order:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), skip(depth), cache = self.here.clone())]
    async fn order(&self, id: u64, depth: u32) -> Result<u64, String> {
        self.meet(depth).await;
        if depth == 3 { Ok(1) } else { Ok(Box::pin(self.customer(id, depth + 1)).await? + 1) }
    }

    #[cached(
        key = "customer:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), skip(depth),
        cache = self.here.clone()
    )]
    async fn customer(&self, id: u64, depth: u32) -> Result<u64, String> {
        self.meet(depth).await;
        if depth == 3 { Ok(1) } else { Ok(Box::pin(self.order(id, depth + 1)).await? + 1) }
    }

    #[cached(key = "order-free:<id>", ttl = 60, skip(depth), cache = self.here.clone())]
    async fn order_without_mutex(&self, id: u64, depth: u32) -> Result<u64, String> {
        self.meet(depth).await;
        if depth == 3 { Ok(1) } else { Ok(Box::pin(self.customer_without_mutex(id, depth + 1)).await? + 1) }
    }

    #[cached(key = "customer-free:<id>", ttl = 60, skip(depth), cache = self.here.clone())]
    async fn customer_without_mutex(&self, id: u64, depth: u32) -> Result<u64, String> {
        self.meet(depth).await;
        if depth == 3 { Ok(1) } else { Ok(Box::pin(self.order_without_mutex(id, depth + 1)).await? + 1) }
    }

    /// A ring of keys, each of which loads the next.
    #[cached(key = "ring:<at>", ttl = 60, mutex(lease = "20s", wait = "20s"), skip(depth), cache = self.here.clone())]
    async fn ring(&self, at: u64, depth: u32) -> Result<u64, String> {
        self.meet(depth).await;
        if depth == 5 { Ok(1) } else { Ok(Box::pin(self.ring((at + 1) % 4, depth + 1)).await? + 1) }
    }

    /// The same over alternating caches.
    #[cached(key = "chain:<at>", ttl = 60, mutex(lease = "20s", wait = "20s"), skip(depth), cache = self.here.clone())]
    async fn ring_over_both(&self, at: u64, depth: u32) -> Result<u64, String> {
        self.meet(depth).await;
        if depth == 5 { Ok(1) } else { Ok(Box::pin(self.turned().ring_over_both((at + 1) % 4, depth + 1)).await? + 1) }
    }
}

promises! {
    async fn a_function_that_calls_itself_with_its_own_key_loads_at_once(world: World) {
        let orders = Orders::over(&world.cache, &world.other_process());
        assert_eq!(timeout(AT_ONCE, orders.itself(10, 3)).await.expect("it waits for itself"), Ok(13));
        assert_eq!(orders.loads.get(), 4);
        assert_eq!(orders.itself(10, 3).await, Ok(13), "the outermost load is stored");
        assert_eq!(timeout(AT_ONCE, orders.itself_without_mutex(10, 3)).await.expect("it waits for itself"), Ok(13));
        assert_eq!(orders.loads.get(), 8);
        assert_eq!(orders.itself_without_mutex(10, 3).await, Ok(13));
        assert_eq!(timeout(AT_ONCE, orders.itself_elsewhere(20, 3)).await.expect("it waits for itself"), Ok(23));
        assert_eq!(orders.itself_elsewhere(20, 3).await, Ok(23));
    }

    async fn two_functions_that_load_each_others_keys_do_not_wait_within_one_task(world: World) {
        let orders = Orders::over(&world.cache, &world.other_process());
        assert_eq!(timeout(AT_ONCE, orders.order(1, 0)).await.expect("it waits for itself"), Ok(4));
        assert_eq!(orders.order(1, 0).await, Ok(4), "the outermost load is stored");
        assert_eq!(timeout(AT_ONCE, orders.order_without_mutex(1, 0)).await.expect("it waits for itself"), Ok(4));
        assert_eq!(timeout(AT_ONCE, orders.turned().ring(0, 0)).await.expect("it waits for itself"), Ok(6));
        assert_eq!(timeout(AT_ONCE, orders.ring_over_both(0, 0)).await.expect("it waits for itself"), Ok(6));
    }

    async fn two_tasks_that_load_crosswise_do_not_wait_for_each_other(world: World) {
        let both_here = Orders { meet: Some(Arc::new(Barrier::new(2))), ..Orders::over(&world.cache, &world.cache) };
        for id in 0..10 {
            let crosswise = async {
                let (a, b) = (both_here.clone(), both_here.clone());
                tokio::join!(
                    tokio::spawn(async move { a.order(id, 0).await }),
                    tokio::spawn(async move { b.customer(id, 0).await }),
                )
            };
            let (order, customer) = timeout(AT_ONCE, crosswise).await.expect("they wait for each other");
            assert!(order.unwrap().is_ok() && customer.unwrap().is_ok());
            let crosswise = async {
                let (a, b) = (both_here.clone(), both_here.clone());
                tokio::join!(
                    tokio::spawn(async move { a.order_without_mutex(id, 0).await }),
                    tokio::spawn(async move { b.customer_without_mutex(id, 0).await }),
                )
            };
            let (order, customer) = timeout(AT_ONCE, crosswise).await.expect("they wait for each other");
            assert!(order.unwrap().is_ok() && customer.unwrap().is_ok());
        }
    }

    async fn two_tasks_that_load_crosswise_over_two_caches_do_not_wait_for_each_other(world: World) {
        let meet = Some(Arc::new(Barrier::new(2)));
        let here = Orders { meet, ..Orders::over(&world.cache, &world.other_process()) };
        for id in 0..5 {
            let crosswise = async {
                let (a, b) = (here.clone(), here.turned());
                tokio::join!(
                    tokio::spawn(async move { a.order(id, 0).await }),
                    tokio::spawn(async move { b.customer(id, 0).await }),
                )
            };
            let (order, customer) = timeout(AT_ONCE, crosswise).await.expect("they wait for each other");
            assert!(order.unwrap().is_ok() && customer.unwrap().is_ok());
            let crosswise = async {
                let (a, b) = (here.clone(), here.turned());
                tokio::join!(
                    tokio::spawn(async move { a.order_without_mutex(id, 0).await }),
                    tokio::spawn(async move { b.customer_without_mutex(id, 0).await }),
                )
            };
            let (order, customer) = timeout(AT_ONCE, crosswise).await.expect("they wait for each other");
            assert!(order.unwrap().is_ok() && customer.unwrap().is_ok());
        }
    }

    async fn a_ring_of_four_tasks_does_not_wait_for_itself(world: World) {
        let meet = Some(Arc::new(Barrier::new(4)));
        let orders = Orders { meet, ..Orders::over(&world.cache, &world.other_process()) };
        let ring = (0..4).map(|at| {
            let orders = if at % 2 == 0 { orders.clone() } else { orders.turned() };
            tokio::spawn(async move { orders.ring(at, 0).await })
        });
        for ended in timeout(AT_ONCE, futures_util::future::join_all(ring)).await.expect("they wait for each other") {
            ended.unwrap().unwrap();
        }
        let ring = (0..4).map(|at| {
            let orders = if at % 2 == 0 { orders.clone() } else { orders.turned() };
            tokio::spawn(async move { orders.ring_over_both(at, 0).await })
        });
        for ended in timeout(AT_ONCE, futures_util::future::join_all(ring)).await.expect("they wait for each other") {
            ended.unwrap().unwrap();
        }
    }
}

/// One key, read by an `async fn` and by a blocking one.
#[derive(Clone)]
struct Both {
    cache: Cache,
    other: Cache,
    loads: Count,
    gate: Gate,
}

impl Both {
    fn over(cache: &Cache, other: &Cache) -> Self {
        Self { cache: cache.clone(), other: other.clone(), loads: Count::default(), gate: Gate::closed() }
    }

    #[cached(key = "both:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn asynchronous(&self, id: u64) -> Result<u64, String> {
        self.gate.pass().await;
        Ok(self.loads.add())
    }

    #[cached(
        key = "both:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), skip(other),
        cache = if other { self.other.clone() } else { self.cache.clone() }
    )]
    fn blocking(&self, id: u64, other: bool) -> Result<u64, String> {
        Ok(self.loads.add())
    }

    #[cached(key = "both:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    async fn asynchronous_over_blocking(&self, id: u64) -> Result<u64, String> {
        Ok(self.blocking(id, false)? + self.blocking(id, true)?)
    }

    #[cached(key = "both:<id>", ttl = 60, mutex(lease = "20s", wait = "20s"), cache = self.cache.clone())]
    fn blocking_over_asynchronous(&self, id: u64) -> Result<u64, String> {
        tokio::runtime::Handle::current().block_on(self.asynchronous(id))
    }

    #[cached(
        key = "cross:<from>", ttl = 60, mutex(lease = "20s", wait = "20s"), skip(meet),
        cache = self.cache.clone()
    )]
    fn crosswise(&self, from: u64, meet: &std::sync::Barrier) -> Result<u64, String> {
        if self.loads.add() <= 2 {
            meet.wait();
            Ok(self.crosswise(1 - from, meet)? + 1)
        } else {
            Ok(0)
        }
    }
}

/// An async task of a current-thread runtime stands in its load; the runtime's own thread makes a blocking call.
fn a_blocking_call_beside_an_async_load(cache: &Cache, other: &Cache) {
    let both = Both::over(cache, other);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let leader = both.clone();
        let leader = tokio::spawn(async move { leader.asynchronous(1).await });
        both.gate.entered(1).await;
        let began = Instant::now();
        assert_eq!(both.blocking(1, false), Ok(1));
        assert_eq!(both.blocking(1, true), Ok(2));
        assert!(began.elapsed() < AT_ONCE, "it waited for a task that only this thread can run: {:?}", began.elapsed());
        both.gate.open();
        assert_eq!(leader.await.unwrap(), Ok(3));
        assert_eq!(both.blocking(1, false), Ok(3), "the task's load is what is stored");
    });
}

#[test]
fn a_blocking_call_never_waits_for_a_task_of_the_runtime_whose_thread_it_holds_up() {
    let memory = Cache::in_memory();
    a_blocking_call_beside_an_async_load(&memory, &memory);
    let redis = Redis::start();
    let cache = patient(&redis);
    a_blocking_call_beside_an_async_load(&cache, &cache);
    redis.command::<()>(&["FLUSHALL"]);
    a_blocking_call_beside_an_async_load(&patient(&redis), &patient(&redis));
}

promises! {
    async fn blocking_and_async_calls_inside_each_other_load_at_once(world: World) {
        let both = Both::over(&world.cache, &world.other_process());
        both.gate.open();
        let call = both.clone();
        let nested = tokio::spawn(async move { call.asynchronous_over_blocking(1).await });
        assert_eq!(timeout(AT_ONCE, nested).await.expect("it waits for itself").unwrap(), Ok(3));
        let call = both.clone();
        let nested = tokio::task::spawn_blocking(move || call.blocking_over_asynchronous(2));
        assert_eq!(timeout(AT_ONCE, nested).await.expect("it waits for itself").unwrap(), Ok(3));
        let stored = (both.asynchronous(1).await, both.asynchronous(2).await);
        assert_eq!(stored, (Ok(3), Ok(3)), "the outer loads are what is stored");
    }

    async fn two_threads_that_load_crosswise_do_not_wait_for_each_other(world: World) {
        let both = Both::over(&world.cache, &world.other_process());
        let elsewhere = Both { cache: world.other_process(), ..both.clone() };
        let meet = Arc::new(std::sync::Barrier::new(2));
        let began = Instant::now();
        let threads = [both, elsewhere].into_iter().zip([0, 1]).map(|(both, from)| {
            let meet = Arc::clone(&meet);
            std::thread::spawn(move || both.crosswise(from, &meet))
        });
        for thread in threads.collect::<Vec<_>>() {
            thread.join().unwrap().unwrap();
        }
        assert!(began.elapsed() < AT_ONCE, "they wait for each other: {:?}", began.elapsed());
    }
}

struct Spawning {
    cache: Cache,
    loads: Count,
}

impl Spawning {
    #[cached(key = "spawned:<id>", ttl = 60, mutex(lease = "20s", wait = "100ms"), cache = self.cache.clone())]
    async fn spawn(self: Arc<Self>, id: u64) -> u64 {
        if self.loads.add() == 1 {
            let inner = Arc::clone(&self);
            let inner: tokio::task::JoinHandle<u64> =
                tokio::spawn(async move { Box::pin(inner.spawn_inside(id)).await });
            return inner.await.unwrap() + 1;
        }
        0
    }

    #[cached(key = "spawned:<id>", ttl = 60, mutex(lease = "20s", wait = "100ms"), cache = self.cache.clone())]
    async fn spawn_inside(self: Arc<Self>, id: u64) -> u64 {
        self.loads.add()
    }
}

promises! {
    /// A spawned task is a chain of its own: nobody can know that its load is waited for, so `wait` is the bound.
    async fn a_load_that_awaits_a_spawned_task_with_its_own_key_ends_after_wait(world: World) {
        let spawning = Arc::new(Spawning { cache: world.cache.clone(), loads: Count::default() });
        let found = timeout(AT_ONCE, Arc::clone(&spawning).spawn(1)).await.expect("it waits past `wait`");
        assert_eq!(found, 3);
    }
}
