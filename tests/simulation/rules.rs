//! Every rule of the protocol, left out: the checker must see what it is there to see. What it sees is why there is the
//! rule.

use std::sync::Arc;
use std::time::Instant;

use cached_runtime::Adoption;

use crate::faulty::{Fault, Faulty};
use crate::history::story::Offence;
use crate::world::{Wrong, live};

/// More than any fault needs.
const SEEDS: u64 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    StaleRead,
    TwoLeases,
}

fn is_found_out(wrong: &Wrong, expected: Expected) {
    let began = Instant::now();
    let found = (0..SEEDS).find_map(|seed| {
        let life = live(seed, wrong);
        let story = life.checker.shortest().filter(|story| match story.offence() {
            Offence::Stale { .. } => expected == Expected::StaleRead,
            Offence::TwoLeases { .. } => expected == Expected::TwoLeases,
            Offence::FromNowhere { .. } => false,
        });
        story.map(|story| (seed, story.clone()))
    });
    let (seed, story) = found.unwrap_or_else(|| panic!("{SEEDS} seeds without {expected:?}"));
    println!("seed {seed}, after {:?}: {story}", began.elapsed());
}

fn fault(fault: Fault, expected: Expected) {
    let wrong = Wrong { store: Arc::new(Faulty::wrap(fault)), ..Wrong::default() };
    is_found_out(&wrong, expected);
}

fn adoption(adoption: Adoption) {
    is_found_out(&Wrong { adoption, ..Wrong::default() }, Expected::StaleRead);
}

#[test]
fn a_fill_that_does_not_compare_is_found_out() {
    fault(Fault::UnconditionalFill, Expected::StaleRead);
}

#[test]
fn a_fill_where_nothing_is_is_found_out() {
    fault(Fault::FillWhereNothingIs, Expected::StaleRead);
}

#[test]
fn a_release_that_does_not_compare_is_found_out() {
    fault(Fault::ReleaseWithoutToken, Expected::TwoLeases);
}

#[test]
fn a_renewal_that_recreates_the_lease_is_found_out() {
    fault(Fault::RenewalRecreates, Expected::StaleRead);
}

#[test]
fn one_token_for_all_leases_of_a_process_is_found_out() {
    fault(Fault::TokenPerProcess, Expected::StaleRead);
}

#[test]
fn an_acquisition_sent_again_is_found_out() {
    fault(Fault::AcquisitionRepeats, Expected::StaleRead);
}

#[test]
fn an_invalidation_that_spares_leases_is_found_out() {
    fault(Fault::InvalidationSparesLeases, Expected::StaleRead);
}

#[test]
fn an_invalidation_before_the_commit_is_found_out() {
    is_found_out(&Wrong { invalidates_before_commit: true, ..Wrong::default() }, Expected::StaleRead);
}

#[test]
fn a_write_through_without_a_marker_is_found_out() {
    fault(Fault::WriteWithoutMarker, Expected::StaleRead);
}

#[test]
fn a_write_through_that_does_not_compare_is_found_out() {
    fault(Fault::WriteEndWithoutCompare, Expected::StaleRead);
}

#[test]
fn a_write_through_that_lost_its_marker_and_deletes_nothing_is_found_out() {
    fault(Fault::WriteEndSparesOthers, Expected::StaleRead);
}

#[test]
fn a_stamp_that_comes_back_as_it_was_is_found_out() {
    fault(Fault::StampsRepeat, Expected::StaleRead);
}

#[test]
fn a_clear_that_waits_for_nobody_is_found_out() {
    fault(Fault::ClearWithoutWait, Expected::StaleRead);
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
