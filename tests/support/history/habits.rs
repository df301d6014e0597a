//! How an application treats its rows.

/// What its callers do, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Few, so that everybody meets.
    pub keys: &'static [u8],
    /// In each process.
    pub readers: u16,
    pub writers: u16,
    /// The longest rest between two calls of one caller, in milliseconds.
    pub readers_rest: u64,
    pub writers_rest: u64,
    /// At least so many reads for one write.
    pub reads_per_write: u64,
    /// So many loads for one that outlasts its lease.
    pub slow_one_in: u64,
    /// How long that takes, in milliseconds.
    pub slow: (u64, u64),
    /// So many reads of one row for one that may refresh it.
    pub refreshes_one_in: u64,
    /// So many versions of a row for one that says that there is none; 0: there always is.
    pub absent_one_in: u64,
    /// The first process reads, and the others write.
    pub apart: bool,
    /// Whoever has written reads what that came to.
    pub reads_back: bool,
    /// Whether writers only invalidate a tag, where there is one.
    pub by_tag: bool,
    /// Whether keys vanish by themselves, in a simulation.
    pub evicted: bool,
    /// So many writes for one that clears everything.
    pub clears_one_in: u64,
    /// One load in a hundred and one write in thirty fail.
    pub fails: bool,
    /// So many reads for one that may be answered in its process; 0 is none.
    pub local_one_in: u64,
    /// The classic mistake: a load that comes between the two stores the old row for good.
    pub invalidates_before_commit: bool,
}

impl Habits {
    /// Reading without rest: most reads are hits, on a slow machine too, and every write meets readers.
    pub const BUSY: Self = Self {
        keys: &[0, 1, 2, 3, 4, 5],
        readers: 10,
        writers: 4,
        readers_rest: 0,
        writers_rest: 40,
        reads_per_write: 30,
        slow_one_in: 40,
        slow: (20, 90),
        refreshes_one_in: 4,
        absent_one_in: 0,
        apart: false,
        reads_back: false,
        by_tag: false,
        evicted: true,
        clears_one_in: 500,
        fails: true,
        local_one_in: 2,
        invalidates_before_commit: false,
    };

    /// The same, with bodies that never fail: whatever fails is the cache's doing.
    pub const SOUND: Self = Self { fails: false, clears_one_in: 2_000, ..Self::BUSY };

    /// Writing whether anybody reads or not.
    pub const WRITING: Self = Self { reads_per_write: 0, local_one_in: 0, ..Self::BUSY };

    /// Fewer callers, slower loads: a row that was invalidated stays away for a while.
    pub const QUIET: Self = Self { readers: 3, readers_rest: 20, slow_one_in: 2, clears_one_in: 100, ..Self::WRITING };

    /// Those of this process.
    pub fn of(self, process: u8) -> Self {
        match (self.apart, process) {
            (false, _) => self,
            (true, 0) => Self { writers: 0, ..self },
            (true, _) => Self { readers: 0, ..self },
        }
    }

    /// Whether this version says that there is no such row.
    pub fn absent(&self, version: u64) -> bool {
        self.absent_one_in > 0 && version.is_multiple_of(self.absent_one_in)
    }
}
