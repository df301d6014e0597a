//! Is any read stale? The real cache over a real Redis, in several processes and amid trouble; and the checker that
//! says so, which must see what it is there to see.

#[path = "../support/faulty.rs"]
mod faulty;
#[path = "../support/history/mod.rs"]
mod history;
#[path = "../support/mutation.rs"]
mod mutation;
#[path = "../support/seeded.rs"]
mod seeded;
#[path = "../support/steered.rs"]
mod steered;
#[path = "../support/mod.rs"]
mod support;

mod judgement;
mod merging;
mod plays;
mod rules;
mod stage;
mod ten_seconds;
