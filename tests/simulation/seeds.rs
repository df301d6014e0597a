//! Ten thousand seeds, and one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::faulty::{Fault, Faulty};
use crate::world::{Life, Wrong, live};

const SEEDS: u64 = 10_000;
/// No read takes longer, of the 2 s for which it may wait, the operations around that, and a load.
const PATIENCE: Duration = Duration::from_secs(3);

/// Runs a test's seeds on every processor until one is told to stop.
pub fn each_seed(seeds: u64, see: impl Fn(u64) -> bool + Sync) {
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    if !see(seed) {
                        next.store(seeds, Ordering::Relaxed);
                    }
                }
            });
        }
    });
}

/// How to see it again.
fn command(seed: u64) -> String {
    format!("SEED={seed} cargo test --test simulation no_read_is_stale -- --nocapture")
}

fn judge(seed: u64, life: &Life) -> Result<(), String> {
    if let Some(story) = life.checker.shortest() {
        return Err(format!("{story}\n{}", command(seed)));
    }
    if life.slowest > PATIENCE {
        return Err(format!("a read took {:?}\n{}", life.slowest, command(seed)));
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Total {
    reads: u64,
    hits: u64,
    invalidations: u64,
    leases: u64,
    late_fills: u64,
    coalesced: u64,
    lock_waits: u64,
    slowest: Duration,
}

/// With `SEED` in the environment that seed alone, and its whole history.
#[test]
fn no_read_is_stale_in_ten_thousand_seeds() {
    if let Ok(seed) = std::env::var("SEED") {
        let seed = seed.parse().expect("SEED is a number");
        let life = live(seed, &Wrong::default());
        for event in &life.events {
            println!("{event}");
        }
        return judge(seed, &life).unwrap_or_else(|offence| panic!("{offence}"));
    }
    let (total, offence) = (Mutex::new(Total::default()), Mutex::new(None));
    each_seed(SEEDS, |seed| {
        let life = live(seed, &Wrong::default());
        let (counts, stats) = (life.checker.counts(), &life.stats);
        let mut total = total.lock().expect("no panic");
        total.reads += counts.reads;
        total.invalidations += counts.invalidations;
        total.leases += counts.leases;
        total.hits += stats.hits;
        total.late_fills += stats.late_fills;
        total.coalesced += stats.coalesced;
        total.lock_waits += stats.lock_waits;
        total.slowest = total.slowest.max(life.slowest);
        judge(seed, &life).map_err(|told| *offence.lock().expect("no panic") = Some(told)).is_ok()
    });
    if let Some(offence) = offence.into_inner().expect("no panic") {
        panic!("{offence}");
    }
    let total = total.into_inner().expect("no panic");
    println!("{total:?}");
    // Lives in which nothing happens would prove nothing.
    assert!(total.reads > 20 * SEEDS && total.hits * 3 > total.reads && total.invalidations > 3 * SEEDS, "{total:?}");
    assert!(total.late_fills > SEEDS && total.coalesced > SEEDS && total.lock_waits > SEEDS / 2, "{total:?}");
}

#[test]
fn a_seed_that_fails_says_how_to_see_it_again() {
    let wrong = Wrong { store: Arc::new(Faulty::wrap(Fault::UnconditionalFill)), ..Wrong::default() };
    let told = (0..SEEDS).find_map(|seed| Some((seed, judge(seed, &live(seed, &wrong)).err()?)));
    let (seed, told) = told.expect("a stale read");
    assert!(told.contains("a stale read"), "{told}");
    assert!(
        told.ends_with(&format!("SEED={seed} cargo test --test simulation no_read_is_stale -- --nocapture")),
        "{told}"
    );
}
