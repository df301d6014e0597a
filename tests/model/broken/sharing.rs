//! Who may have the result of whose load.

use super::{broken, calm};
use crate::holds::{CLEAR, CLEARED_ABSENCES, LOST_TAG, READS, TAG};
use crate::mutation::Mutation;
use crate::promise::Promise;
use crate::setting::Setting;

#[test]
fn a_late_joiner_has_the_result_only_if_the_fill_was_accepted() {
    broken(
        Mutation::BlindAdoption,
        calm(READS),
        Promise::NoStaleRead,
        &[
            "reader 0 acquires",
            "reader 0 reads v0",
            "writer 0 commits v1",
            "writer 0 invalidates",
            "reader 1 joins reader 0",
            "reader 0 cannot fill v0",
            "reader 0 returns v0, reader 1 adopts it",
        ],
    );
}

#[test]
fn nobody_joins_after_the_fill_was_sent() {
    broken(
        Mutation::AdoptAfterSeal,
        calm(READS),
        Promise::NoStaleRead,
        &[
            "reader 0 acquires",
            "reader 0 reads v0",
            "reader 0 fills v0",
            "writer 0 commits v1",
            "writer 0 invalidates",
            "reader 1 joins reader 0",
            "reader 0 returns v0, reader 1 adopts it",
        ],
    );
}

#[test]
fn a_late_joiner_never_has_a_result_with_a_tag() {
    broken(
        Mutation::AdoptTagged,
        calm(TAG),
        Promise::NoStaleRead,
        &[
            "reader 1 makes the tag's stamp",
            "reader 1 acquires",
            "reader 1 reads v0",
            "writer 0 commits v1",
            "writer 0 invalidates the tag",
            "reader 2 joins reader 1",
            "reader 1 fills v0",
            "reader 1 returns v0, reader 2 adopts it",
        ],
    );
}

#[test]
fn a_late_joiner_has_a_result_of_its_own_epoch_only() {
    broken(
        Mutation::AdoptCleared,
        calm(CLEAR),
        Promise::NoStaleRead,
        &[
            "reader 1 makes an epoch",
            "reader 1 acquires",
            "reader 1 reads v0",
            "writer 0 commits v1",
            "writer 0 deletes the epoch",
            "the clear of writer 0 is complete",
            "reader 2 joins reader 1",
            "reader 1 fills v0",
            "reader 1 returns v0, reader 2 adopts it",
        ],
    );
}

#[test]
fn what_was_waited_for_is_not_shared_with_a_tag() {
    broken(
        Mutation::ShareUnasked,
        calm(TAG),
        Promise::NoStaleRead,
        &[
            "reader 0 makes the tag's stamp",
            "reader 0 acquires",
            "reader 0 reads v0",
            "reader 1 reads the tag's stamp",
            "reader 1 waits",
            "reader 0 fills v0",
            "writer 0 commits v1",
            "writer 0 invalidates the tag",
            "reader 2 joins reader 1",
            "reader 1 wakes and finds v0",
            "reader 1 returns v0, reader 2 adopts it",
        ],
    );
}

#[test]
fn what_was_waited_for_is_shared_only_while_its_epoch_stands() {
    broken(
        Mutation::ShareUnasked,
        calm(CLEAR),
        Promise::NoStaleRead,
        &[
            "reader 0 makes an epoch",
            "reader 0 acquires",
            "reader 0 reads v0",
            "reader 1 reads the epoch",
            "reader 1 waits",
            "reader 0 fills v0",
            "writer 0 commits v1",
            "writer 0 deletes the epoch",
            "the clear of writer 0 is complete",
            "reader 2 joins reader 1",
            "reader 1 wakes and finds v0",
            "reader 1 returns v0, reader 2 adopts it",
        ],
    );
}

#[test]
fn an_absence_with_a_tag_is_not_adopted() {
    broken(
        Mutation::AdoptTaggedAbsence,
        Setting { cached: false, ..calm(LOST_TAG) },
        Promise::NoStaleRead,
        &[
            "reader 0 makes the tag's stamp",
            "reader 0 acquires",
            "reader 0 reads v0",
            "writer 0 commits v1",
            "writer 0 invalidates the tag",
            "reader 1 makes the tag's stamp",
            "reader 1 waits",
            "reader 0 has nothing to store and gives its lease back",
            "reader 1 wakes and finds v0",
        ],
    );
}

#[test]
fn an_absence_of_another_epoch_is_not_adopted() {
    broken(
        Mutation::AdoptClearedAbsence,
        calm(CLEARED_ABSENCES),
        Promise::NoStaleRead,
        &[
            "reader 0 makes an epoch",
            "reader 0 acquires",
            "reader 0 reads v0",
            "writer 0 commits v1",
            "writer 0 deletes the epoch",
            "the clear of writer 0 is complete",
            "reader 1 makes an epoch",
            "reader 1 waits",
            "reader 0 has nothing to store and gives its lease back",
            "reader 1 wakes and finds v0",
        ],
    );
}

#[test]
fn a_load_that_goes_away_tells_its_followers() {
    broken(
        Mutation::FollowersForgotten,
        READS,
        Promise::NobodyStuck,
        &["reader 0 acquires", "reader 1 joins reader 0", "reader 0 is cancelled"],
    );
}
