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
    /// So many reads of one row for one that may refresh it.
    pub refreshes_one_in: u64,
    /// So many writes for one that clears everything.
    pub clears_one_in: u64,
    /// One load in a hundred and one write in thirty fail.
    pub fails: bool,
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
        refreshes_one_in: 4,
        clears_one_in: 500,
        fails: true,
        invalidates_before_commit: false,
    };

    /// The same, with bodies that never fail: whatever fails is the cache's doing.
    pub const SOUND: Self = Self { fails: false, clears_one_in: 2_000, ..Self::BUSY };

    /// Writing whether anybody reads or not.
    pub const WRITING: Self = Self { reads_per_write: 0, ..Self::BUSY };

    /// Fewer callers, slower loads: a row that was invalidated stays away for a while.
    pub const QUIET: Self = Self { readers: 3, readers_rest: 20, slow_one_in: 2, clears_one_in: 100, ..Self::WRITING };
}
