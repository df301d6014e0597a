//! Tags and the epoch.

use super::{broken, calm};
use crate::holds::{CLEAR, LATE_CLEAR, LOST_TAG};
use crate::mutation::Mutation;
use crate::promise::Promise;
use crate::setting::Setting;

#[test]
fn a_stamp_is_read_before_the_load() {
    broken(
        Mutation::TagVersionAfterLoad,
        calm(LOST_TAG),
        Promise::NoStaleValue,
        &[
            "reader 0 acquires",
            "reader 0 reads v0",
            "writer 0 commits v1",
            "writer 0 invalidates the tag",
            "reader 0 makes the tag's stamp",
            "reader 0 fills v0",
        ],
    );
}

#[test]
fn a_stamp_is_unique_and_not_counted() {
    broken(
        Mutation::TagCounterRestarts,
        calm(LOST_TAG),
        Promise::NoStaleValue,
        &[
            "at first the key holds v0",
            "writer 0 commits v1",
            "writer 0 invalidates the tag",
            "reader 0 makes the tag's stamp",
        ],
    );
}

#[test]
fn a_missing_stamp_is_no_match() {
    broken(
        Mutation::MissingTagMatches,
        calm(LOST_TAG),
        Promise::NoStaleValue,
        &["at first the key holds v0", "writer 0 commits v1", "writer 0 invalidates the tag"],
    );
}

#[test]
fn a_clear_waits_until_nobody_relies_on_the_epoch() {
    broken(
        Mutation::ClearWithoutWait,
        Setting { cached: true, ..calm(CLEAR) },
        Promise::NoStaleValue,
        &[
            "at first the key holds v0, and process 0 relies on its epoch",
            "writer 0 commits v1",
            "writer 0 deletes the epoch",
            "the clear of writer 0 is complete",
        ],
    );
}

#[test]
fn an_epoch_is_as_old_as_the_question() {
    broken(
        Mutation::EpochTimedFromAnswer,
        LATE_CLEAR,
        Promise::NoStaleValue,
        &[
            "at first the key holds v0, and process 0 relies on its epoch",
            "reader 1 reads the epoch",
            "writer 0 commits v1",
            "writer 0 deletes the epoch",
            "the clear of writer 0 is complete",
        ],
    );
}
