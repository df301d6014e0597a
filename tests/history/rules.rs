//! Every rule of the protocol, left out, over a real Redis: ten seconds are enough to see what the rule is for.
//!
//! The simulation finds the same faults by their seeds; here the real store's commands and scripts are underneath.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cached_runtime::Adoption;

use crate::faulty::{Fault, Faulty};
use crate::history::checker::Checker;
use crate::history::clock::monotonic;
use crate::history::counters::Counters;
use crate::history::fleet::LATE;
use crate::history::habits::Habits;
use crate::history::log::Log;
use crate::history::process::work;
use crate::history::recorder::Recorder;
use crate::history::rows::Rows;
use crate::history::story::Kind;
use crate::support::Redis;

const ENOUGH: Duration = Duration::from_secs(10);
/// Caches in this one process: over one Redis they are to each other what processes are.
const CACHES: u8 = 3;

struct Wrong {
    fault: Option<Fault>,
    adoption: Adoption,
    habits: Habits,
}

impl Default for Wrong {
    fn default() -> Self {
        Self { fault: None, adoption: Adoption::default(), habits: Habits::WRITING }
    }
}

/// Works until somebody reads what is stale, or has a lease too many.
async fn is_found_out(wrong: Wrong, expected: Kind) {
    let (redis, database) = (Redis::start(), Redis::start());
    let log = Log::new(0, Arc::new(monotonic));
    let database = Arc::new(Counters::connect(&database.url()).await.expect("the database"));
    let until = monotonic() + u64::try_from(ENOUGH.as_nanos()).expect("seconds");
    let mut tasks = Vec::new();
    for number in 0..CACHES {
        let log = log.of(number);
        let (record, fault) = (Recorder::wrap(log.clone()), wrong.fault.clone());
        let cache = redis.builder().timeout(Duration::from_secs(2)).adoption(wrong.adoption);
        let cache = cache.wrap_store(move |store| match &fault {
            Some(fault) => record(Faulty::wrap(fault.clone())(store)),
            None => record(store),
        });
        let rows = Rows {
            cache: cache.build().expect("a cache"),
            database: Arc::clone(&database) as _,
            log,
            habits: wrong.habits,
        };
        tasks.push(work(&rows, number.into(), until));
    }
    let began = Instant::now();
    let mut checker = Checker::new(LATE);
    let story = loop {
        if let Some(story) = checker.shortest_of(expected) {
            break story;
        }
        assert!(began.elapsed() < ENOUGH + Duration::from_secs(2), "not found out: {:?}", checker.counts());
        // The log is filled by the tasks; there is nothing else to await.
        tokio::time::sleep(Duration::from_millis(10)).await;
        checker.extend(log.take().0);
    };
    println!("after {:?}: {story}", began.elapsed());
}

async fn fault(fault: Fault) {
    is_found_out(Wrong { fault: Some(fault), ..Wrong::default() }, Kind::Stale).await;
}

/// One that shows while a row that was invalidated stays away.
async fn quiet_fault(fault: Fault) {
    let wrong = Wrong { fault: Some(fault), habits: Habits::QUIET, ..Wrong::default() };
    is_found_out(wrong, Kind::Stale).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fill_that_does_not_compare_is_found_out() {
    fault(Fault::UnconditionalFill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fill_where_nothing_is_is_found_out() {
    fault(Fault::FillWhereNothingIs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_does_not_compare_is_found_out() {
    is_found_out(Wrong { fault: Some(Fault::ReleaseWithoutToken), ..Wrong::default() }, Kind::TwoLeases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_that_recreates_the_lease_is_found_out() {
    quiet_fault(Fault::RenewalRecreates).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_token_for_all_leases_of_a_process_is_found_out() {
    fault(Fault::TokenPerProcess).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acquisition_sent_again_is_found_out() {
    quiet_fault(Fault::AcquisitionRepeats).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalidation_that_spares_leases_is_found_out() {
    fault(Fault::InvalidationSparesLeases).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalidation_before_the_commit_is_found_out() {
    let habits = Habits { invalidates_before_commit: true, ..Habits::WRITING };
    is_found_out(Wrong { habits, ..Wrong::default() }, Kind::Stale).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refill_that_does_not_compare_is_found_out() {
    // A row has to be left alone until it is to be refreshed, and written while it is.
    let habits = Habits {
        keys: &[0, 1, 2, 3],
        writers: 1,
        writers_rest: 60,
        readers_rest: 10,
        refreshes_one_in: 1,
        slow_one_in: 2,
        ..Habits::WRITING
    };
    is_found_out(Wrong { fault: Some(Fault::RefillWithoutCompare), habits, ..Wrong::default() }, Kind::Stale).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_through_without_a_marker_is_found_out() {
    fault(Fault::WriteWithoutMarker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_through_that_does_not_compare_is_found_out() {
    fault(Fault::WriteEndWithoutCompare).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_through_that_lost_its_marker_and_deletes_nothing_is_found_out() {
    fault(Fault::WriteEndSparesOthers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stamp_that_comes_back_as_it_was_is_found_out() {
    fault(Fault::StampsRepeat).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clear_that_waits_for_nobody_is_found_out() {
    let habits = Habits { clears_one_in: 10, ..Habits::WRITING };
    is_found_out(Wrong { fault: Some(Fault::ClearWithoutWait), habits, ..Wrong::default() }, Kind::Stale).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blind_adoption_is_found_out() {
    is_found_out(Wrong { adoption: Adoption::Blind, ..Wrong::default() }, Kind::Stale).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adoption_after_the_fill_was_sent_is_found_out() {
    // An invalidation has to come between a fill and its answer.
    let fault = Some(Fault::FillsAreAnsweredLate(Duration::from_millis(5)));
    is_found_out(Wrong { fault, adoption: Adoption::AfterTheFillWasSent, ..Wrong::default() }, Kind::Stale).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_adoption_of_a_tagged_load_is_found_out() {
    // Somebody has to come late to a load during which nothing but the tag is invalidated.
    let habits =
        Habits { keys: &[4, 5], readers: 20, writers: 1, readers_rest: 100, slow_one_in: 2, ..Habits::WRITING };
    is_found_out(Wrong { adoption: Adoption::WithTags, habits, ..Wrong::default() }, Kind::Stale).await;
}
