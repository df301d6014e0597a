//! One line of the history: something that happened to one key, at one instant, in one process.

use std::fmt;

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// By the clock of the log; no two events of one process at once.
    pub at: u64,
    pub process: u8,
    /// The caller, within its process; 0 for what the store says.
    pub task: u16,
    pub key: u8,
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A reader calls.
    ReadBegan,
    /// A reader calls that may be answered in its process, with what was there a moment ago.
    LocalReadBegan,
    /// It has this version of this key's row.
    ReadEnded { version: u64, of: u8 },
    /// It is told that there is no such row.
    ReadNone,
    /// It has no answer: the load failed, or the caller went away.
    ReadGone,
    /// A writer is about to commit the key's next version.
    CommitBegan,
    /// The write of this version is over for the cache too: from now on nobody may see an older one.
    Invalidated { version: u64 },
    /// The write of this version is over, and the cache was not told: its invalidation is queued.
    Queued { version: u64 },
    /// A body begins to load.
    Loading,
    /// It is over, whatever came of it.
    LoadOver,
    /// A load has read this version from the database.
    Loaded { version: u64 },
    /// The store accepted the value of this version in place of that lease.
    Stored { version: u64, token: u64 },
    /// The store accepted the value of this version in place of an older value.
    Refilled { version: u64 },
    /// The store said that the lease is this call's. It was asked for at `asked`, and ends by itself, but not before it
    /// lasted that long.
    Leased { token: u64, asked: u64, millis: u16 },
    /// The store said that the lease was extended, likewise.
    Renewed { token: u64, asked: u64, millis: u16 },
    /// The lease's own holder is about to fill or release it.
    GivenUp { token: u64 },
    /// Somebody who looked was told that what the key holds lives so much longer; `None`: for ever.
    Lives { millis: Option<u64> },
    /// Something that ends any lease is about to be sent: a deletion, an unconditional write.
    Clearing,
    /// It was answered.
    Cleared,
    /// It was not: it may still happen.
    PerhapsCleared,
}

/// Between processes, what no number of milliseconds is.
const FOR_EVER: u64 = u64::MAX;

impl Event {
    /// As bytes between processes.
    pub const SIZE: usize = 32;

    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let (kind, a, b, c) = match self.what {
            What::ReadBegan => (0, 0, 0, 0),
            What::ReadEnded { version, of } => (1, version, of.into(), 0),
            What::ReadGone => (2, 0, 0, 0),
            What::CommitBegan => (3, 0, 0, 0),
            What::Invalidated { version } => (4, version, 0, 0),
            What::Loaded { version } => (5, version, 0, 0),
            What::Stored { version, token } => (6, version, token, 0),
            What::Leased { token, asked, millis } => (7, token, asked, millis),
            What::Renewed { token, asked, millis } => (8, token, asked, millis),
            What::GivenUp { token } => (9, token, 0, 0),
            What::Clearing => (10, 0, 0, 0),
            What::Cleared => (11, 0, 0, 0),
            What::PerhapsCleared => (12, 0, 0, 0),
            What::Refilled { version } => (13, version, 0, 0),
            What::Queued { version } => (14, version, 0, 0),
            What::ReadNone => (15, 0, 0, 0),
            What::Loading => (16, 0, 0, 0),
            What::LoadOver => (17, 0, 0, 0),
            What::Lives { millis } => (18, millis.unwrap_or(FOR_EVER), 0, 0),
            What::LocalReadBegan => (19, 0, 0, 0),
        };
        let mut bytes = [0; Self::SIZE];
        bytes[..8].copy_from_slice(&self.at.to_le_bytes());
        bytes[8..16].copy_from_slice(&u64::to_le_bytes(a));
        bytes[16..24].copy_from_slice(&u64::to_le_bytes(b));
        bytes[24..26].copy_from_slice(&self.task.to_le_bytes());
        bytes[26] = self.process;
        bytes[27] = self.key;
        bytes[28..30].copy_from_slice(&u16::to_le_bytes(c));
        bytes[30] = kind;
        bytes
    }

    pub fn from_bytes(bytes: &[u8; Self::SIZE]) -> Option<Self> {
        let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]));
        let short = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let (a, b, millis) = (number(8), number(16), short(28));
        let what = match bytes[30] {
            0 => What::ReadBegan,
            1 => What::ReadEnded { version: a, of: u8::try_from(b).ok()? },
            2 => What::ReadGone,
            3 => What::CommitBegan,
            4 => What::Invalidated { version: a },
            5 => What::Loaded { version: a },
            6 => What::Stored { version: a, token: b },
            7 => What::Leased { token: a, asked: b, millis },
            8 => What::Renewed { token: a, asked: b, millis },
            9 => What::GivenUp { token: a },
            10 => What::Clearing,
            11 => What::Cleared,
            12 => What::PerhapsCleared,
            13 => What::Refilled { version: a },
            14 => What::Queued { version: a },
            15 => What::ReadNone,
            16 => What::Loading,
            17 => What::LoadOver,
            18 => What::Lives { millis: Some(a).filter(|millis| *millis != FOR_EVER) },
            19 => What::LocalReadBegan,
            _ => return None,
        };
        Some(Self { at: number(0), process: bytes[26], task: short(24), key: bytes[27], what })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9} key {} {:>3}.{:<4} {}", self.at / 1_000, self.key, self.process, self.task, self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |token: u64| token & 0xFFFF;
        match *self {
            Self::ReadBegan => write!(f, "a read begins"),
            Self::LocalReadBegan => write!(f, "a read begins that may be local"),
            Self::ReadEnded { version, of } => write!(f, "the read returns version {version} of key {of}"),
            Self::ReadNone => write!(f, "the read returns that there is no such row"),
            Self::ReadGone => write!(f, "the read returns nothing"),
            Self::CommitBegan => write!(f, "the database is about to commit"),
            Self::Invalidated { version } => write!(f, "the write of version {version} is over"),
            Self::Queued { version } => write!(f, "the write of version {version} is over, its invalidation is queued"),
            Self::Loading => write!(f, "a load begins"),
            Self::LoadOver => write!(f, "the load is over"),
            Self::Lives { millis: Some(millis) } => write!(f, "what is there lives for {millis} ms"),
            Self::Lives { millis: None } => write!(f, "what is there lives for ever"),
            Self::Loaded { version } => write!(f, "a load reads version {version} from the database"),
            Self::Stored { version, token } => {
                write!(f, "version {version} is stored, under lease {:04x}", short(token))
            }
            Self::Refilled { version } => write!(f, "version {version} is stored in place of another"),
            Self::Leased { token, .. } => write!(f, "lease {:04x} is given", short(token)),
            Self::Renewed { token, .. } => write!(f, "lease {:04x} is renewed", short(token)),
            Self::GivenUp { token } => write!(f, "lease {:04x} is about to be filled or released", short(token)),
            Self::Clearing => write!(f, "a deletion is sent"),
            Self::Cleared => write!(f, "the deletion is answered"),
            Self::PerhapsCleared => write!(f, "the deletion is not answered"),
        }
    }
}
