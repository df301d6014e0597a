//! A soak is worth something only if it notices what it is there to notice.

use std::time::Duration;

use crate::history::checker::Counts;
use crate::history::event::{Event, What};
use crate::soak::fleet::Outcome;
use crate::soak::judge::{Judge, Verdict};
use crate::soak::leftover::Leftover;
use crate::soak::process::Figures;
use crate::soak::report::Report;
use crate::soak::server::Server;

/// Events in order, each of a process, about one key.
fn judged(events: &[(u8, What)]) -> Verdict {
    let mut judge = Judge::new();
    judge.extend((1..).zip(events).map(|(at, (process, what))| Event {
        at,
        process: *process,
        task: 1,
        key: 0,
        what: *what,
    }));
    judge.verdict()
}

/// A write of version 1 that ends so, and a read of the version before by that process.
fn read_of_the_old_row(over: What, reader: u8) -> Verdict {
    judged(&[
        (0, What::CommitBegan),
        (0, over),
        (reader, What::ReadBegan),
        (reader, What::ReadEnded { version: 0, of: 0 }),
    ])
}

#[test]
fn a_read_that_missed_an_acknowledged_write_is_stale_in_any_process() {
    for reader in [0, 1] {
        assert_eq!(read_of_the_old_row(What::Invalidated { version: 1 }, reader).counts.stale, 1);
    }
}

#[test]
fn a_read_that_missed_a_queued_write_is_an_offence_in_its_own_process_and_counted_apart_in_another() {
    let queued = What::Queued { version: 1 };
    let own = read_of_the_old_row(queued, 0);
    assert_eq!((own.betrayed, own.behind, own.counts.stale, own.queued), (1, 0, 0, 1));
    assert!(own.story.is_some());
    let other = read_of_the_old_row(queued, 1);
    assert_eq!((other.betrayed, other.behind, other.counts.stale), (0, 1, 0));
    assert!(other.story.is_none());
}

#[test]
fn a_read_that_began_before_the_write_was_over_may_miss_it() {
    for over in [What::Queued { version: 1 }, What::Invalidated { version: 1 }] {
        let verdict = judged(&[
            (0, What::CommitBegan),
            (1, What::ReadBegan),
            (0, over),
            (1, What::ReadEnded { version: 0, of: 0 }),
        ]);
        assert_eq!((verdict.betrayed, verdict.behind, verdict.counts.stale), (0, 0, 0));
    }
}

#[tokio::test]
async fn a_key_without_an_expiry_is_found() {
    let server = Server::start().await.expect("a server");
    server.must(&["SET", "soak:for ever", "1"]).await.expect("SET");
    server.must(&["SET", "soak:for a while", "1", "PX", "60000"]).await.expect("SET");
    server.must(&["SET", "another", "1"]).await.expect("SET");
    let mut leftover = Leftover::default();
    leftover.sample(&server.url(), "soak").await.expect("a sample");
    assert_eq!((leftover.samples, leftover.seen), (1, 2));
    assert_eq!(leftover.eternal.iter().collect::<Vec<_>>(), ["soak:for ever"]);
}

/// One in which all is well.
fn outcome() -> Outcome {
    let figures = Figures { quiet_hits: 51, quiet_calls: 100, opened: 1, longest_us: 1_000_000, ..Figures::default() };
    let counts = Counts { reads: 100, invalidations: 1, ..Counts::default() };
    Outcome {
        faults: 1,
        figures: vec![figures],
        verdict: Verdict { counts, ..Verdict::default() },
        leftover: Leftover { samples: 1, seen: 1, ..Leftover::default() },
    }
}

/// What is said of it.
fn broken(change: impl FnOnce(&mut Outcome)) -> Vec<String> {
    let mut outcome = outcome();
    change(&mut outcome);
    Report { outcome: &outcome, longest: Duration::from_secs(1) }.broken()
}

#[test]
fn each_promise_that_broke_is_named() {
    assert_eq!(broken(|_| {}), Vec::<String>::new());
    type Breaks = (&'static str, fn(&mut Outcome));
    let all: [Breaks; 14] = [
        ("calls failed", |it| it.figures[0].errors = 1),
        ("stale reads", |it| it.verdict.counts.stale = 1),
        ("of their own process", |it| it.verdict.betrayed = 1),
        ("never committed", |it| it.verdict.counts.from_nowhere = 1),
        ("not over half", |it| it.figures[0].quiet_hits = 50),
        ("a call took", |it| it.figures[0].longest_us = 1_000_001),
        ("without an expiry", |it| _ = it.leftover.eternal.insert("soak:row:1".to_owned())),
        ("loads are still remembered", |it| it.figures[0].flights_left = 1),
        ("still queued", |it| it.figures[0].undelivered = 1),
        ("has grown", |it| it.figures[0].memory_at_last = 1 << 30),
        ("no fault", |it| it.faults = 0),
        ("nothing was written", |it| it.verdict.counts.invalidations = 0),
        ("no breaker", |it| it.figures[0].opened = 0),
        ("no key was ever looked at", |it| it.leftover.samples = 0),
    ];
    for (words, change) in all {
        let broken = broken(change);
        assert!(matches!(&broken[..], [promise] if promise.contains(words)), "{words}: {broken:?}");
    }
}
