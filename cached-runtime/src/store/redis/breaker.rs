//! The circuit breaker of one server: when to stop asking it, and when to trust it again.
//!
//! Open, a call goes on without the cache and sends nothing. Whoever holds a connection's supervision
//! tries the server in the callers' place, one at a time, and closes the breaker only after what the server has missed
//! was made up for: invalidations that were not delivered, and, where it is another server by now (restarted, promoted),
//! those of the last minute.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::event;
use crate::store::{Condition, Repair, StoreError};

/// So many failures in a row open it.
const CONSECUTIVE: u32 = 5;
/// Or this share of so many operations within the window.
const RATIO: (u32, u32) = (1, 2);
const ENOUGH: u32 = 20;
const WINDOW: Duration = Duration::from_secs(10);
/// A server that is given up within the window after it was used again relapses. Each time it has to answer once more
/// before it is used, up to so many times. Not more: one that is back for good is to be used within a second.
const RELAPSES: u32 = 5;

/// The breaker of one store, shared by all of its links.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// The server's, as people know it.
    name: String,
    /// A [`Condition`], as a number.
    condition: AtomicU8,
    consecutive: AtomicU32,
    answered: AtomicU32,
    failed: AtomicU32,
    /// When the window began.
    since: Mutex<Option<Instant>>,
    times_opened: AtomicU64,
    relapses: AtomicU32,
    closed: Mutex<Option<Instant>>,
    /// Held by the one that tries.
    turn: tokio::sync::Mutex<Server>,
    repair: OnceLock<Arc<dyn Repair>>,
}

/// What is known of the server behind the address.
#[derive(Debug, Default)]
pub(crate) struct Server {
    run_id: Option<String>,
}

const UP: u8 = 0;
const DOWN: u8 = 1;
const READ_ONLY: u8 = 2;
const TOO_OLD: u8 = 3;

impl Breaker {
    pub(crate) fn of(server: &impl std::fmt::Debug) -> Self {
        Self { name: format!("{server:?}"), ..Self::default() }
    }

    pub(crate) fn condition(&self) -> Condition {
        match self.condition.load(Ordering::Relaxed) {
            UP => Condition::Up,
            READ_ONLY => Condition::ReadOnly,
            TOO_OLD => Condition::TooOld,
            _ => Condition::Down,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.condition.load(Ordering::Relaxed) != UP
    }

    /// Whether the last operation failed.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.is_open() || self.consecutive.load(Ordering::Relaxed) > 0
    }

    /// Whether the server may be asked.
    pub(crate) fn admit(&self) -> Result<(), StoreError> {
        match self.condition.load(Ordering::Relaxed) {
            UP => Ok(()),
            READ_ONLY => Err(StoreError::WritesRefused),
            _ => Err(StoreError::Unavailable),
        }
    }

    pub(crate) fn times_opened(&self) -> u64 {
        self.times_opened.load(Ordering::Relaxed)
    }

