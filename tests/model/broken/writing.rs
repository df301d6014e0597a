//! In which order a writer does what.

use super::{broken, calm};
use crate::holds::{LATE_WRITES, READS};
use crate::mutation::Mutation;
use crate::promise::Promise;

#[test]
fn an_invalidation_comes_after_the_commit() {
    broken(
        Mutation::InvalidateBeforeCommit,
        calm(READS),
        Promise::NoStaleValue,
        &["writer 0 invalidates", "reader 0 acquires", "reader 0 reads v0", "reader 0 fills v0", "writer 0 commits v1"],
    );
}

#[test]
fn a_written_value_needs_a_marker() {
    broken(
        Mutation::PutWithoutMarker,
        calm(LATE_WRITES),
        Promise::NoStaleValue,
        &["writer 0 commits v1", "writer 1 commits v2", "writer 1 stores v2", "writer 0 stores v1"],
    );
}

#[test]
fn a_writer_that_misses_its_marker_deletes() {
    broken(
        Mutation::MarkerKeptOnMismatch,
        calm(LATE_WRITES),
        Promise::NoStaleValue,
        &[
            "writer 0 sets its marker",
            "writer 1 sets its marker",
            "writer 1 commits v1",
            "writer 0 commits v2",
            "writer 0 does not find its marker",
            "writer 1 stores v1",
        ],
    );
}

#[test]
fn a_written_value_replaces_its_own_marker_only() {
    broken(
        Mutation::WriteEndWithoutCompare,
        calm(LATE_WRITES),
        Promise::NoStaleValue,
        &[
            "writer 0 sets its marker",
            "writer 0 commits v1",
            "writer 1 sets its marker",
            "writer 1 commits v2",
            "writer 0 stores v1",
        ],
    );
}

#[test]
fn a_writer_whose_marker_was_not_answered_deletes() {
    broken(
        Mutation::WriteEndUnanswered,
        LATE_WRITES,
        Promise::NoStaleValue,
        &[
            "writer 0 sets its marker",
            "writer 1's marker times out",
            "writer 1 commits v1",
            "writer 0 commits v2",
            "the late marker of writer 1 arrives",
            "writer 1 stores v1",
        ],
    );
}
