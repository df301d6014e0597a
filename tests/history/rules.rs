//! The rules of the protocol, each left out, over a real Redis: ten seconds are enough to see what the rule is for. What
//! takes more luck than that is played, in `plays`.
//!
//! The simulation finds the same faults by their seeds; here the real store's commands and scripts are underneath.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::faulty::Faulty;
use crate::history::checker::Checker;
use crate::history::clock::monotonic;
use crate::history::counters::Counters;
use crate::history::fleet::LATE;
use crate::history::habits::Habits;
use crate::history::lives::look;
use crate::history::log::Log;
use crate::history::process::work;
use crate::history::recorder::Recorder;
use crate::history::rows::Rows;
use crate::mutation::Mutation;
use crate::plays;
use crate::seeded::{Seed, seeded};
use crate::support::Redis;

const ENOUGH: Duration = Duration::from_secs(10);
/// For the right protocol, where the wrong one needs less.
const RIGHT: Duration = Duration::from_secs(3);
/// Caches in this one process: over one Redis they are to each other what processes are.
const CACHES: u8 = 3;

/// Caches at work, and what they write down.
struct Working {
    log: Log,
    tasks: Vec<JoinSet<()>>,
    redis: Redis,
    _database: Redis,
}

impl Working {
    async fn on(seed: &Seed, habits: Habits, length: Duration) -> Self {
        let (redis, database) = (Redis::start(), Redis::start());
        let habits = Habits { invalidates_before_commit: seed.invalidates_before_commit, ..habits };
        let log = Log::new(0, Arc::new(monotonic));
        let counters = Arc::new(Counters::connect(&database.url()).await.expect("the database"));
        let until = monotonic() + u64::try_from(length.as_nanos()).expect("seconds");
        let mut tasks = Vec::new();
        for number in 0..CACHES {
            let log = log.of(number);
            let (record, fault) = (Recorder::wrap(log.clone()), seed.store().cloned());
            let cache = redis.builder().timeout(Duration::from_secs(2)).adoption(seed.adoption).stamping(seed.stamping);
            let cache = cache.wrap_store(move |store| match &fault {
                Some(fault) => record(Faulty::wrap(fault.clone())(store)),
                None => record(store),
            });
            let rows =
                Rows { cache: cache.build().expect("a cache"), database: Arc::clone(&counters) as _, log, habits };
            tasks.push(work(&rows, number.into(), until));
        }
        Self { log, tasks, redis, _database: database }
    }

    /// How long what is left has to live.
    async fn look(&self) {
        let client = redis::Client::open(self.redis.url()).expect("a client");
        let mut server = client.get_multiplexed_async_connection().await.expect("a connection");
        look(&mut server, &self.log).await.expect("an answer");
    }
}

/// Works until somebody reads what is stale, or has a lease too many.
async fn is_found_out(mutation: Mutation, habits: Habits) {
    let left_out = seeded(mutation);
    let working = Working::on(&left_out, habits, ENOUGH).await;
    let began = Instant::now();
    let mut checker = Checker::new(LATE).of(habits);
    let story = loop {
        if let Some(story) = checker.shortest_of(left_out.shows) {
            break story;
        }
        assert!(began.elapsed() < ENOUGH + Duration::from_secs(2), "not found out: {:?}", checker.counts());
        // The log is filled by the tasks; there is nothing else to await.
        tokio::time::sleep(Duration::from_millis(10)).await;
        checker.extend(working.log.take().0);
    };
    println!("after {:?}: {story}", began.elapsed());
}

/// The right protocol, where everything else is the same.
async fn is_right_otherwise(mutation: Mutation, habits: Habits) {
    let mut working = Working::on(&seeded(mutation).put_right(), habits, RIGHT).await;
    let work = async {
        for tasks in &mut working.tasks {
            while let Some(ended) = tasks.join_next().await {
                ended.expect("nothing panics");
            }
        }
    };
    // Whoever loads for longer has not returned anything yet.
    let _ended = timeout(RIGHT, work).await;
    working.look().await;
    let mut checker = Checker::new(LATE).of(habits);
    checker.extend(working.log.take().0);
    let counts = checker.counts();
    assert_eq!(counts.offences(), 0, "{counts:?}: {}", checker.shortest().expect("a story"));
    assert!(counts.reads > 0 && counts.invalidations > 0, "{counts:?}");
    println!("{counts:?}");
}

macro_rules! found_out {
    ($($test:ident: $mutation:ident, $habits:expr;)*) => {
        const FOUND_OUT: &[Mutation] = &[$(Mutation::$mutation),*];

        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                is_found_out(Mutation::$mutation, $habits).await;
            }
        )*
    };
}

macro_rules! right_otherwise {
    ($($test:ident: $mutation:ident, $habits:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            is_right_otherwise(Mutation::$mutation, $habits).await;
        }
    )*};
}

/// Some have to come late to a load during which nothing but the tag is invalidated.
const TAGGED: Habits =
    Habits { keys: &[4, 5], readers: 20, writers: 1, readers_rest: 100, slow_one_in: 2, ..Habits::WRITING };