    /// The server has answered, be it with a refusal that is about one command.
    pub(crate) fn answered(&self) {
        if self.consecutive.load(Ordering::Relaxed) != 0 {
            self.consecutive.store(0, Ordering::Relaxed);
        }
        // Answers count beside failures, and from the first one of a window on. Before that nothing is written: this line
        // of memory is every hit's.
        if self.failed.load(Ordering::Relaxed) != 0 {
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// No answer, or one that says that the server cannot serve anybody.
    pub(crate) fn failed(&self, error: &StoreError) {
        if *error == StoreError::WritesRefused {
            // At once: hits would still be answered, but no invalidation can land there.
            return self.open(READ_ONLY);
        }
        let in_a_row = self.consecutive.fetch_add(1, Ordering::Relaxed) + 1;
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_none_or(|since| since.elapsed() > WINDOW) {
            *since = Some(Instant::now());
            self.answered.store(0, Ordering::Relaxed);
            self.failed.store(0, Ordering::Relaxed);
        }
        drop(since);
        let failed = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
        let all = failed + self.answered.load(Ordering::Relaxed);
        if in_a_row >= CONSECUTIVE || (all >= ENOUGH && failed * RATIO.1 >= all * RATIO.0) {
            self.open(DOWN);
        }
    }

    fn open(&self, condition: u8) {
        if self.condition.compare_exchange(UP, condition, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            self.times_opened.fetch_add(1, Ordering::Relaxed);
            let closed = *self.closed.lock().unwrap_or_else(PoisonError::into_inner);
            let relapse = closed.is_some_and(|closed| closed.elapsed() <= WINDOW);
            let relapses = if relapse { self.relapses.load(Ordering::Relaxed) + 1 } else { 0 };
            self.relapses.store(relapses.min(RELAPSES), Ordering::Relaxed);
            let name = &self.name;
            if condition == READ_ONLY {
                event::warning!("cache: {name} refuses writes; calls run uncached until it takes them again");
            } else {
                event::warning!("cache: {name} does not answer; calls run uncached until it does again");
            }
        }
    }

    /// The server is not one that can be used. Says whether that is news.
    pub(crate) fn too_old(&self) -> bool {
        let before = self.condition.swap(TOO_OLD, Ordering::SeqCst);
        if before == UP {
            self.times_opened.fetch_add(1, Ordering::Relaxed);
        }
        before != TOO_OLD
    }

    /// Waits for one's turn to try the server.
    pub(crate) async fn turn(&self) -> tokio::sync::MutexGuard<'_, Server> {
        self.turn.lock().await
    }

    /// How often the server has to answer in a row before it is used again.
    pub(crate) fn answers_wanted(&self) -> u32 {
        1 + self.relapses.load(Ordering::Relaxed)
    }

    /// The server has answered a try, and was repaired.
    pub(crate) fn close(&self) {
        self.consecutive.store(0, Ordering::Relaxed);
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if self.condition.swap(UP, Ordering::SeqCst) != UP {
            event::notice!("cache: {} is used again", self.name);
        }
    }

    /// Another reason to stay open.
    pub(crate) fn stay_open(&self, error: &StoreError) {
        let condition = if *error == StoreError::WritesRefused { READ_ONLY } else { DOWN };
        let open = |now| (now != UP).then_some(condition);
        let before = self.condition.fetch_update(Ordering::SeqCst, Ordering::SeqCst, open);
        if before == Ok(DOWN) && condition == READ_ONLY {
            event::warning!("cache: {} answers again and refuses writes; calls go on to run uncached", self.name);
        }
    }

    pub(crate) fn repaired_by(&self, repair: Arc<dyn Repair>) {
        let _ = self.repair.set(repair);
    }

    pub(crate) fn repair(&self) -> Option<&Arc<dyn Repair>> {
        self.repair.get()
    }
}

impl Server {
    /// Whether this is another server than before, or the same one started anew.
    pub(crate) fn is_another(&self, run_id: Option<&str>) -> bool {
        run_id.is_some() && self.run_id.is_some() && self.run_id.as_deref() != run_id
    }

    /// It was repaired. Not before: a repair that fails on the way (a replica that is not promoted yet) has to be done
    /// again, all of it.
    pub(crate) fn is_now(&mut self, run_id: Option<String>) {
        self.run_id = run_id.or(self.run_id.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_open_it_and_answers_in_between_do_not() {
        let breaker = Breaker::default();
        for _ in 0..4 {
            breaker.failed(&StoreError::Timeout);
        }
        breaker.answered();
        for _ in 0..4 {
            breaker.failed(&StoreError::Timeout);
        }
        assert_eq!(breaker.admit(), Ok(()));
        breaker.failed(&StoreError::Unavailable);
        assert_eq!(breaker.admit(), Err(StoreError::Unavailable));
        breaker.close();
        assert_eq!(breaker.admit(), Ok(()));
        assert_eq!(breaker.times_opened(), 1);
    }

    #[test]
    fn half_of_enough_operations_failing_opens_it() {
        let breaker = Breaker::default();
        for _ in 0..9 {
            breaker.failed(&StoreError::Timeout);
            breaker.answered();
            assert!(!breaker.is_open());
        }
        breaker.failed(&StoreError::Timeout);
        breaker.answered();
        breaker.failed(&StoreError::Timeout);
        assert!(breaker.is_open());
    }

    #[test]
    fn a_server_that_refuses_writes_is_not_asked_again() {
        let breaker = Breaker::default();
        breaker.failed(&StoreError::WritesRefused);
        assert_eq!(breaker.admit(), Err(StoreError::WritesRefused));
        breaker.stay_open(&StoreError::Timeout);
        assert_eq!(breaker.condition(), Condition::Down);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_relapses_has_to_answer_more_often_and_one_that_did_not_for_a_while_once() {
        let breaker = Breaker::default();
        let mut wanted = Vec::new();
        for _ in 0..7 {
            breaker.failed(&StoreError::WritesRefused);
            wanted.push(breaker.answers_wanted());
            breaker.close();
            tokio::time::advance(WINDOW / 2).await;
        }
        assert_eq!(wanted, [1, 2, 3, 4, 5, 6, 6]);
        tokio::time::advance(WINDOW).await;
        breaker.failed(&StoreError::WritesRefused);
        assert_eq!(breaker.answers_wanted(), 1);
    }

    #[test]
    fn another_run_id_is_another_server() {
        let mut server = Server::default();
        assert!(!server.is_another(Some("a")), "the first one");
        server.is_now(Some("a".to_owned()));
        assert!(!server.is_another(None), "not allowed to ask");
        server.is_now(None);
        assert!(!server.is_another(Some("a")));
        assert!(server.is_another(Some("b")));
        assert!(server.is_another(Some("b")), "it was not repaired");
        server.is_now(Some("b".to_owned()));
        assert!(!server.is_another(Some("b")));
    }
}
