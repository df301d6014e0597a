//! The rules that show only where several things come about at once: each play leads the real code over a real Redis
//! through the steps that the model found, and the checker judges the history of it. With the rule the same steps come
//! to nothing.

use tokio::task::JoinHandle;

use crate::mutation::Mutation;
use crate::seeded::seeded;
use crate::stage::{ABSENT, Load, ROW, Stage, TAGGED, TAGGED_ABSENT};
use crate::steered::Op;

/// A machine that stands still where it matters gives the right answer; not so often.
const ATTEMPTS: usize = 5;

async fn is_found_out(mutation: Mutation, play: impl AsyncFn(&Stage)) {
    let left_out = seeded(mutation);
    for _ in 0..ATTEMPTS {
        let stage = Stage::of(&left_out);
        play(&stage).await;
        let judged = stage.judge();
        if let Some(story) = judged.shortest_of(left_out.shows) {
            return println!("{story}");
        }
        println!("not found out: {:?}", judged.counts());
    }
    panic!("not found out, {ATTEMPTS} times");
}

/// With the rule.
async fn is_right_otherwise(mutation: Mutation, play: impl AsyncFn(&Stage)) {
    let stage = Stage::of(&seeded(mutation).put_right());
    play(&stage).await;
    let judged = stage.judge();
    let counts = judged.counts();
    assert_eq!(counts.offences(), 0, "{counts:?}: {}", judged.shortest().expect("a story"));
    assert!(counts.reads + counts.looks > 0, "{counts:?}");
}

macro_rules! plays {
    ($($play:ident: $mutation:ident;)*) => {
        /// Those that a play finds out.
        pub const FOUND_OUT: &[Mutation] = &[$(Mutation::$mutation),*];

        $(mod $play {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn without_the_rule_is_found_out() {
                is_found_out(Mutation::$mutation, super::$play).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn with_the_rule_is_right() {
                is_right_otherwise(Mutation::$mutation, super::$play).await;
            }
        })*
    };
}

plays! {
    a_row_is_read_again_after_its_tag_was_invalidated: MissingTagMatches;
    a_row_is_read_again_after_all_was_cleared: ClearWithoutWait;
    a_late_caller_follows_a_load_whose_tag_was_invalidated: AdoptTagged;
    a_late_caller_follows_a_load_that_was_cleared: AdoptCleared;
    a_late_caller_follows_one_that_waited_while_the_tag_was_invalidated: ShareUnasked;
    a_late_caller_follows_one_that_waited_while_all_was_cleared: ShareUnasked;
    a_late_caller_waits_for_an_absence_whose_tag_was_invalidated: AdoptTaggedAbsence;
    a_late_caller_waits_for_an_absence_that_was_cleared: AdoptClearedAbsence;
    a_process_dies_as_soon_as_it_has_a_lease: ExpirySetSeparately;
    a_caller_goes_away_from_a_load_that_another_follows: FollowersForgotten;
}

async fn ends(read: JoinHandle<()>) {
    read.await.expect("nothing panics");
}

async fn a_row_is_read_again_after_its_tag_was_invalidated(stage: &Stage) {
    stage.first.read(TAGGED, 1, &Load::quick()).await;
    stage.second.invalidate_tag(TAGGED, 9).await;
    stage.first.read(TAGGED, 1, &Load::quick()).await;
}

async fn a_row_is_read_again_after_all_was_cleared(stage: &Stage) {
    stage.first.read(ROW, 1, &Load::quick()).await;
    stage.second.clear(ROW, 9).await;
    stage.first.read(ROW, 1, &Load::quick()).await;
}

/// All is written during a load, and then somebody follows it.
async fn followed(stage: &Stage, key: u8, write: impl AsyncFnOnce()) {
    let (here, load) = (&stage.first, Load::held());
    let early = tokio::spawn(here.read(key, 1, &load));
    load.has_read().await;
    write().await;
    let mut late = here.read(key, 2, &Load::quick());
    here.joins(&mut late).await;
    load.end();
    ends(early).await;
    late.await;
}

async fn a_late_caller_follows_a_load_whose_tag_was_invalidated(stage: &Stage) {
    followed(stage, TAGGED, async || stage.second.invalidate_tag(TAGGED, 9).await).await;
}

async fn a_late_caller_follows_a_load_that_was_cleared(stage: &Stage) {
    followed(stage, ROW, async || stage.second.clear(ROW, 9).await).await;
}

/// The second process waits for the first one's load, and does not hear of its end before all is written.
async fn waited(stage: &Stage, key: u8, write: impl AsyncFnOnce()) {
    let (here, load) = (&stage.second, Load::held());
    let there = tokio::spawn(stage.first.read(key, 1, &load));
    load.has_read().await;
    here.helm.hold(&[Op::Wait]);
    let early = tokio::spawn(here.read(key, 1, &Load::quick()));
    here.helm.has_begun(Op::Wait, 1).await;
    load.end();
    ends(there).await;
    write().await;
    let mut late = here.read(key, 2, &Load::quick());
    here.joins(&mut late).await;
    here.helm.heal(&[Op::Wait]);
    ends(early).await;
    late.await;
}

async fn a_late_caller_follows_one_that_waited_while_the_tag_was_invalidated(stage: &Stage) {
    waited(stage, TAGGED, async || stage.first.invalidate_tag(TAGGED, 9).await).await;
}

async fn a_late_caller_follows_one_that_waited_while_all_was_cleared(stage: &Stage) {
    waited(stage, ROW, async || stage.first.clear(ROW, 9).await).await;
}

/// All is written during a load that finds nothing, and then another process waits for it.
async fn waited_for(stage: &Stage, key: u8, write: impl AsyncFnOnce()) {
    let (here, load) = (&stage.second, Load::held());
    let early = tokio::spawn(stage.first.read(key, 1, &load));
    load.has_read().await;
    write().await;
    let late = tokio::spawn(here.read(key, 1, &Load::quick()));
    here.helm.has_begun(Op::Wait, 1).await;
    load.end();
    ends(early).await;
    ends(late).await;
}

async fn a_late_caller_waits_for_an_absence_whose_tag_was_invalidated(stage: &Stage) {
    waited_for(stage, TAGGED_ABSENT, async || stage.first.invalidate_tag(TAGGED_ABSENT, 9).await).await;
}

async fn a_late_caller_waits_for_an_absence_that_was_cleared(stage: &Stage) {
    waited_for(stage, ABSENT, async || stage.first.clear(ABSENT, 9).await).await;
}

async fn a_process_dies_as_soon_as_it_has_a_lease(stage: &Stage) {
    let (here, load) = (&stage.first, Load::held());
    // Whatever it would say after that.
    here.helm.hold(&[Op::Other]);
    let read = tokio::spawn(here.read(ROW, 1, &load));
    tokio::select! {
        () = load.has_read() => {}
        () = here.helm.has_begun(Op::Other, 1) => {}
    }
    here.dies();
    read.abort();
    assert!(read.await.is_err_and(|gone| gone.is_cancelled()));
    stage.look().await;
}

async fn a_caller_goes_away_from_a_load_that_another_follows(stage: &Stage) {
    let (here, load) = (&stage.first, Load::held());
    let early = tokio::spawn(here.read(ROW, 1, &load));
    load.has_read().await;
    let mut late = here.read(ROW, 2, &Load::quick());
    here.joins(&mut late).await;
    early.abort();
    assert!(early.await.is_err_and(|gone| gone.is_cancelled()));
    late.await;
}
