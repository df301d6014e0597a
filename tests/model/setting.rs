//! What one exploration contains. Several small ones, since their sizes multiply.

use crate::mutation::Mutation;
use crate::writer::Kind;

/// Who takes part, and what can happen to them.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The process of each reader. Each reads once.
    pub readers: &'static [usize],
    /// What each writer does. Each writes once.
    pub writers: &'static [Kind],
    /// How many commands may be given up by their sender and executed later, or never.
    pub timeouts: u8,
    /// How many processes may die, or calls be cancelled.
    pub deaths: u8,
    /// Whether a value or a stamp may be lost. What is not a value runs out in any case.
    pub evicts: bool,
    /// Whether the key can hold a value from the beginning.
    pub cached: bool,
    /// Readers who may load without a lease instead of waiting for another's: those without `mutex`.
    pub impatient: bool,
    /// Loads that may end without a value to store: `None`, an error.
    pub absences: bool,
    /// Readers who may refresh a value that they have found.
    pub refreshes: bool,
    /// The value has a tag.
    pub tagged: bool,
    /// The prefix can be cleared, so that the value has an epoch.
    pub clearable: bool,
}

impl Setting {
    /// Nobody and nothing, to be filled in.
    pub const EMPTY: Self = Self {
        readers: &[],
        writers: &[],
        timeouts: 0,
        deaths: 0,
        evicts: false,
        cached: false,
        impatient: false,
        absences: false,
        refreshes: false,
        tagged: false,
        clearable: false,
    };

    /// Whether values carry stamps.
    pub fn stamped(&self) -> bool {
        self.tagged || self.clearable
    }
}

/// A setting, and the rule that is missing.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub setting: Setting,
    pub mutation: Option<Mutation>,
}

impl Rules {
    pub fn without(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }
}
