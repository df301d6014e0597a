//! A network that is slow, torn or silent. Calls go on in time, nobody pays for it once it is known, and hits are back
//! within a second of its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cached_runtime::{Cache, Health};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::proxy::{Network, Proxy};
use crate::service::{Answer, DEADLINE, RECOVERY, SLACK, Service, patient};
use crate::support::{Redis, eventually};

/// A service behind a network of its own.
struct Remote {
    service: Service,
    proxy: Proxy,
    redis: Redis,
}

impl Remote {
    async fn start() -> Self {
        Self::with(DEADLINE).await
    }

    async fn with(deadline: Duration) -> Self {
        let redis = Redis::start();
        let proxy = Proxy::before(redis.port());
        let builder = Cache::builder().redis(proxy.url()).prefix("test").timeout(deadline);
        let service = Service::over(builder.build().expect("a cache")).mutex();
        for caller in 0..CALLERS {
            service.until_hit(&format!("{caller}")).await;
        }
        Self { service, proxy, redis }
    }

    /// What callers get, each of a key of its own and all of one, while the network is like that for a second.
    async fn during(&self, network: Network) -> Vec<Answer> {
        let over = Arc::<AtomicBool>::default();
        self.proxy.set(network);
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (service, over) = (self.service.clone(), Arc::clone(&over));
            callers.spawn(async move {
                let mut answers = Vec::new();
                while !over.load(Ordering::SeqCst) {
                    for id in [format!("{caller}"), "shared".to_owned()] {
                        let answer = service.read(&id).await;
                        assert!((1..=answer.row).contains(&answer.value), "{answer:?}");
                        answers.push(answer);
                    }
                    // A caller that does other things too.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                answers
            });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        over.store(true, Ordering::SeqCst);
        let answers = callers.join_all().await.into_iter().flatten().collect();
        self.proxy.set(Network::Clear);
        answers
    }

    async fn is_back(&self) {
        let recovery = self.service.until_hit("0").await;
        assert!(recovery < RECOVERY, "hits after {recovery:?}");
        assert_eq!(self.service.cache.health(), Health::Up);
        assert!(!self.service.cache.stats().breaker_open);
        // And what was first asked for meanwhile: a lease of then is gone within two seconds.
        self.service.until_hit("shared").await;
    }

    /// The server is given up, after that nobody waits for it, and it is used again when the network is.
    async fn gives_up(&self, network: Network) {
        let answers = self.during(network).await;
        assert_eq!(self.service.cache.health(), Health::Down);
        let stats = self.service.cache.stats();
        assert!(stats.breaker_open && stats.breaker_opened == 1, "{stats:?}");
        // Whoever had asked before it was given up, once for each of its two keys.
        let paid = answers.iter().filter(|answer| answer.took >= DEADLINE - DEADLINE / 10).count();
        assert!(paid <= 2 * CALLERS, "{paid} of {} calls waited for the deadline", answers.len());
        assert!(answers.len() > 20 * CALLERS, "{} calls in a second", answers.len());
        self.in_time(&answers, 1);
        self.is_back().await;
    }

    /// Nobody waits past the deadlines of its operations, and its own load after the rest of another.
    fn in_time(&self, answers: &[Answer], operations: u32) {
        let worst = answers.iter().map(|answer| answer.took).max().expect("calls");
        assert!(worst < DEADLINE * operations + self.service.load * 2 + SLACK, "{worst:?}");
    }
}

const CALLERS: usize = 16;
/// Where it is not the deadline that is in question, but what a busy machine takes must not be taken for the network's.
const PATIENT: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_network_that_keeps_the_deadlines_serves_hits() {
    let remote = Remote::with(PATIENT).await;
    let (delay, spread) = (Duration::from_millis(20), Duration::from_millis(20));
    let answers = remote.during(Network::Late { delay, spread }).await;
    let hits = answers.iter().filter(|answer| !answer.loaded).count();
    assert!(hits > answers.len() * 9 / 10, "{hits} of {} calls", answers.len());
    assert_eq!(remote.service.cache.stats().breaker_opened, 0);
    remote.is_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_late_up_to_the_deadline_costs_no_call_more_than_its_deadlines() {
    let remote = Remote::start().await;
    let (delay, spread) = (Duration::from_millis(50), Duration::from_millis(50));
    let answers = remote.during(Network::Late { delay, spread }).await;
    // A miss asks twice.
    remote.in_time(&answers, 2);
    remote.is_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_later_than_the_deadline_is_given_up() {
    let remote = Remote::start().await;
    remote.gives_up(Network::Late { delay: Duration::from_millis(300), spread: Duration::ZERO }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_a_little_later_than_the_deadline_is_given_up_once() {
    let deadline = Duration::from_millis(50);
    let remote = Remote::with(deadline).await;
    let opened = || remote.service.cache.stats().breaker_opened;
    let before = opened();
    // To connect may take longer than one operation, and a server that is this late lets everybody connect.
    remote.during(Network::Late { delay: deadline + deadline / 5, spread: Duration::ZERO }).await;
    assert!(opened() <= before + 1, "given up {} times", opened() - before);
    remote.is_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_given_up_again_and_again_has_to_answer_more_than_once_before_it_is_used() {
    let remote = Remote::start().await;
    let service = &remote.service;
    let mut returns = Vec::new();
    for _ in 0..7 {
        remote.proxy.set(Network::Reset);
        eventually("it is given up", async || {
            service.read("0").await;
            service.cache.health() == Health::Down
        })
        .await;
        remote.proxy.set(Network::Clear);
        let began = Instant::now();
        eventually("it is used", async || service.cache.health() == Health::Up).await;
        returns.push(began.elapsed());
        // It works, for a while.
        service.until_hit("0").await;
    }
    let (quickest, slowest) = (returns[5..].iter().min(), returns.iter().max());
    assert!(quickest.is_some_and(|quickest| *quickest >= Duration::from_millis(250)), "{returns:?}");
    assert!(slowest.is_some_and(|slowest| *slowest < RECOVERY), "{returns:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_aborts_connections_is_given_up() {
    let remote = Remote::start().await;
    remote.gives_up(Network::Reset).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_swallows_everything_is_given_up() {
    let remote = Remote::start().await;
    remote.gives_up(Network::Hole { requests: true, answers: true }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_swallows_requests_is_given_up() {
    let remote = Remote::start().await;
    remote.gives_up(Network::Hole { requests: true, answers: false }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_swallows_answers_is_given_up() {
    let remote = Remote::start().await;
    remote.gives_up(Network::Hole { requests: false, answers: true }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_drips_is_given_up() {
    let remote = Remote::start().await;
    remote.gives_up(Network::Drip { pause: Duration::from_millis(5) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_sends_byte_by_byte_serves_hits() {
    let remote = Remote::with(PATIENT).await;
    let answers = remote.during(Network::Split).await;
    let hits = answers.iter().filter(|answer| !answer.loaded).count();
    assert!(hits > answers.len() * 9 / 10, "{hits} of {} calls", answers.len());
    assert_eq!(remote.service.cache.stats().breaker_opened, 0);
    remote.is_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_aborted_again_and_again_never_reach_a_caller() {
    let remote = Remote::start().await;
    let service = remote.service.clone();
    let calls = tokio::spawn(async move {
        for call in 0..300 {
            let answer = service.read(&format!("{}", call % CALLERS)).await;
            assert!((1..=answer.row).contains(&answer.value), "{answer:?}");
            assert!(answer.took < DEADLINE * 2 + service.load + SLACK, "{answer:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    let mut aborted = 0;
    while !calls.is_finished() {
        remote.proxy.set(Network::Reset);
        tokio::time::sleep(Duration::from_millis(5)).await;
        remote.proxy.set(Network::Clear);
        tokio::time::sleep(Duration::from_millis(35)).await;
        aborted += 1;
    }
    calls.await.expect("no panic");
    assert!(aborted > 5, "{aborted} times");
    remote.is_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_lost_an_answer_for_good_is_replaced() {
    let remote = Remote::start().await;
    let service = &remote.service;
    remote.proxy.set(Network::Hole { requests: false, answers: true });
    service.uncached("lost").await;
    // The network is clear at once; the connection is not.
    remote.proxy.set(Network::Clear);
    let began = Instant::now();
    eventually("hits on a new connection", async || !service.read("0").await.loaded).await;
    assert!(began.elapsed() < DEADLINE * 5 + RECOVERY, "{:?}", began.elapsed());
    service.until_hit("lost").await;
}

/// Of the proxy itself: were anything answered afterwards, it would be taken for the answer that was lost.
#[tokio::test]
async fn a_connection_whose_answer_was_lost_on_its_way_answers_nothing_any_more() {
    const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";
    let redis = Redis::start();
    let proxy = Proxy::before(redis.port());
    let delay = Duration::from_millis(200);
    proxy.set(Network::Late { delay, spread: Duration::ZERO });
    let mut connection = TcpStream::connect(proxy.address()).await.expect("a connection");
    connection.write_all(PING).await.expect("sent");
    eventually("the request has passed", async || proxy.passed() == 1).await;
    // The answer is on its way by now, or it will be lost all the more.
    tokio::time::sleep(delay / 4).await;
    proxy.set(Network::Hole { requests: false, answers: true });
    tokio::time::sleep(delay).await;
    proxy.set(Network::Clear);
    connection.write_all(PING).await.expect("sent");
    let answer = tokio::time::timeout(delay, connection.read_u8()).await;
    assert!(answer.is_err(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_answer_is_tried_every_half_second_all_the_same() {
    let remote = Remote::start().await;
    remote.proxy.set(Network::Hole { requests: true, answers: true });
    eventually("it is given up", async || {
        remote.service.read("0").await;
        remote.service.cache.health() == Health::Down
    })
    .await;
    let before = remote.proxy.arrivals().len();
    eventually("tries", async || remote.proxy.arrivals().len() >= before + 6).await;
    let arrivals = remote.proxy.arrivals().split_off(before);
    let longest = arrivals.windows(2).map(|pair| pair[1] - pair[0]).max().expect("tries");
    assert!(longest < Duration::from_millis(500) + SLACK, "{longest:?} between two tries");
    remote.proxy.set(Network::Clear);
    remote.is_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiters_are_told_again_after_their_connection_has_lost_something_for_good() {
    let remote = Remote::start().await;
    let loader = Service::over(patient(&remote.redis)).mutex().loading_for(Duration::from_millis(200));
    let waiter = loader.through(remote.service.cache.clone());
    // How long after the load's end somebody behind the network has its value.
    let wakes = async |id: String| {
        let running = loader.loads.get();
        let loading = tokio::spawn({
            let (loader, id) = (loader.clone(), id.clone());
            async move { (loader.read(&id).await, Instant::now()) }
        });
        eventually("the load", async || loader.loads.get() > running).await;
        let answer = waiter.read(&id).await;
        let woken = Instant::now();
        let (loaded, ended) = loading.await.expect("no panic");
        assert_eq!((answer.value, loaded.value), (1, 1));
        woken.saturating_duration_since(ended)
    };
    // A wait that goes on while the network is silent: what it looks with is lost.
    let slow = loader.clone().loading_for(Duration::from_secs(2));
    let loading = tokio::spawn(async move { slow.read("slow").await });
    eventually("the load", async || loader.loads.get() == 1).await;
    let waiting = tokio::spawn({
        let waiter = waiter.clone();
        async move { waiter.read("slow").await }
    });
    eventually("a waiter", async || waiter.cache.stats().total().lock_waits > 0).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    remote.proxy.set(Network::Hole { requests: true, answers: true });
    assert!(waiting.await.expect("no panic").loaded, "it noticed nothing");
    remote.proxy.set(Network::Clear);
    eventually("hits on a new connection", async || !remote.service.read("0").await.loaded).await;
    loading.await.expect("no panic");
    let mut woken = Vec::new();
    for round in 0..6 {
        woken.push(wakes(format!("after:{round}")).await);
    }
    // The best: what a busy machine adds to the others says nothing. Without pushes there is a tenth of a second between
    // two looks, and as much before each.
    let best = woken.iter().min().expect("rounds");
    assert!(*best < Duration::from_millis(20), "{woken:?}");
}
