//! Every rule of the protocol, left out: the checker must see what it is there to see. What it sees is why there is the
//! rule.

use std::time::Instant;

use crate::history::habits::Habits;
use crate::mutation::Mutation;
use crate::seeded::seeded;
use crate::world::{SHORT, Wrong, live};

/// More than any fault needs.
const SEEDS: u64 = 10_000;
/// Of the right protocol, where the wrong one needs fewer.
const RIGHT_SEEDS: u64 = 300;

fn is_found_out(mutation: Mutation, habits: Habits) {
    let (left_out, began) = (seeded(mutation), Instant::now());
    let wrong = Wrong::seeded(&left_out, habits);
    let found = (0..SEEDS).find_map(|seed| {
        let life = live(seed, &wrong);
        life.checker.shortest_of(left_out.shows).map(|story| (seed, story.clone()))
    });
    let (seed, story) = found.unwrap_or_else(|| panic!("{SEEDS} seeds without {:?}", left_out.shows));
    println!("seed {seed}, after {:?}: {story}", began.elapsed());
}

/// The right protocol, where everything else is the same.
fn is_right_otherwise(mutation: Mutation, habits: Habits) {
    let right = Wrong::seeded(&seeded(mutation).put_right(), habits);
    for seed in 0..RIGHT_SEEDS {
        let life = live(seed, &right);
        assert_eq!(life.checker.counts().offences(), 0, "seed {seed}: {}", life.checker.shortest().expect("a story"));
    }
}

macro_rules! found_out {
    ($($test:ident: $mutation:ident, $habits:expr;)*) => {
        const FOUND_OUT: &[Mutation] = &[$(Mutation::$mutation),*];

        $(
            #[test]
            fn $test() {
                is_found_out(Mutation::$mutation, $habits);
            }
        )*
    };
}

macro_rules! right_otherwise {
    ($($test:ident: $mutation:ident, $habits:expr;)*) => {$(
        #[test]
        fn $test() {
            is_right_otherwise(Mutation::$mutation, $habits);
        }
    )*};
}

/// Loads that a clear begins and ends during, while nothing else ends their leases.
const LONG_LOADS: Habits = Habits { slow_one_in: 2, slow: (1_100, 1_900), clears_one_in: 1, evicted: false, ..SHORT };
/// Loads that outlast their tag's invalidation.
const TAGGED: Habits = Habits { keys: &[4], slow_one_in: 2, by_tag: true, clears_one_in: 1_000, ..SHORT };
/// Rows that are there and are not, in turn.
const ABSENCES: Habits = Habits { absent_one_in: 2, ..TAGGED };
/// Some only read, the others clear, and wait for those.
const LONG_ABSENCES: Habits = Habits { apart: true, slow_one_in: 1, absent_one_in: 3, ..LONG_LOADS };
/// Some only read, for longer than a clear takes, and the others only clear.
const CLEARING: Habits = Habits { apart: true, readers_rest: 400, clears_one_in: 1, evicted: false, ..SHORT };
/// Writers who meet in one row.
const ONE_ROW: Habits = Habits { keys: &[0], readers: 1, writers: 6, clears_one_in: 1_000, ..SHORT };
/// Every read of one row may refresh it.
const REFRESHING: Habits = Habits { refreshes_one_in: 1, ..SHORT };

found_out! {
    a_fill_that_does_not_compare_is_found_out: UnconditionalFill, SHORT;
    a_fill_where_nothing_is_is_found_out: FillIfAbsent, SHORT;
    a_release_that_does_not_compare_is_found_out: ReleaseWithoutToken, SHORT;
    a_renewal_that_recreates_the_lease_is_found_out: RenewalRecreates, SHORT;
    one_token_for_all_leases_of_a_process_is_found_out: TokenPerProcess, SHORT;
    a_lease_without_its_expiry_is_found_out: ExpirySetSeparately, SHORT;
    an_acquisition_sent_again_is_found_out: RetriedAcquire, SHORT;
    an_invalidation_that_spares_leases_is_found_out: InvalidateValueOnly, SHORT;
    a_take_over_that_does_not_compare_is_found_out: TakeOverWithoutCompare, SHORT;
    a_refill_that_does_not_compare_is_found_out: RefillWithoutCompare, REFRESHING;
    an_invalidation_before_the_commit_is_found_out: InvalidateBeforeCommit, SHORT;
    a_write_through_without_a_marker_is_found_out: PutWithoutMarker, SHORT;
    a_write_through_that_does_not_compare_is_found_out: WriteEndWithoutCompare, SHORT;
    a_write_through_that_lost_its_marker_and_deletes_nothing_is_found_out: MarkerKeptOnMismatch, SHORT;
    a_write_through_after_a_marker_without_an_answer_is_found_out: WriteEndUnanswered, ONE_ROW;
    a_stamp_read_after_the_load_is_found_out: TagVersionAfterLoad, TAGGED;
    a_stamp_that_comes_back_as_it_was_is_found_out: TagCounterRestarts, SHORT;
    a_missing_stamp_that_matches_is_found_out: MissingTagMatches, SHORT;
    a_clear_that_waits_for_nobody_is_found_out: ClearWithoutWait, SHORT;
    an_epoch_that_is_as_old_as_the_answer_is_found_out: EpochTimedFromAnswer, CLEARING;
    blind_adoption_is_found_out: BlindAdoption, SHORT;
    adoption_after_the_fill_was_sent_is_found_out: AdoptAfterSeal, SHORT;
    late_adoption_of_a_tagged_load_is_found_out: AdoptTagged, TAGGED;
    late_adoption_of_a_load_despite_a_clear_is_found_out: AdoptCleared, LONG_LOADS;
    what_was_waited_for_and_shared_unasked_is_found_out: ShareUnasked, TAGGED;
    an_absence_adopted_with_a_tag_is_found_out: AdoptTaggedAbsence, ABSENCES;
    an_absence_adopted_despite_a_clear_is_found_out: AdoptClearedAbsence, LONG_ABSENCES;
    followers_who_are_not_told_are_found_out: FollowersForgotten, SHORT;
}

right_otherwise! {
    rows_that_are_refreshed_while_they_are_written_are_endured: RefillWithoutCompare, REFRESHING;
    markers_that_come_late_are_endured: WriteEndUnanswered, ONE_ROW;
    epochs_that_are_answered_late_are_endured: EpochTimedFromAnswer, CLEARING;
    fills_that_are_answered_late_are_endured: AdoptAfterSeal, SHORT;
    long_loads_amid_clears_are_endured: AdoptCleared, LONG_LOADS;
    waiters_that_wake_late_are_endured: ShareUnasked, TAGGED;
    absences_of_tagged_rows_are_endured: AdoptTaggedAbsence, ABSENCES;
    long_loads_of_absences_amid_clears_are_endured: AdoptClearedAbsence, LONG_ABSENCES;
}

#[test]
fn every_mutation_of_the_model_is_found_out() {
    for mutation in Mutation::ALL {
        assert!(FOUND_OUT.contains(mutation), "{mutation:?}");
    }
}
