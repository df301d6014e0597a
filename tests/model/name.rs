//! Names that are used once: of acquisitions, of stored values, of stamps.
//!
//! Only whether two are the same ever matters. So after each step they are numbered anew, in the order in which they are
//! met: states that differ in nothing but names become one, and the first number that is not in use is a fresh name.

use crate::late::Late;
use crate::mutation::Mutation;
use crate::reader::Phase;
use crate::setting::Rules;
use crate::world::{Entry, Stamp, Stamps, World};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Token,
    Fill,
    Stamp,
}

/// What a reader that knows no better takes for the stamp of a tag that has none.
pub const MISSING: u8 = 31;

const UNMET: u8 = u8::MAX;

impl World {
    /// A name that nobody remembers.
    pub fn fresh(&self, sort: Sort) -> u8 {
        let mut fresh = 0;
        let mut world = *self;
        world.names(&mut |met, name| {
            if met == sort {
                fresh = fresh.max(*name + 1);
            }
        });
        fresh
    }

    /// Numbers all names anew, but those that a missing rule gives a meaning.
    pub fn rename(&mut self, rules: &Rules) {
        let tokens = !rules.without(Mutation::TokenPerProcess);
        let stamps = !rules.without(Mutation::TagCounterRestarts) && !rules.without(Mutation::MissingTagMatches);
        let mut renamed = [[UNMET; 32]; 3];
        let mut met = [0; 3];
        self.names(&mut |sort, name| {
            if sort == Sort::Token && !tokens || sort == Sort::Stamp && !stamps {
                return;
            }
            let new = &mut renamed[sort as usize][usize::from(*name)];
            if *new == UNMET {
                *new = met[sort as usize];
                met[sort as usize] += 1;
            }
            *name = *new;
        });
    }

    /// Every name there is.
    fn names(&mut self, each: &mut impl FnMut(Sort, &mut u8)) {
        self.key.names(each);
        name(&mut self.tag, each);
        name(&mut self.epoch, each);
        for process in &mut self.processes {
            name(&mut process.view, each);
            name(&mut process.asked, each);
        }
        for reader in &mut self.readers {
            reader.stamps.names(each);
            match &mut reader.phase {
                Phase::Seen(seen) => seen.names(each),
                Phase::Waiting { lease: token } | Phase::Loading { lease: Some(token), .. } => each(Sort::Token, token),
                Phase::Refreshing { fill, .. } => each(Sort::Fill, fill),
                _ => {}
            }
        }
        for writer in &mut self.writers {
            writer.stamps.names(each);
        }
        for late in self.late.iter_mut().flatten() {
            match late {
                Late::Acquire(token) | Late::Release(token) => each(Sort::Token, token),
                Late::End(token, _, epoch) => {
                    each(Sort::Token, token);
                    name(epoch, each);
                }
                Late::Fill(token, _, stamps) => {
                    each(Sort::Token, token);
                    stamps.names(each);
                }
                Late::Refill(fill, _, stamps) => {
                    each(Sort::Fill, fill);
                    stamps.names(each);
                }
                Late::WriteBegin(_) => {}
                Late::WriteEnd(_, _, stamps) => stamps.names(each),
            }
        }
    }
}

impl Entry {
    fn names(&mut self, each: &mut impl FnMut(Sort, &mut u8)) {
        match self {
            Self::Absent | Self::Marker(_) => {}
            Self::Lease { token, .. } => each(Sort::Token, token),
            Self::Ended { token, epoch, .. } => {
                each(Sort::Token, token);
                name(epoch, each);
            }
            Self::Value(value) => {
                each(Sort::Fill, &mut value.fill);
                value.stamps.names(each);
            }
        }
    }
}

impl Stamps {
    fn names(&mut self, each: &mut impl FnMut(Sort, &mut u8)) {
        name(&mut self.tag, each);
        name(&mut self.epoch, each);
    }
}

fn name(stamp: &mut Option<Stamp>, each: &mut impl FnMut(Sort, &mut u8)) {
    if let Some(stamp) = stamp {
        each(Sort::Stamp, stamp);
    }
}
