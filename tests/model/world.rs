//! All that is the case at one moment: the database, the store, the processes, and what is under way between them.

use crate::late::Late;
use crate::promise::Promise;
use crate::reader::{Phase, Reader};
use crate::setting::Rules;
use crate::writer::Writer;

/// The most of each that a setting has.
pub const READERS: usize = 3;
pub const WRITERS: usize = 3;
pub const PROCESSES: usize = 2;
pub const LATE: usize = 2;

/// The database's version of the one row there is: each commit makes the next.
pub type Version = u8;
/// Names one acquisition.
pub type Token = u8;
/// Names one stored value.
pub type FillId = u8;
/// What the key of a tag or of the epoch holds.
pub type Stamp = u8;

/// What a value must carry to be of now. A stamp that the setting has no use for is never known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stamps {
    pub tag: Option<Stamp>,
    pub epoch: Option<Stamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value {
    pub version: Version,
    pub fill: FillId,
    pub stamps: Stamps,
}

/// What the key holds. All but a value, and that too, may run out at any moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    Absent,
    /// Somebody loads.
    Lease {
        token: Token,
        /// Always, but for the rule that says so.
        expires: bool,
    },
    /// This writer writes.
    Marker(usize),
    /// A load ended with an answer that is not stored.
    Ended {
        token: Token,
        version: Version,
        epoch: Option<Stamp>,
    },
    Value(Value),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Process {
    /// The reader who loads, or waits for another process, on behalf of all readers of this one.
    pub flight: Option<usize>,
    /// The epoch that it may rely on.
    pub view: Option<Stamp>,
    /// An epoch that was read, and of which the process has not heard yet.
    pub asked: Option<Stamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub committed: Version,
    /// The newest version whose invalidation is complete: nobody who comes from now on may get an older one.
    pub floor: Version,
    pub key: Entry,
    /// The keys of the tag and of the epoch.
    pub tag: Option<Stamp>,
    pub epoch: Option<Stamp>,
    pub processes: [Process; PROCESSES],
    pub readers: [Reader; READERS],
    pub writers: [Writer; WRITERS],
    pub late: [Option<Late>; LATE],
    /// What may still go wrong.
    pub timeouts: u8,
    pub deaths: u8,
    /// The promise that was not kept.
    pub broken: Option<Promise>,
}

impl World {
    /// How it begins: with nothing in the store, or with the database's value.
    pub fn beginnings(rules: &Rules) -> Vec<Self> {
        let setting = &rules.setting;
        let empty = Self {
            committed: 0,
            floor: 0,
            key: Entry::Absent,
            tag: None,
            epoch: None,
            processes: [Process::default(); PROCESSES],
            readers: [Reader::IDLE; READERS],
            writers: [Writer::IDLE; WRITERS],
            late: [None; LATE],
            timeouts: setting.timeouts,
            deaths: setting.deaths,
            broken: None,
        };
        let mut beginnings = vec![empty];
        if setting.cached {
            let stamps = Stamps { tag: setting.tagged.then_some(0), epoch: setting.clearable.then_some(1) };
            let mut cached = empty;
            cached.key = Entry::Value(Value { version: 0, fill: 0, stamps });
            (cached.tag, cached.epoch) = (stamps.tag, stamps.epoch);
            cached.processes[0].view = stamps.epoch;
            beginnings.push(cached);
        }
        beginnings
    }

    /// What nobody will look at again is forgotten, so that it does not make two states of one.
    pub fn forget(&mut self) {
        let mut gone = 0;
        for (index, reader) in self.readers.iter().enumerate() {
            if reader.phase == Phase::Done {
                gone |= 1 << index;
            }
        }
        for reader in &mut self.readers {
            match reader.phase {
                Phase::Done => *reader = Reader { phase: Phase::Done, ..Reader::IDLE },
                _ => reader.early &= !gone,
            }
        }
        if self.late[0].is_none() {
            self.late.swap(0, 1);
        }
    }
}
