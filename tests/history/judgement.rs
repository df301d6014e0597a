//! Histories of a few events, and what the checker makes of each.

use std::time::Duration;

use crate::history::checker::{Checker, Counts};
use crate::history::event::{Event, What};
use crate::history::habits::Habits;
use crate::history::story::Kind;

const MILLISECOND: u64 = 1_000_000;
const LEASE: u16 = 40;
const LATE: Duration = Duration::from_millis(10);

/// Events in order, a millisecond apart; each by the caller of that number.
fn judged(events: &[(u16, What)]) -> Checker {
    judged_by(Checker::new(LATE), events)
}

fn judged_by(mut checker: Checker, events: &[(u16, What)]) -> Checker {
    checker.extend((1..).zip(events).map(|(nth, (task, what))| Event {
        at: nth * MILLISECOND,
        process: 0,
        task: *task,
        key: 0,
        what: *what,
    }));
    checker
}

fn counts(events: &[(u16, What)]) -> Counts {
    judged(events).counts()
}

fn ended(version: u64) -> What {
    What::ReadEnded { version, of: 0 }
}

fn leased(token: u64, asked: u64) -> What {
    What::Leased { token, asked: asked * MILLISECOND, millis: LEASE }
}

#[test]
fn a_read_that_began_after_a_write_was_over_and_returns_an_older_version_is_stale() {
    let judged =
        judged(&[(1, What::CommitBegan), (1, What::Invalidated { version: 1 }), (2, What::ReadBegan), (2, ended(0))]);
    assert_eq!(judged.counts(), Counts { reads: 1, invalidations: 1, stale: 1, ..Counts::default() });
}

#[test]
fn a_read_that_began_before_the_write_was_over_may_return_either_version() {
    for version in [0, 1] {
        let counts = counts(&[
            (1, What::CommitBegan),
            (2, What::ReadBegan),
            (1, What::Invalidated { version: 1 }),
            (2, ended(version)),
        ]);
        assert_eq!((counts.reads, counts.offences()), (1, 0), "version {version}");
    }
}

#[test]
fn a_local_read_may_return_what_was_there_a_second_ago_and_nothing_older() {
    for (after, stale) in [(900, 0), (990, 0), (1_010, 1), (3_000, 1)] {
        let mut events = vec![(1, What::CommitBegan), (1, What::Invalidated { version: 1 })];
        events.extend((0..after).map(|_| (9, What::ReadBegan)));
        events.extend([(1, What::CommitBegan), (1, What::Invalidated { version: 2 })]);
        events.extend([(2, What::LocalReadBegan), (2, ended(0)), (3, What::LocalReadBegan), (3, ended(1))]);
        assert_eq!(counts(&events).stale, stale, "{after} ms after the first write");
    }
}

#[test]
fn a_late_invalidation_of_an_older_version_does_not_allow_that_version_again() {
    let counts = counts(&[
        (1, What::CommitBegan),
        (2, What::CommitBegan),
        (2, What::Invalidated { version: 2 }),
        (1, What::Invalidated { version: 1 }),
        (3, What::ReadBegan),
        (3, ended(1)),
    ]);
    assert_eq!(counts.stale, 1);
}

#[test]
fn an_absence_is_stale_where_every_version_that_says_so_is_too_old() {
    // Versions 0, 2 and 4 say that there is no such row.
    for (commits, stale) in [(1, 1), (2, 0), (3, 1)] {
        let mut events = vec![(1, What::CommitBegan); commits];
        events.push((1, What::Invalidated { version: commits as u64 }));
        events.extend([(2, What::ReadBegan), (2, What::ReadNone)]);
        let counts = judged_by(Checker::new(LATE).of(Habits { absent_one_in: 2, ..Habits::BUSY }), &events).counts();
        assert_eq!((counts.reads, counts.stale, counts.from_nowhere), (1, stale, 0), "{commits} commits");
    }
}

#[test]
fn an_absence_of_a_row_that_is_always_there_comes_from_nowhere() {
    assert_eq!(counts(&[(1, What::ReadBegan), (1, What::ReadNone)]).from_nowhere, 1);
}

#[test]
fn a_read_without_an_answer_is_no_read() {
    let counts = counts(&[
        (1, What::CommitBegan),
        (1, What::Invalidated { version: 1 }),
        (2, What::ReadBegan),
        (2, What::ReadGone),
    ]);
    assert_eq!((counts.reads, counts.offences()), (0, 0));
}

#[test]
fn nobody_reads_what_is_not_committed_yet_nor_another_keys_row() {
    assert_eq!(counts(&[(2, What::ReadBegan), (2, ended(1)), (1, What::CommitBegan)]).from_nowhere, 1);
    assert_eq!(counts(&[(2, What::ReadBegan), (1, What::CommitBegan), (2, ended(1))]).from_nowhere, 0);
    assert_eq!(counts(&[(2, What::ReadBegan), (2, What::ReadEnded { version: 0, of: 1 })]).from_nowhere, 1);
}

#[test]
fn a_lease_that_is_given_while_another_is_held_is_one_too_many() {
    assert_eq!(counts(&[(0, leased(1, 0)), (0, leased(2, 1))]).two_leases, 1);
}

#[test]
fn a_lease_may_be_given_once_the_one_before_has_ended_or_may_have() {
    let ends: [&[What]; 6] = [
        &[What::GivenUp { token: 1 }],
        &[What::Clearing, What::Cleared],
        &[What::Clearing],
        &[What::Clearing, What::PerhapsCleared],
        // It expires.
        &[What::ReadBegan; 40],
        &[What::Renewed { token: 9, asked: 2 * MILLISECOND, millis: LEASE }, What::GivenUp { token: 1 }],
    ];
    for end in ends {
        let mut events = vec![(0, leased(1, 0))];
        events.extend(end.iter().map(|what| (9, *what)));
        events.push((0, leased(2, 0)));
        assert_eq!(counts(&events).two_leases, 0, "{end:?}");
    }
}

