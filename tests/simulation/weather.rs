//! What may become of a command: how long it travels, and whether it or its answer arrives.

use std::time::Duration;

use crate::history::dice::Dice;

/// No command is executed later than that after its sender went away.
pub const LATE: Duration = Duration::from_millis(1_000);

/// How one seed treats its commands.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// In a hundred.
    slow: u64,
    /// In a thousand.
    astray: u64,
}

/// One command's way.
#[derive(Clone, Copy, Debug)]
pub struct Fate {
    /// Until it is executed; `None`: it never is.
    pub there: Option<Duration>,
    /// From then until its answer arrives; `None`: it never does.
    pub back: Option<Duration>,
    /// Executed once more, so much later.
    pub again: Option<Duration>,
    /// Where there is no answer: the sender is told at once that the connection broke.
    pub noticed: bool,
}

impl Weather {
    /// Nothing goes astray.
    pub const CALM: Self = Self { slow: 2, astray: 0 };

    pub fn of(dice: &mut Dice) -> Self {
        match dice.roll(4) {
            0 => Self::CALM,
            1 => Self { slow: 30, astray: 0 },
            2 => Self { slow: 10, astray: 30 },
            _ => Self { slow: 30, astray: 120 },
        }
    }

    /// Half of all commands take no time at all, as tasks of one process see it; some take as long as a lease.
    fn travel(self, dice: &mut Dice) -> Duration {
        if dice.roll(100) < self.slow {
            return dice.millis(5, 60);
        }
        if dice.once_in(2) { Duration::ZERO } else { dice.millis(1, 3) }
    }

    pub fn fate(self, dice: &mut Dice) -> Fate {
        let (there, back) = (self.travel(dice), self.travel(dice));
        let arrives = Fate { there: Some(there), back: Some(back), again: None, noticed: false };
        if dice.roll(1000) >= self.astray {
            return arrives;
        }
        let noticed = dice.once_in(2);
        match dice.roll(4) {
            0 => Fate { there: None, back: None, noticed, ..arrives },
            1 => Fate { back: None, noticed, ..arrives },
            // Longer than anybody waits for it.
            2 => Fate { there: Some(dice.millis(100, 800)), back: None, noticed, ..arrives },
            _ => Fate { again: Some(dice.millis(1, 300)), ..arrives },
        }
    }

    /// Whether a change is announced to a waiter.
    pub fn announces(self, dice: &mut Dice) -> bool {
        dice.roll(1000) >= self.astray * 2
    }
}
