//! The protocol as it is: in each setting every promise holds in every state.
//!
//! Each test also says how many states there are at least: a space that has shrunk may not contain any more what it was
//! explored for.

use crate::explore::explore;
use crate::setting::Setting;
use crate::writer::Kind;

const NOTHING: Setting = Setting::EMPTY;

/// Three readers, two of which share their loads, and an invalidation. With everything that can go wrong.
pub const READS: Setting =
    Setting { readers: &[0, 0, 1], writers: &[Kind::Invalidate], timeouts: 1, deaths: 1, evicts: true, ..NOTHING };

/// The same with two invalidations, and nothing that goes wrong.
const CONTENTION: Setting = Setting { readers: &[0, 0, 1], writers: &[Kind::Invalidate, Kind::Invalidate], ..NOTHING };

/// Readers without `mutex`, who do not wait.
const IMPATIENCE: Setting =
    Setting { readers: &[0, 0, 1], writers: &[Kind::TwoPhase], impatient: true, deaths: 1, evicts: true, ..NOTHING };

/// Two commands that come late.
const DELAYS: Setting =
    Setting { readers: &[0, 1], writers: &[Kind::Invalidate], timeouts: 2, deaths: 1, evicts: true, ..NOTHING };

/// An invalidation that the cache knows nothing of, during one that hides the key.
const STRANGERS: Setting = Setting {
    readers: &[0, 1],
    writers: &[Kind::Foreign, Kind::TwoPhase],
    timeouts: 1,
    deaths: 1,
    evicts: true,
    ..NOTHING
};

/// Three write-throughs that overlap.
const WRITES: Setting =
    Setting { readers: &[0, 1], writers: &[Kind::WriteThrough, Kind::WriteThrough, Kind::WriteThrough], ..NOTHING };

/// The same, and one of their commands comes late.
pub const LATE_WRITES: Setting = Setting {
    readers: &[0],
    writers: &[Kind::WriteThrough, Kind::WriteThrough, Kind::WriteThrough],
    timeouts: 1,
    ..NOTHING
};

/// Two kinds of markers, and writers that die.
const DYING_WRITERS: Setting =
    Setting { readers: &[0, 1], writers: &[Kind::WriteThrough, Kind::TwoPhase], deaths: 1, ..NOTHING };

/// Values that are refreshed while they stay readable.
pub const REFRESHES: Setting = Setting {
    readers: &[0, 1],
    writers: &[Kind::Invalidate, Kind::WriteThrough],
    refreshes: true,
    cached: true,
    timeouts: 1,
    evicts: true,
    ..NOTHING
};

/// Loads that end with an answer that is not stored.
pub const ABSENCES: Setting =
    Setting { readers: &[0, 1, 1], writers: &[Kind::Invalidate], absences: true, deaths: 1, evicts: true, ..NOTHING };

/// The same with two writers, and a command that comes late.
const LATE_ABSENCES: Setting =
    Setting { readers: &[0, 1], writers: &[Kind::Invalidate, Kind::TwoPhase], absences: true, timeouts: 1, ..NOTHING };

/// A tag.
pub const TAG: Setting = Setting { readers: &[0, 1, 1], writers: &[Kind::InvalidateTag], tagged: true, ..NOTHING };

/// A tag whose stamp is lost now and then, loads that store nothing, and somebody who writes meanwhile.
pub const LOST_TAG: Setting = Setting {
    readers: &[0, 1],
    writers: &[Kind::InvalidateTag, Kind::Invalidate],
    tagged: true,
    absences: true,
    cached: true,
    evicts: true,
    ..NOTHING
};

/// A tag on a value that is written through.
const WRITTEN_TAG: Setting = Setting {
    readers: &[0, 1],
    writers: &[Kind::InvalidateTag, Kind::WriteThrough],
    tagged: true,
    cached: true,
    ..NOTHING
};

/// A prefix that is cleared.
pub const CLEAR: Setting = Setting { readers: &[0, 1, 1], writers: &[Kind::Clear], clearable: true, ..NOTHING };

/// The same while an answer about it is under way.
pub const LATE_CLEAR: Setting =
    Setting { readers: &[0, 1], writers: &[Kind::Clear], clearable: true, cached: true, timeouts: 1, ..NOTHING };

/// The same while loads end with an answer that is not stored, and somebody writes.
pub const CLEARED_ABSENCES: Setting =
    Setting { readers: &[0, 1], writers: &[Kind::Clear, Kind::Invalidate], clearable: true, absences: true, ..NOTHING };

/// The same during a write-through, with an epoch that is lost now and then.
const WRITTEN_CLEAR: Setting = Setting {
    readers: &[0],
    writers: &[Kind::Clear, Kind::WriteThrough],
    clearable: true,
    cached: true,
    timeouts: 1,
    evicts: true,
    ..NOTHING
};

#[track_caller]
fn holds(name: &str, setting: Setting, at_least: usize) {
    let (states, counterexample) = explore(name, setting, None);
    assert!(counterexample.is_none(), "{counterexample:#?}");
    assert!(states >= at_least, "only {states} states, where there were more than {at_least}");
}

macro_rules! holds {
    ($($test:ident: $setting:ident, $at_least:expr;)*) => {$(
        #[test]
        fn $test() {
            holds(stringify!($setting), $setting, $at_least);
        }
    )*};
}

holds! {
    readers_share_and_wait_while_everything_goes_wrong: READS, 120_000;
    readers_share_and_wait_while_two_write: CONTENTION, 47_000;
    readers_who_do_not_wait_share_as_well: IMPATIENCE, 63_000;
    commands_may_come_late: DELAYS, 7_000;
    anybody_may_invalidate: STRANGERS, 140_000;
    writers_may_overlap: WRITES, 210_000;
    the_commands_of_writers_may_come_late: LATE_WRITES, 62_000;
    writers_may_die: DYING_WRITERS, 61_000;
    values_may_be_refreshed: REFRESHES, 110_000;
    loads_may_store_nothing: ABSENCES, 30_000;
    loads_that_store_nothing_may_say_so_late: LATE_ABSENCES, 87_000;
    a_tag_may_be_invalidated: TAG, 60_000;
    a_tag_may_lose_its_stamp: LOST_TAG, 74_000;
    a_value_with_a_tag_may_be_written: WRITTEN_TAG, 65_000;
    a_prefix_may_be_cleared: CLEAR, 105_000;
    a_prefix_may_be_cleared_while_its_epoch_is_read: LATE_CLEAR, 19_000;
    a_prefix_may_be_cleared_while_loads_store_nothing: CLEARED_ABSENCES, 44_000;
    a_prefix_may_be_cleared_during_a_write: WRITTEN_CLEAR, 40_000;
}
