//! Counters that every thread counts in a line of memory of its own: a local hit is so short that an atomic addition
//! would be a good part of it, and one that two threads share more than all the rest.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// So many threads at a time have a seat of their own; the others share one.
const SEATS: usize = 32;
/// Counters of one page.
const ROW: usize = 32;
const PAGES: usize = 32;

/// Numbers that only grow, by index.
#[derive(Debug)]
pub(crate) struct Tally {
    pages: [OnceLock<Box<Page>>; PAGES],
}

#[derive(Debug)]
struct Page {
    own: [Row; SEATS],
    shared: Row,
}

/// Those of one thread, in lines of memory that no other thread writes to.
#[derive(Debug)]
#[repr(align(64))]
struct Row([AtomicU64; ROW]);

impl Row {
    fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// A thread's place, given back when it ends. Taken and given under a lock: so whoever has it next sees what was counted
/// there.
struct Seat(Cell<Option<usize>>);

static FREE: Mutex<Option<Vec<usize>>> = Mutex::new(None);

thread_local! {
    static SEAT: Seat = Seat::take();
}

impl Seat {
    fn take() -> Self {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        Self(Cell::new(free.get_or_insert_with(|| (0..SEATS).rev().collect()).pop()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(seat) = self.0.take()
            && let Some(free) = &mut *FREE.lock().unwrap_or_else(PoisonError::into_inner)
        {
            free.push(seat);
        }
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self { pages: [const { OnceLock::new() }; PAGES] }
    }
}

impl Tally {
    /// Says how many this thread had counted before; `None` where there is no room for so many functions.
    #[inline]
    pub(crate) fn add(&self, index: usize) -> Option<u64> {
        let page = self.pages.get(index / ROW)?;
        let page = page.get_or_init(|| Box::new(Page { own: std::array::from_fn(|_| Row::new()), shared: Row::new() }));
        let seat = SEAT.try_with(|seat| seat.0.get()).ok().flatten();
        let before = match seat.and_then(|seat| page.own.get(seat)) {
            // Nobody else writes here: no need to lock the line.
            Some(Row(own)) => {
                let (count, before) = (&own[index % ROW], own[index % ROW].load(Ordering::Relaxed));
                count.store(before + 1, Ordering::Relaxed);
                before
            }
            None => page.shared.0[index % ROW].fetch_add(1, Ordering::Relaxed),
        };
        Some(before)
    }

    pub(crate) fn get(&self, index: usize) -> u64 {
        let Some(page) = self.pages.get(index / ROW).and_then(OnceLock::get) else { return 0 };
        let rows = page.own.iter().chain([&page.shared]);
        rows.map(|Row(row)| row[index % ROW].load(Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_any_thread_counts_is_lost() {
        let tally = Tally::default();
        for _ in 0..3 {
            std::thread::scope(|scope| {
                for _ in 0..SEATS + 8 {
                    scope.spawn(|| (0..1000).for_each(|n| _ = tally.add(n % 2 * 40)));
                }
            });
        }
        let each = 3 * (SEATS as u64 + 8) * 500;
        assert_eq!((tally.get(0), tally.get(40), tally.get(1)), (each, each, 0));
        assert_eq!((tally.add(PAGES * ROW), tally.get(PAGES * ROW)), (None, 0));
    }
}
