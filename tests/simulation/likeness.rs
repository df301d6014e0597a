//! The simulated server is worth something only if it does what the real ones do: the same random commands, one after
//! another, have the same answers from Redis, from memory and from here.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cached_runtime::store::{Ask, Bytes, Filling, Observed, Placeholder, Store};
use cached_runtime::{Builder, Cache};
use tokio::runtime;

use crate::history::dice::Dice;
use crate::network::Network;
use crate::support::Redis;
use crate::weather::Weather;

const SEQUENCES: u64 = 200;
const COMMANDS: usize = 40;
const LONG: Duration = Duration::from_secs(600);

/// The store that a builder makes.
fn store(builder: Builder) -> Arc<dyn Store> {
    let made = Arc::new(OnceLock::new());
    let kept = Arc::clone(&made);
    let builder = builder.wrap_store(move |store| {
        kept.get_or_init(|| Arc::clone(&store));
        store
    });
    builder.build().expect("a cache");
    Arc::clone(made.get().expect("a store"))
}

/// What nobody uses twice: a sequence's keys are its own.
fn name(sequence: u64, dice: &mut Dice) -> Arc<str> {
    format!("likeness:{sequence}:{}", dice.roll(2)).into()
}

fn placeholder(dice: &mut Dice, kinds: &[u8]) -> Placeholder {
    let mut bytes = [7; 18];
    (bytes[0], bytes[1]) = (0xC5, *dice.one_of(kinds));
    bytes[17] = u8::try_from(dice.roll(3)).unwrap_or(0);
    bytes
}

fn filling(dice: &mut Dice) -> Filling {
    let value = Bytes::from(format!("value {}", dice.roll(1_000)));
    Filling { value, px: Some(LONG), tags: Vec::new() }
}

fn asks(sequence: u64, dice: &mut Dice) -> Vec<Ask> {
    let ask = |dice: &mut Dice| {
        let key = format!("likeness:{sequence}:tag:{}", dice.roll(2)).into();
        Ask { key, fresh: dice.roll(u64::MAX), px: LONG, extend: dice.once_in(4) }
    };
    (0..dice.roll(3)).map(|_| ask(dice)).collect()
}

/// One sequence's answers.
async fn answers(store: &dyn Store, sequence: u64) -> Vec<String> {
    let mut dice = Dice::new(sequence);
    let mut answers = Vec::new();
    for _ in 0..COMMANDS {
        let (key, asks) = (name(sequence, &mut dice), asks(sequence, &mut dice));
        let (lease, marker) = (placeholder(&mut dice, b"LR"), placeholder(&mut dice, b"W"));
        let (filling, command) = (filling(&mut dice), dice.roll(12));
        let answer = match command {
            0 => format!("acquire {:?}", store.acquire(&key, &lease, LONG, &asks).await.map(|it| (it.held, it.stamps))),
            1 => format!("get {:?}", store.get(&key).await),
            2 => format!("stamps {:?}", store.stamps(&asks).await),
            3 => format!("fill {:?}", store.fill(&key, &lease, &filling).await),
            4 => {
                let left = dice.once_in(2).then(|| (b"left".to_vec(), LONG));
                format!("release {:?}", store.release(&key, &lease, left).await)
            }
            5 => format!("renew {:?}", store.renew(&key, &lease, LONG).await),
            6 => {
                let held = store.get(&key).await.expect("an answer").unwrap_or_default();
                let seen = if dice.once_in(4) { b"other" } else { &held[..held.len().min(10)] };
                format!("takeover {:?}", store.takeover(&key, Observed::Prefix(seen), &lease, LONG).await)
            }
            7 => format!("write_begin {:?}", store.write_begin(&[key], &marker, LONG, &asks).await),
            8 => format!("write_end {:?}", store.write_end(&key, &marker, &filling).await),
            9 => format!("put {:?}", store.put(&key, &filling).await),
            10 => {
                let held = store.get(&key).await.expect("an answer").unwrap_or_default();
                let seen = if dice.once_in(4) || held.is_empty() { b"other" } else { &held[..held.len().min(10)] };
                format!("refill {:?}", store.refill(&key, seen, &filling).await)
            }
            _ => {
                let keys: Vec<_> = asks.iter().map(|ask| Arc::clone(&ask.key)).chain([key]).collect();
                format!("delete {:?}", store.delete(&keys).await)
            }
        };
        answers.push(answer);
    }
    answers
}

#[test]
fn the_simulated_server_answers_as_redis_and_memory_do() {
    let redis = Redis::start();
    let real = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (over_redis, in_memory) = (store(redis.builder().timeout(Duration::from_secs(5))), store(Cache::builder()));
    let paused = runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let (simulated, _plug) = Network::new(&Arc::default(), Weather::CALM, Dice::new(1), 5);
    for sequence in 0..SEQUENCES {
        let expected = real.block_on(answers(&*over_redis, sequence));
        assert_eq!(paused.block_on(answers(&simulated, sequence)), expected, "simulated, sequence {sequence}");
        assert_eq!(real.block_on(answers(&*in_memory, sequence)), expected, "in memory, sequence {sequence}");
    }
}
