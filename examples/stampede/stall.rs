//! How late the machine itself is. A round that broke a promise of time while the machine stood still says nothing
//! about the cache; it counts as broken all the same, and this says why.

use std::error::Error;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{sleep, spawn};
use std::time::Duration;

use crate::rows::now;

const NAP: Duration = Duration::from_millis(1);

/// A thread that naps, and says of each nap when it ended and by how many microseconds it was too long.
pub struct Stall(Receiver<(i64, i64)>);

impl Stall {
    pub fn watch() -> Self {
        let (naps, watched) = channel();
        spawn(move || {
            let mut before = now();
            loop {
                sleep(NAP);
                let after = now();
                if naps.send((after, after - before - 1_000)).is_err() {
                    return;
                }
                before = after;
            }
        });
        Self(watched)
    }

    /// The longest since the last time, until now.
    pub fn take(&self) -> Result<i64, Box<dyn Error>> {
        let asked = now();
        let mut longest = 0;
        loop {
            // The nap during which this was asked is still on its way: after a stall everybody wakes at once.
            let (ended, too_long) = self.0.recv()?;
            longest = longest.max(too_long);
            if ended >= asked {
                return Ok(longest);
            }
        }
    }
}
