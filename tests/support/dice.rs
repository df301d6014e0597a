//! Chance that can be repeated.
#![allow(dead_code, reason = "every test binary uses its own part")]

use std::time::Duration;

use tokio::time::sleep;

/// SplitMix64: everything that one seed decides follows from its number alone.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Below `sides`, which is at least 1.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.roll(times) == 0
    }

    /// Of at least one.
    pub fn one_of<'t, T>(&mut self, things: &'t [T]) -> &'t T {
        &things[usize::try_from(self.roll(things.len() as u64)).unwrap_or(0)]
    }

    /// Dice of their own for somebody else.
    pub fn hand_on(&mut self) -> Self {
        Self(self.roll(u64::MAX))
    }

    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.roll(to - from + 1))
    }

    /// Nothing, a few turns of other tasks, or a millisecond or two.
    pub async fn moment(&mut self) {
        match self.roll(8) {
            0..3 => {}
            3..7 => {
                for _ in 0..self.roll(6) {
                    tokio::task::yield_now().await;
                }
            }
            _ => sleep(self.millis(0, 2)).await,
        }
    }
}
