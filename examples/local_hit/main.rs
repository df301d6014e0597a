//! `cargo run --release --example local_hit`: what a local hit costs, beside what a lookup written by hand costs: the same
//! map, the same keyed hash, a key built on the stack, a deadline by the same coarse clock, and the same clone.
//!
//! The two take turns in short rounds, and what counts is the median of the ratios: the machine is the same for both.
//! With `ours` or `by-hand` for an argument only one of them runs, for a profiler. Exits with 1 where a ratio is over
//! what is promised.

mod by_hand;
mod users;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cached_runtime::Cache;

use self::by_hand::ByHand;

/// Rounds, and calls in each: so short that most rounds are over before anybody else gets the processor.
const ROUNDS: usize = 2_000;
const CALLS: usize = 2_048;
/// The same on two threads, which take their time to begin.
const ROUNDS_OF_TWO: usize = 100;
const CALLS_OF_TWO: usize = 40_960;
/// Names that are asked for in turn.
const NAMES: usize = 1024;

/// What a local hit may cost, as a multiple: by value, and by pointer.
const PROMISED: (f64, f64) = (1.15, 1.10);

fn names() -> Vec<String> {
    (0..NAMES).map(|n| format!("user{n:05}@example.com")).collect()
}

/// Nanoseconds per call.
async fn time<T>(names: &[String], calls: usize, call: impl AsyncFn(&str) -> T) -> f64 {
    let began = Instant::now();
    for name in names.iter().cycle().take(calls) {
        black_box(call(black_box(name)).await);
    }
    began.elapsed().as_secs_f64() * 1e9 / calls as f64
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Both in turn: nanoseconds by hand, nanoseconds ours, and the median of the ratios.
async fn compare<T, U>(names: &[String], by_hand: impl AsyncFn(&str) -> T, ours: impl AsyncFn(&str) -> U) -> [f64; 3] {
    let (mut theirs, mut own, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (one, two) = (time(names, CALLS, &by_hand).await, time(names, CALLS, &ours).await);
        theirs.push(one);
        own.push(two);
        ratios.push(two / one);
    }
    [median(theirs), median(own), median(ratios)]
}

/// Calls until every name is answered in this process.
async fn warm(cache: &Cache, names: &[String]) {
    loop {
        let before = cache.stats().total().hits_local;
        for name in names {
            users::find(name).await;
            users::find_shared(name).await;
        }
        if cache.stats().total().hits_local - before == 2 * names.len() as u64 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let cache = Cache::in_memory();
    cache.install();
    let names: &'static [String] = names().leak();
    warm(&cache, names).await;
    let by_hand: &'static ByHand = Box::leak(Box::new(ByHand::new(names)));
    match std::env::args().nth(1).as_deref() {
        Some("ours") => println!("{:.1} ns", time(names, 20_000, async |name| users::find_shared(name).await).await),
        Some("by-hand") => {
            println!("{:.1} ns", time(names, 20_000, async |name| by_hand.find_shared(name).await).await)
        }
        Some("ours-by-value") => println!("{:.1} ns", time(names, 20_000, async |name| users::find(name).await).await),
        Some("by-hand-by-value") => {
            println!("{:.1} ns", time(names, 20_000, async |name| by_hand.find(name).await).await)
        }
        _ => return report(names, by_hand).await,
    }
    ExitCode::SUCCESS
}

async fn report(names: &'static [String], by_hand: &'static ByHand) -> ExitCode {
    println!("{:<22} {:>10} {:>10} {:>7}", "ns per hit", "by hand", "local", "ratio");
    let value = compare(names, async |name| by_hand.find(name).await, async |name| users::find(name).await).await;
    println!("{:<22} {:>10.1} {:>10.1} {:>7.2}", "by value", value[0], value[1], value[2]);
    let shared =
        compare(names, async |name| by_hand.find_shared(name).await, async |name| users::find_shared(name).await).await;
    println!("{:<22} {:>10.1} {:>10.1} {:>7.2}", "returning `Arc<User>`", shared[0], shared[1], shared[2]);
    let (mut theirs, mut own) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS_OF_TWO {
        theirs.push(on_two_threads(names, async |name| by_hand.find_shared(name).await).await);
        own.push(on_two_threads(names, async |name| users::find_shared(name).await).await);
    }
    let (theirs, own) = (median(theirs), median(own));
    println!("{:<22} {:>10.1} {:>10.1} {:>7.2}", "`Arc`, two threads", theirs, own, own / theirs);
    println!("two threads beside one: {:.2} by hand, {:.2} local", theirs / shared[0], own / shared[1]);
    if value[2] > PROMISED.0 || shared[2] > PROMISED.1 {
        println!("promised: {} by value, {} by pointer", PROMISED.0, PROMISED.1);
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The mean of what two threads at a time take.
async fn on_two_threads<T, F: AsyncFn(&str) -> T + Copy + Send + 'static>(names: &'static [String], call: F) -> f64 {
    let both = [0, NAMES / 2].map(|from| {
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let names: Vec<String> = names[from..].iter().chain(&names[..from]).cloned().collect();
            runtime.block_on(time(&names, CALLS_OF_TWO, call))
        })
    });
    both.map(|thread| thread.join().expect("no panic")).iter().sum::<f64>() / 2.0
}