/// Loads that a clear begins and ends during, and that nothing else disturbs.
const LONG_LOADS: Habits = Habits {
    keys: &[0, 1, 2, 3],
    writers: 1,
    readers_rest: 100,
    slow_one_in: 2,
    slow: (1_000, 1_600),
    clears_one_in: 1,
    ..Habits::WRITING
};
/// Nothing but the tag is ever invalidated, and that not often.
const BY_TAG: Habits = Habits { by_tag: true, writers_rest: 200, ..TAGGED };
/// Rows that are there and are not, in turn.
const ABSENCES: Habits = Habits { absent_one_in: 2, ..BY_TAG };
/// Rows of which each is loaded, and cleared, by itself.
const MANY: &[u8] = &[
    10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
    39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49,
];
/// One only loads, and the others clear, and wait for its loads.
const LONG_ABSENCES: Habits = Habits {
    keys: MANY,
    readers: 60,
    writers: 20,
    slow_one_in: 1,
    slow: (1_400, 1_900),
    absent_one_in: 3,
    apart: true,
    reads_back: true,
    ..LONG_LOADS
};
/// One only reads, the others only clear.
const CLEARING: Habits = Habits { apart: true, readers_rest: 5, clears_one_in: 1, ..Habits::WRITING };
/// A row has to be left alone until it is to be refreshed, and written while it is.
const REFRESHING: Habits = Habits {
    keys: &[0, 1, 2, 3],
    writers: 1,
    writers_rest: 60,
    readers_rest: 10,
    refreshes_one_in: 1,
    slow_one_in: 2,
    ..Habits::WRITING
};
/// Writers who meet.
const ONE_ROW: Habits = Habits { keys: &[0], writers_rest: 4, ..Habits::WRITING };

found_out! {
    a_fill_that_does_not_compare_is_found_out: UnconditionalFill, Habits::WRITING;
    a_fill_where_nothing_is_is_found_out: FillIfAbsent, Habits::WRITING;
    a_release_that_does_not_compare_is_found_out: ReleaseWithoutToken, Habits::WRITING;
    a_renewal_that_recreates_the_lease_is_found_out: RenewalRecreates, Habits::QUIET;
    one_token_for_all_leases_of_a_process_is_found_out: TokenPerProcess, Habits::WRITING;
    an_acquisition_sent_again_is_found_out: RetriedAcquire, Habits::QUIET;
    an_invalidation_that_spares_leases_is_found_out: InvalidateValueOnly, Habits::WRITING;
    a_take_over_that_does_not_compare_is_found_out: TakeOverWithoutCompare, TAGGED;
    a_refill_that_does_not_compare_is_found_out: RefillWithoutCompare, REFRESHING;
    an_invalidation_before_the_commit_is_found_out: InvalidateBeforeCommit, Habits::WRITING;
    a_write_through_without_a_marker_is_found_out: PutWithoutMarker, Habits::WRITING;
    a_write_through_that_does_not_compare_is_found_out: WriteEndWithoutCompare, Habits::WRITING;
    a_write_through_that_lost_its_marker_and_deletes_nothing_is_found_out: MarkerKeptOnMismatch, Habits::WRITING;
    a_write_through_after_a_marker_without_an_answer_is_found_out: WriteEndUnanswered, ONE_ROW;
    a_stamp_read_after_the_load_is_found_out: TagVersionAfterLoad, BY_TAG;
    a_stamp_that_comes_back_as_it_was_is_found_out: TagCounterRestarts, Habits::WRITING;
    an_epoch_that_is_as_old_as_the_answer_is_found_out: EpochTimedFromAnswer, CLEARING;
    blind_adoption_is_found_out: BlindAdoption, Habits::WRITING;
    adoption_after_the_fill_was_sent_is_found_out: AdoptAfterSeal, Habits::WRITING;
}

right_otherwise! {
    rows_that_are_refreshed_while_they_are_written_are_endured: RefillWithoutCompare, REFRESHING;
    markers_that_come_late_are_endured: WriteEndUnanswered, ONE_ROW;
    epochs_that_are_answered_late_are_endured: EpochTimedFromAnswer, CLEARING;
    fills_that_are_answered_late_are_endured: AdoptAfterSeal, Habits::WRITING;
    long_loads_amid_clears_are_endured: AdoptCleared, LONG_LOADS;
    waiters_that_wake_late_are_endured: ShareUnasked, TAGGED;
    absences_of_tagged_rows_are_endured: AdoptTaggedAbsence, ABSENCES;
    long_loads_of_absences_amid_clears_are_endured: AdoptClearedAbsence, LONG_ABSENCES;
}

#[test]
fn every_mutation_of_the_model_is_found_out() {
    for mutation in Mutation::ALL {
        assert!(FOUND_OUT.contains(mutation) || plays::FOUND_OUT.contains(mutation), "{mutation:?}");
    }
}
