//! Where events are written down as they happen.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clock::Clock;
use super::event::{Event, What};

/// One process's log, or one that several simulated processes share.
#[derive(Clone)]
pub struct Log {
    process: u8,
    told: Arc<Told>,
}

struct Told {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: u64,
    events: Vec<Event>,
}

impl State {
    /// Never the same instant twice: under a paused clock much happens at once, and it happens in this order.
    fn now(&mut self, clock: &Clock) -> u64 {
        self.last = clock().max(self.last + 1);
        self.last
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("process", &self.process).finish_non_exhaustive()
    }
}

impl Log {
    pub fn new(process: u8, clock: Clock) -> Self {
        Self { process, told: Arc::new(Told { clock, state: Mutex::default() }) }
    }

    /// The same log for another process.
    pub fn of(&self, process: u8) -> Self {
        Self { process, told: Arc::clone(&self.told) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.told.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> u64 {
        self.state().now(&self.told.clock)
    }

    pub fn process(&self) -> u8 {
        self.process
    }

    /// The clock is read under the lock, so that the log is in the order of its instants.
    pub fn add(&self, task: u16, key: u8, what: What) {
        let mut state = self.state();
        let at = state.now(&self.told.clock);
        state.events.push(Event { at, process: self.process, task, key, what });
    }

    /// What was written since the last time, and until when that is everything.
    pub fn take(&self) -> (Vec<Event>, u64) {
        let mut state = self.state();
        let until = state.now(&self.told.clock);
        (std::mem::take(&mut state.events), until)
    }
}
