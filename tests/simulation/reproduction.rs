//! A seed is worth something only if it gives the same history every time, in every process.

use std::process::Command;

use crate::history::event::{Event, What};
use crate::world::{Wrong, live};

const SEEDS: u64 = 300;
/// Set in the second process: this binary, run again for the same test.
const SECOND: &str = "SIMULATION_SECOND";
const SAYS: &str = "@histories ";

/// The same history whatever the tokens: those hold what is random in a process.
fn canonical(events: &[Event]) -> Vec<Event> {
    let mut known = Vec::new();
    let mut number = |token: u64| {
        let at = known.iter().position(|other| *other == token).unwrap_or(known.len());
        if at == known.len() {
            known.push(token);
        }
        at as u64
    };
    let rename = |event: &Event| {
        let mut event = *event;
        match &mut event.what {
            What::Stored { token, .. }
            | What::Leased { token, .. }
            | What::Renewed { token, .. }
            | What::GivenUp { token } => *token = number(*token),
            _ => {}
        }
        event
    };
    events.iter().map(rename).collect()
}

fn history(seed: u64) -> Vec<Event> {
    canonical(&live(seed, &Wrong::default()).events)
}

/// FNV-1a over all histories: the standard library's hashes need not be the same tomorrow.
fn digest() -> String {
    let bytes = (0..SEEDS).flat_map(history).flat_map(Event::to_bytes);
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

#[test]
fn the_same_seed_gives_the_same_history_twice() {
    for seed in 0..SEEDS {
        let (first, second) = (history(seed), history(seed));
        let differ = first.iter().zip(&second).find(|(first, second)| first != second);
        assert!(differ.is_none() && first.len() == second.len(), "seed {seed}: {differ:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_history_in_another_process() {
    if std::env::var_os(SECOND).is_some() {
        return println!("\n{SAYS}{}", digest());
    }
    let test = "reproduction::the_same_seed_gives_the_same_history_in_another_process";
    let mut second = Command::new(std::env::current_exe().expect("this binary"));
    let second = second.args([test, "--exact", "--nocapture"]).env(SECOND, "1").output().expect("this binary runs");
    let said = String::from_utf8_lossy(&second.stdout);
    let there = said.lines().find_map(|line| line.strip_prefix(SAYS)).expect("a digest");
    assert_eq!(digest(), there);
}
