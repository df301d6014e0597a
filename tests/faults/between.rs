//! A process killed between any two of its commands: everything that it sends goes through a proxy, which lets so many
//! through and no more, and then it is killed.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use cached_runtime::{Cache, Policy, invalidate, key, write_through};

use crate::child::{self, Child};
use crate::expiry::Expiry;
use crate::proxy::Proxy;
use crate::service::{SLACK, Service, patient};
use crate::support::{Redis, eventually};

const LEASE: Duration = Duration::from_millis(300);
/// Of a writer: there is no option.
const MARKER: Duration = Duration::from_secs(2);

#[invalidate(key = "row:<id>", two_phase, cache = cache)]
async fn write(cache: &Cache, id: &str) -> Result<(), Infallible> {
    Ok(())
}

#[write_through(key = "row:<id>", ttl = 60, cache = cache)]
async fn write_to_both(cache: &Cache, id: &str) -> Result<u64, Infallible> {
    Ok(8)
}

/// The child's part: one of everything that sends commands.
async fn life(url: &str) {
    // So patient that it does nothing but wait for an answer that will not come.
    let patient = Cache::builder().redis(url).prefix("test").timeout(Duration::from_secs(20));
    let cache = patient.build().expect("a cache");
    let policy = Policy::ttl(Duration::from_secs(60)).mutex().lease(LEASE);
    for id in ["k", "k", "other"] {
        // Long enough for a renewal.
        let load = async || {
            tokio::time::sleep(LEASE / 2).await;
            Ok::<_, String>(7_u64)
        };
        cache.get_or_load(key!("row:<id>"), policy, load).await.expect("a row");
    }
    let id = "failing";
    let failed = cache.get_or_load(key!("row:<id>"), policy, || async { Err::<u64, _>("no") }).await;
    assert_eq!(failed, Err("no"));
    write(&cache, "k").await.expect("a row");
    write_to_both(&cache, "k").await.expect("a row");
    cache.invalidate(&key!("row:<id>")).await.expect("a server");
    child::say("done");
    child::listen().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_between_any_two_of_its_commands_leaves_nothing_behind() {
    if let Some(arguments) = child::arguments() {
        return life(&arguments[0]).await;
    }
    let redis = Redis::start();
    let expiry = Expiry::watch(&redis);
    let this = "between::a_process_killed_between_any_two_of_its_commands_leaves_nothing_behind";
    let service = Service::over(patient(&redis)).mutex().lease(LEASE).loading_for(Duration::from_millis(1));
    let mut killed = 0;
    loop {
        let proxy = Proxy::before(redis.port());
        proxy.stop_after(killed);
        let mut child = Child::of(this, &[&proxy.url()], &[]);
        let done = tokio::select! {
            said = child.says() => said == "done",
            () = eventually("nothing is sent any more", async || proxy.has_stopped()) => false,
        };
        if done && !proxy.has_stopped() {
            break;
        }
        child.signal("-KILL");
        killed += 1;

        let row = service.write();
        for id in ["k", "other", "failing"] {
            let began = Instant::now();
            service.read(id).await;
            assert!(began.elapsed() < LEASE + service.load + SLACK, "{killed}: `{id}` took {:?}", began.elapsed());
            let hidden = if id == "k" { MARKER } else { LEASE };
            let back = service.until_hit(id).await;
            assert!(back < hidden + service.load + SLACK, "{killed}: `{id}` is a hit after {back:?}");
            service.invalidate(id).await.expect("a server");
            let answer = service.read(id).await;
            assert_eq!(answer.value, row, "{killed}: `{id}`");
            service.hit(id).await;
        }
        // Not the prefix's stamp: the service would rely on it for another second, and then find its entries old.
        redis.command::<()>(&["DEL", "test:row:k", "test:row:other", "test:row:failing"]);
    }
    // Logging in, the scripts, and a few for each of the seven.
    assert!(killed > 20, "killed {killed} times");
    expiry.end();
}
