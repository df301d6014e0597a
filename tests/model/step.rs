//! One step, and all that are possible.

use crate::mishap::Mishap;
use crate::reader::{Act, Phase};
use crate::turn::Turn;
use crate::writer::Deed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Reader(usize, Act),
    Writer(usize, Deed),
    Mishap(Mishap),
}

impl Turn<'_> {
    /// Everything that can happen next, in an order that is always the same.
    pub fn steps(&self, steps: &mut Vec<Step>) {
        // What comes after a broken promise proves nothing more.
        if self.world.broken.is_some() {
            return;
        }
        for reader in 0..self.rules.setting.readers.len() {
            if self.world.readers[reader].phase != Phase::Idle || self.may_come(reader) {
                self.acts(reader, steps);
            }
        }
        for writer in 0..self.rules.setting.writers.len() {
            self.deeds(writer, steps);
        }
        self.mishaps(steps);
    }
}
