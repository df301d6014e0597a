//! The logs of all processes as one, in the order of time.

use std::collections::VecDeque;

use super::event::Event;

#[derive(Default)]
struct Process {
    events: VecDeque<Event>,
    /// Everything up to here is known.
    until: u64,
}

/// Gives an event on as soon as no process can tell of an earlier one. So a run may last as long as it likes.
pub struct Merge(Vec<Process>);

impl Merge {
    pub fn of(processes: usize) -> Self {
        Self((0..processes).map(|_| Process::default()).collect())
    }

    /// Events of one process, in their order.
    pub fn add(&mut self, process: usize, events: impl IntoIterator<Item = Event>, until: u64) {
        let process = &mut self.0[process];
        process.events.extend(events);
        process.until = process.until.max(until);
    }

    /// This process will tell nothing more.
    pub fn end(&mut self, process: usize) {
        self.0[process].until = u64::MAX;
    }
}

impl Iterator for Merge {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let heads = self.0.iter().enumerate();
        let head = |process: &Process| process.events.front().map_or(process.until, |event| event.at);
        let (first, _) = heads.min_by_key(|(_, process)| head(process))?;
        self.0[first].events.pop_front()
    }
}
