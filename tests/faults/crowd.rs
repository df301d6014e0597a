//! Many callers in several processes on one cold key: what it costs Redis, and how soon they are woken.

use std::time::Duration;

use cached_runtime::{Cache, Policy, key};
use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinSet;

use crate::child::{self, Child};
use crate::support::{Count, Redis};

const PROCESSES: usize = 4;
const CALLERS: usize = 200;
/// Longer than it takes the last of them to come.
const LOAD: Duration = Duration::from_millis(200);

/// Microseconds on a clock that all processes of a machine share.
fn now() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

/// The child's part: in each round as many callers as there are; says when its load ended, if it had one, and when each
/// caller had its value.
async fn call_when_told(url: &str) {
    let patient = Cache::builder().redis(url).prefix("test").timeout(Duration::from_secs(5));
    let cache = patient.build().expect("a cache");
    loop {
        let round = child::listen().await;
        if round == "end" {
            return;
        }
        // Connections, scripts and the epoch.
        let warm = cache.get_or_load(key!("warm:<round>"), LOAD * 600, async || Ok::<_, String>(1_u64));
        warm.await.expect("a row");
        child::say("ready");
        child::listen().await;
        let loaded = Count::default();
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let (cache, round, loaded) = (cache.clone(), round.clone(), loaded.clone());
            callers.spawn(async move {
                let load = async || {
                    loaded.add();
                    tokio::time::sleep(LOAD).await;
                    child::say(&format!("loaded {}", now()));
                    Ok::<_, String>(7_u64)
                };
                let value = cache.get_or_load(key!("row:<round>"), Policy::ttl(LOAD * 600).mutex(), load).await;
                assert_eq!(value, Ok(7));
                now()
            });
        }
        let ended = callers.join_all().await;
        child::say(&format!("ended {}", ended.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")));
    }
}

/// Commands that clients have sent since the last time.
fn commands(redis: &Redis) -> u64 {
    let stats: String = redis.command(&["INFO", "commandstats"]);
    redis.command::<()>(&["CONFIG", "RESETSTAT"]);
    let calls = |line: &str| line.split(['=', ',']).nth(1)?.parse::<u64>().ok();
    // Not those that scripts send, nor what counting takes.
    let ours = ["set", "get", "evalsha", "pttl", "client|caching"];
    let named = |line: &&str| ours.iter().any(|name| line.starts_with(&format!("cmdstat_{name}:")));
    stats.lines().filter(named).filter_map(calls).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_hundred_callers_cost_one_load_and_few_commands_and_are_woken_at_once() {
    if let Some(arguments) = child::arguments() {
        return call_when_told(&arguments[0]).await;
    }
    let redis = Redis::start();
    let this = "crowd::eight_hundred_callers_cost_one_load_and_few_commands_and_are_woken_at_once";
    let mut children: Vec<_> = (0..PROCESSES).map(|_| Child::of(this, &[&redis.url()], &[])).collect();
    let (mut sent, mut woken) = (Vec::new(), Vec::new());
    for round in 0..5 {
        for child in &mut children {
            child.tell(&format!("{round}"));
            assert_eq!(child.says().await, "ready");
        }
        commands(&redis);
        for child in &mut children {
            child.tell("go");
        }
        let (mut loaded, mut ended) = (Vec::new(), Vec::<i64>::new());
        for child in &mut children {
            loop {
                let line = child.says().await;
                let (word, times) = line.split_once(' ').expect("a word and times");
                let times = times.split(' ').map(|time| time.parse::<i64>().expect("a time"));
                if word == "ended" {
                    ended.extend(times);
                    break;
                }
                loaded.extend(times);
            }
        }
        assert_eq!((loaded.len(), ended.len()), (1, PROCESSES * CALLERS), "round {round}");
        sent.push(commands(&redis));
        ended.sort_unstable();
        woken.push(ended[PROCESSES * CALLERS * 99 / 100] - loaded[0]);
    }
    for child in &mut children {
        child.tell("end");
    }
    // The best rounds: what a busy machine adds to the others says nothing. A look each; what the three other processes
    // wait with, three words each time that they look; and the fill, in which a script sends a command of its own.
    let (fewest, most) = (*sent.iter().min().expect("rounds"), (PROCESSES * CALLERS + 4 * 3 * 3 + 4) as u64);
    assert!((10..=most).contains(&fewest), "{sent:?} commands");
    let best = woken.iter().min().expect("rounds");
    assert!(*best < 20_000, "woken after {woken:?} microseconds");
}
