//! Several logs, read as one.

use crate::history::event::{Event, What};
use crate::history::merge::Merge;

fn event(at: u64) -> Event {
    Event { at, process: 0, task: 0, key: 0, what: What::ReadBegan }
}

fn instants(merge: &mut Merge) -> Vec<u64> {
    merge.by_ref().map(|event| event.at).collect()
}

#[test]
fn events_come_in_order_and_none_before_everybody_has_told_what_was_earlier() {
    let mut merge = Merge::of(2);
    merge.add(0, [event(1), event(5)], 6);
    assert!(instants(&mut merge).is_empty());
    merge.add(1, [event(2)], 4);
    assert_eq!(instants(&mut merge), [1, 2]);
    merge.end(1);
    assert_eq!(instants(&mut merge), [5]);
}

#[test]
fn an_event_is_the_same_after_its_way_between_processes() {
    let what = [
        What::ReadBegan,
        What::LocalReadBegan,
        What::ReadEnded { version: u64::MAX, of: 5 },
        What::ReadGone,
        What::CommitBegan,
        What::Invalidated { version: 7 },
        What::Loaded { version: 8 },
        What::Stored { version: 9, token: 1 << 60 },
        What::Leased { token: 3, asked: 1 << 50, millis: 40 },
        What::Renewed { token: 4, asked: 1 << 51, millis: u16::MAX },
        What::GivenUp { token: 5 },
        What::Clearing,
        What::Cleared,
        What::PerhapsCleared,
        What::Queued { version: 10 },
        What::ReadNone,
        What::Loading,
        What::LoadOver,
        What::Lives { millis: Some(40) },
        What::Lives { millis: None },
    ];
    for what in what {
        let event = Event { at: 1 << 40, process: 3, task: 1 << 9, key: 6, what };
        assert_eq!(Event::from_bytes(&event.to_bytes()), Some(event));
    }
    assert_eq!(Event::from_bytes(&[0xFF; Event::SIZE]), None);
}
