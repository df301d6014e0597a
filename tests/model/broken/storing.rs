//! What the store compares before it stores, frees or extends.

use super::{broken, calm};
use crate::holds::{ABSENCES, READS, REFRESHES};
use crate::mutation::Mutation;
use crate::promise::Promise;

#[test]
fn a_fill_compares_the_lease() {
    broken(
        Mutation::UnconditionalFill,
        calm(READS),
        Promise::NoStaleValue,
        &["reader 0 acquires", "reader 0 reads v0", "writer 0 commits v1", "writer 0 invalidates", "reader 0 fills v0"],
    );
}

#[test]
fn a_fill_needs_a_lease_that_is_still_there() {
    broken(
        Mutation::FillIfAbsent,
        calm(READS),
        Promise::NoStaleValue,
        &["reader 0 acquires", "reader 0 reads v0", "writer 0 commits v1", "writer 0 invalidates", "reader 0 fills v0"],
    );
}

#[test]
fn an_invalidation_revokes_the_lease_too() {
    broken(
        Mutation::InvalidateValueOnly,
        calm(READS),
        Promise::NoStaleValue,
        &["reader 0 acquires", "reader 0 reads v0", "writer 0 commits v1", "writer 0 invalidates", "reader 0 fills v0"],
    );
}

#[test]
fn a_release_compares_the_token() {
    broken(
        Mutation::ReleaseWithoutToken,
        calm(ABSENCES),
        Promise::OneHolder,
        &[
            "reader 0 acquires",
            "reader 0 reads v0",
            "the lease runs out",
            "reader 1 acquires",
            "reader 0 has nothing to store and gives its lease back",
            "reader 2 finds an ended load",
            "reader 2 takes over",
        ],
    );
}

#[test]
fn each_acquisition_has_its_own_token() {
    broken(
        Mutation::TokenPerProcess,
        calm(READS),
        Promise::NoStaleValue,
        &[
            "reader 0 acquires",
            "reader 0 reads v0",
            "writer 0 commits v1",
            "writer 0 invalidates",
            "reader 1 acquires",
            "reader 0 fills v0",
        ],
    );
}

#[test]
fn an_acquisition_is_never_sent_twice() {
    broken(
        Mutation::RetriedAcquire,
        calm(READS),
        Promise::NoStaleValue,
        &[
            "reader 0 acquires",
            "reader 0 reads v0",
            "writer 0 commits v1",
            "writer 0 invalidates",
            "the late acquisition takes the key",
            "reader 0 fills v0",
        ],
    );
}

#[test]
fn a_renewal_never_creates() {
    broken(
        Mutation::RenewalRecreates,
        calm(READS),
        Promise::NoStaleValue,
        &[
            "reader 0 acquires",
            "reader 0 reads v0",
            "writer 0 commits v1",
            "writer 0 invalidates",
            "reader 0 renews",
            "reader 0 fills v0",
        ],
    );
}

#[test]
fn a_lease_is_born_with_its_expiry() {
    broken(
        Mutation::ExpirySetSeparately,
        READS,
        Promise::NothingForEver,
        &["reader 0 acquires", "reader 0 is cancelled"],
    );
}

#[test]
fn a_take_over_compares_what_it_replaces() {
    broken(
        Mutation::TakeOverWithoutCompare,
        calm(ABSENCES),
        Promise::OneHolder,
        &[
            "reader 0 acquires",
            "reader 0 reads v0",
            "reader 0 has nothing to store and gives its lease back",
            "reader 1 finds an ended load",
            "reader 2 finds an ended load",
            "reader 1 takes over",
            "reader 2 takes over",
        ],
    );
}

#[test]
fn a_refresh_compares_what_it_replaces() {
    broken(
        Mutation::RefillWithoutCompare,
        calm(REFRESHES),
        Promise::NoStaleValue,
        &[
            "at first the key holds v0",
            "reader 0 finds v0 and refreshes it",
            "reader 0 reads v0",
            "writer 0 commits v1",
            "writer 0 invalidates",
            "reader 0 refills v0",
        ],
    );
}
