//! Every rule of the protocol, left out: the checker must see what it is there to see. What it sees is why there is the
//! rule.

use std::sync::Arc;
use std::time::Instant;

use cached_runtime::Adoption;

use crate::faulty::{Fault, Faulty};
use crate::history::story::Kind;
use crate::world::{Wrong, live};

/// More than any fault needs.
const SEEDS: u64 = 10_000;

fn is_found_out(wrong: &Wrong, expected: Kind) {
    let began = Instant::now();
    let found = (0..SEEDS).find_map(|seed| {
        let life = live(seed, wrong);
        life.checker.shortest_of(expected).map(|story| (seed, story.clone()))
    });
    let (seed, story) = found.unwrap_or_else(|| panic!("{SEEDS} seeds without {expected:?}"));
    println!("seed {seed}, after {:?}: {story}", began.elapsed());
}

fn fault(fault: Fault, expected: Kind) {
    let wrong = Wrong { store: Arc::new(Faulty::wrap(fault)), ..Wrong::default() };
    is_found_out(&wrong, expected);
}

fn adoption(adoption: Adoption) {
    is_found_out(&Wrong { adoption, ..Wrong::default() }, Kind::Stale);
}

#[test]
fn a_fill_that_does_not_compare_is_found_out() {
    fault(Fault::UnconditionalFill, Kind::Stale);
}

#[test]
fn a_fill_where_nothing_is_is_found_out() {
    fault(Fault::FillWhereNothingIs, Kind::Stale);
}

#[test]
fn a_release_that_does_not_compare_is_found_out() {
    fault(Fault::ReleaseWithoutToken, Kind::TwoLeases);
}

#[test]
fn a_renewal_that_recreates_the_lease_is_found_out() {
    fault(Fault::RenewalRecreates, Kind::Stale);
}

#[test]
fn one_token_for_all_leases_of_a_process_is_found_out() {
    fault(Fault::TokenPerProcess, Kind::Stale);
}

#[test]
fn an_acquisition_sent_again_is_found_out() {
    fault(Fault::AcquisitionRepeats, Kind::Stale);
}

#[test]
fn an_invalidation_that_spares_leases_is_found_out() {
    fault(Fault::InvalidationSparesLeases, Kind::Stale);
}

#[test]
fn an_invalidation_before_the_commit_is_found_out() {
    is_found_out(&Wrong { invalidates_before_commit: true, ..Wrong::default() }, Kind::Stale);
}

#[test]
fn a_refill_that_does_not_compare_is_found_out() {
    let store = Arc::new(Faulty::wrap(Fault::RefillWithoutCompare));
    is_found_out(&Wrong { store, refreshes_one_in: 1, ..Wrong::default() }, Kind::Stale);
}

#[test]
fn a_write_through_without_a_marker_is_found_out() {
    fault(Fault::WriteWithoutMarker, Kind::Stale);
}

#[test]
fn a_write_through_that_does_not_compare_is_found_out() {
    fault(Fault::WriteEndWithoutCompare, Kind::Stale);
}

#[test]
fn a_write_through_that_lost_its_marker_and_deletes_nothing_is_found_out() {
    fault(Fault::WriteEndSparesOthers, Kind::Stale);
}

#[test]
fn a_stamp_that_comes_back_as_it_was_is_found_out() {
    fault(Fault::StampsRepeat, Kind::Stale);
}

#[test]
fn a_clear_that_waits_for_nobody_is_found_out() {
    fault(Fault::ClearWithoutWait, Kind::Stale);
}

#[test]
fn blind_adoption_is_found_out() {
    adoption(Adoption::Blind);
}

#[test]
fn adoption_after_the_fill_was_sent_is_found_out() {
    adoption(Adoption::AfterTheFillWasSent);
}

#[test]
fn late_adoption_of_a_tagged_load_is_found_out() {
    adoption(Adoption::WithTags);
}