#[test]
fn whatever_is_there_ends_by_itself_before_long() {
    for (millis, endless) in [(Some(60_000), 0), (Some(3_000_000_000), 1), (None, 1)] {
        let counts = counts(&[(0, What::Lives { millis })]);
        assert_eq!((counts.looks, counts.endless), (1, endless), "{millis:?}");
    }
}

/// Whether the second caller waits for nobody, who has a load of its own a while after these events.
fn forgotten(events: &[(u16, What)]) -> u64 {
    let mut events = [&[(2, What::ReadBegan)], events].concat();
    events.extend([(9, What::ReadBegan); 20]);
    events.push((2, What::Loading));
    judged_by(Checker::new(LATE).patient(Duration::from_millis(20)), &events).counts().forgotten
}

#[test]
fn a_read_that_waits_while_nobody_loads_is_forgotten() {
    assert_eq!(forgotten(&[]), 1);
    assert_eq!(forgotten(&[(1, What::Loading)]), 0, "somebody does");
    assert_eq!(forgotten(&[(1, What::Loading), (1, What::LoadOver)]), 1, "nobody does any more");
    assert_eq!(forgotten(&[(0, leased(7, 0))]), 0, "another process may");
    assert_eq!(forgotten(&[(0, leased(7, 0)), (0, What::GivenUp { token: 7 })]), 1, "it has ended");
    assert_eq!(forgotten(&[(0, leased(7, 0)), (0, What::GivenUp { token: 6 })]), 0, "another lease has");
    assert_eq!(forgotten(&[(2, What::Loading), (2, What::LoadOver)]), 0, "what follows its own load is no wait");
}

#[test]
fn a_read_that_ends_without_a_load_may_have_waited_too_long() {
    let mut events = vec![(2, What::ReadBegan)];
    events.extend([(9, What::ReadBegan); 20]);
    events.push((2, What::ReadEnded { version: 0, of: 0 }));
    let patient = |millis| Checker::new(LATE).patient(Duration::from_millis(millis));
    assert_eq!(judged_by(patient(20), &events).counts().forgotten, 1);
    assert_eq!(judged_by(patient(30), &events).counts().forgotten, 0);
    assert_eq!(counts(&events).forgotten, 0, "where a machine may stand still");
}

#[test]
fn somebody_elses_release_ends_no_lease_and_a_renewal_prolongs_it() {
    assert_eq!(counts(&[(0, leased(1, 0)), (0, What::GivenUp { token: 7 }), (0, leased(2, 1))]).two_leases, 1);
    let mut events = vec![(0, leased(1, 0)), (0, What::Renewed { token: 1, asked: 30 * MILLISECOND, millis: LEASE })];
    events.extend([(9, What::ReadBegan); 40]);
    events.push((0, leased(2, 42)));
    assert_eq!(counts(&events).two_leases, 1);
}

#[test]
fn the_answer_to_a_deletion_may_come_before_that_to_a_lease_which_it_ended() {
    let counts =
        counts(&[(0, What::Clearing), (0, What::Cleared), (0, leased(1, 0)), (0, leased(2, 3)), (0, leased(3, 4))]);
    // The first may have ended before the second was given; the second is held for certain.
    assert_eq!(counts.two_leases, 1);
}

#[test]
fn the_shortest_offence_is_told_with_the_load_the_lease_the_write_and_the_fill_that_made_it() {
    let mut events = vec![
        (0, leased(5, 0)),
        (4, What::Loaded { version: 0 }),
        // Of no account.
        (0, What::GivenUp { token: 4 }),
        (1, What::CommitBegan),
        (1, What::Invalidated { version: 1 }),
        (0, What::Stored { version: 0, token: 5 }),
        (2, What::ReadBegan),
        (2, ended(0)),
    ];
    // The same again takes longer, for its reader comes late.
    events.extend([(3, What::ReadBegan), (3, ended(0))]);
    let checker = judged(&events);
    assert_eq!(checker.counts().stale, 2);
    let story = checker.shortest().expect("a story");
    assert_eq!(story.kind(), Kind::Stale);
    let told: Vec<What> = story.events().iter().map(|event| event.what).collect();
    events.truncate(8);
    events.remove(2);
    assert_eq!(told, events.iter().map(|(_, what)| *what).collect::<Vec<_>>());
    let told = story.to_string();
    assert!(told.starts_with("a stale read, key 0"), "{told}");
    assert!(told.contains("5000   0.0    version 0 is stored, under lease 0005\n"), "{told}");
}

#[test]
fn a_deletion_without_an_answer_may_still_come_until_something_sent_later_was_answered() {
    let history = |answer: What| {
        let mut events = vec![(0, What::Clearing), (0, What::PerhapsCleared), (0, answer)];
        events.extend([(9, What::ReadBegan); 12]);
        events.extend([(0, leased(1, 15)), (0, leased(2, 16))]);
        counts(&events).two_leases
    };
    assert_eq!(history(What::Loaded { version: 0 }), 0);
    let renewed = |asked: u64| What::Renewed { token: 9, asked: asked * MILLISECOND, millis: LEASE };
    assert_eq!(history(renewed(1)), 0, "sent before");
    assert_eq!(history(renewed(3)), 1);
}
