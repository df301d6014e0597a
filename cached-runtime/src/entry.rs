//! What one Redis key holds: a value, a lease placeholder, or a marker. Bytes in, bytes out.
//!
//! ```text
//! byte 0      0xC5, no beginning of JSON or UTF-8 text
//! byte 1      L lease · R lease after an ended load · W writer · E ended load (nothing stored) · V value ·
//!             N absent (a cached `None`) · F failure (a cached error) ·
//!             D a queued value, on its way to the database · G the same, gone once it is there
//! L, R, W     token[16]                                                                     18 bytes
//! E           token[16] `U`, or token[16] `N` type[8] version[4] epoch[8]            19 or 39 bytes
//! V N F D G   fill[8] type[8] version[4] created_ms[8] ttl_ms[8] early_ms[8] stale_ms[8] load_ms[4] epoch[8]
//!             schema[8] codec[1] packed[1] displaced[1] tags_len[2] check[8] tags payload
//! tags        (len[2] key stamp[8])*
//! ```
//! Numbers are little-endian. `check` covers every other byte, so that no flipped bit is ever decoded as a value.

use std::time::Duration;

use bytes::Bytes;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::clock::Millis;
use crate::codec::Codec;
use crate::form::Form;
use crate::packing::{Packed, Packing};
use crate::stamp::{Stamp, Tags};
use crate::token::Token;

const MAGIC: u8 = 0xC5;
const CHECKED: usize = 79;
pub(crate) const HEADER: usize = CHECKED + 8;
/// Where the codec stands.
#[cfg(any(test, feature = "testing"))]
const CODEC: usize = PACKED - 1;
/// And after it, whether the payload is compressed.
const PACKED: usize = CHECKED - 4;

/// The 18 bytes of a lease placeholder: what Redis compares before it lets a load fill, renew or release.
pub type Placeholder = [u8; 18];

/// How many leading bytes tell one stored value from every other: magic, kind, fill id.
pub(crate) const IDENTITY: usize = 10;

/// Whether these are the bytes of a value, or of a cached absence.
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    matches!(bytes, [MAGIC, b'V' | b'N', ..])
}

/// Whether these are the bytes of a value that is queued for the database. Nothing but its flush removes it.
pub(crate) fn is_queued(bytes: &[u8]) -> bool {
    matches!(bytes, [MAGIC, b'D' | b'G', ..])
}

/// The fill of a queued value.
pub(crate) fn queued_fill(bytes: &Bytes) -> Option<u64> {
    let fill = bytes.get(2..IDENTITY).filter(|_| is_queued(bytes))?;
    fill.try_into().ok().map(u64::from_le_bytes)
}

/// Whether a queued value stays once the database has it.
#[cfg(feature = "memory")]
pub(crate) fn is_kept(bytes: &[u8]) -> bool {
    matches!(bytes, [MAGIC, b'D', ..])
}

/// Whether a writer is at work.
#[cfg(feature = "memory")]
pub(crate) fn is_writer(bytes: &[u8]) -> bool {
    matches!(bytes, [MAGIC, b'W', ..])
}

/// The same value, once the database has it.
pub(crate) fn clean(bytes: &Bytes) -> Bytes {
    turned(bytes, Turn::Clean)
}

/// What becomes of the bytes of a queued value: the same value, but for what its kind says.
pub(crate) fn turned(bytes: &Bytes, turn: Turn) -> Bytes {
    let mut turned = bytes.to_vec();
    if let Some(kind) = turned.get_mut(1) {
        *kind = match turn {
            Turn::Clean => b'V',
            Turn::Gone => b'G',
        };
    }
    turned.into()
}

/// See [`turned`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The database has it.
    Clean,
    /// It was invalidated: once the database has it, it goes.
    #[cfg_attr(not(feature = "memory"), expect(dead_code, reason = "scripts do it"))]
    Gone,
}

/// What a lease was taken over from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing, or something that could not be served.
    Nothing,
    /// A load that stored nothing. Whoever waited for that one must not wait for this one too, and may find this
    /// lease instead of the marker.
    Ended,
}

pub(crate) fn lease(token: &Token, before: Before) -> Placeholder {
    let mut bytes = [0; 18];
    bytes[0] = MAGIC;
    bytes[1] = match before {
        Before::Nothing => b'L',
        Before::Ended => b'R',
    };
    bytes[2..].copy_from_slice(token.bytes());
    bytes
}

/// Left by a load that stored nothing, for the waiters in other processes: without it each of them would in turn
/// take the lease and make the rest wait for one more load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The loader answered `None`: whoever waited for this very load has its answer, if it asks for the same type in
    /// the same version and came after the same clear.
    Absent { type_tag: u64, version: u32, epoch: Stamp },
    /// An error, a panic, or a value that was not to be stored.
    Unstored,
}

pub(crate) fn ended(token: &Token, how: Ended) -> Vec<u8> {
    let mut bytes = lease(token, Before::Nothing).to_vec();
    bytes[1] = b'E';
    match how {
        Ended::Absent { type_tag, version, epoch } => {
            bytes.push(b'N');
            bytes.extend_from_slice(&type_tag.to_le_bytes());
            bytes.extend_from_slice(&version.to_le_bytes());
            bytes.extend_from_slice(&epoch.to_le_bytes());
        }
        Ended::Unstored => bytes.push(b'U'),
    }
    bytes
}

/// What an entry that can be served holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    Value,
    /// A cached `None`, without payload.
    Absence,
    /// An error that is remembered for a moment.
    Failure,
    /// A value that the database does not have yet. It is served whatever was invalidated since: it is what the database
    /// is going to have.
    Queued,
}

impl Holds {
    fn kind(self) -> u8 {
        match self {
            Self::Value => b'V',
            Self::Queued => b'D',
            Self::Absence => b'N',
            Self::Failure => b'F',
        }
    }

    fn of(kind: u8) -> Self {
        match kind {
            b'N' => Self::Absence,
            b'F' => Self::Failure,
            b'D' | b'G' => Self::Queued,
            _ => Self::Value,
        }
    }
}

/// What a stored value says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Unique per fill.
    pub(crate) fill: u64,
    /// What the payload is one of.
    pub(crate) form: Form,
    /// The schema version written by the user.
    pub(crate) version: u32,
    pub(crate) holds: Holds,
    /// When it was stored, by the clock of whoever did. It times refreshes; nothing else may depend on it.
    pub(crate) created: Millis,
    /// Time to live as stored; `None` is for ever.
    pub(crate) ttl: Option<Duration>,
    /// How old it must be before it is loaded anew while it still has time to live.
    pub(crate) early: Duration,
    /// How long it may be served after its time to live. Only then does the store keep it for longer than the time to live.
    pub(crate) stale: Duration,
    /// How long the load took.
    pub(crate) load: Duration,
    /// The prefix's stamp when the load began.
    pub(crate) epoch: Stamp,
    /// It took the place of an entry of this version that its writer could not read. Such a one stays for a while.
    pub(crate) displaced: bool,
}

/// The 18 bytes of a write marker: what Redis compares before it lets a writer store its value.
pub(crate) fn writer(token: &Token) -> Placeholder {
    let mut bytes = lease(token, Before::Nothing);
    bytes[1] = b'W';
    bytes
}

/// How large the entry is that [`value`] writes, if nothing of it is compressed.
pub(crate) fn size(tags: &Tags, payload: &[u8]) -> usize {
    HEADER + tags.0.len() + payload.len()
}

/// Writes an entry.
pub(crate) fn value(header: &Header, tags: &Tags, payload: &[u8], packing: Packing) -> Vec<u8> {
    let (packed, payload) = packing.pack(payload);
    let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX - 1);
    let mut bytes = Vec::with_capacity(size(tags, &payload));
    bytes.push(MAGIC);
    bytes.push(header.holds.kind());
    bytes.extend_from_slice(&header.fill.to_le_bytes());
    bytes.extend_from_slice(&header.form.type_tag.to_le_bytes());
    bytes.extend_from_slice(&header.version.to_le_bytes());
    bytes.extend_from_slice(&header.created.0.to_le_bytes());
    bytes.extend_from_slice(&header.ttl.map_or(u64::MAX, millis).to_le_bytes());
    bytes.extend_from_slice(&millis(header.early).to_le_bytes());
    bytes.extend_from_slice(&millis(header.stale).to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(header.load.as_millis()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&header.epoch.to_le_bytes());
    bytes.extend_from_slice(&header.form.schema.to_le_bytes());
    bytes.push(header.form.codec.number());
    bytes.push(packed.number());
    bytes.push(header.displaced.into());
    // Tags that do not fit give an entry that nobody reads as one of now.
    bytes.extend_from_slice(&u16::try_from(tags.0.len()).unwrap_or(0).to_le_bytes());
    let check = check(&bytes, &tags.0, &payload);
    bytes.extend_from_slice(&check.to_le_bytes());
    bytes.extend_from_slice(&tags.0);
    bytes.extend_from_slice(&payload);
    bytes
}

fn check(header: &[u8], tags: &[u8], payload: &[u8]) -> u64 {
    let seed = match header {
        // As for the value that it becomes, so that the store can turn the one into the other by its kind alone.
        [MAGIC, b'D' | b'G', rest @ ..] => xxh3_64(&[&[MAGIC, b'V'], rest].concat()),
        header => xxh3_64(header),
    };
    let seed = if tags.is_empty() { seed } else { xxh3_64_with_seed(tags, seed) };
    xxh3_64_with_seed(payload, seed)
}

impl Header {
    /// What the stored value begins with, and no other does.
    pub(crate) fn identity(&self) -> [u8; IDENTITY] {
        let mut identity = [MAGIC; IDENTITY];
        identity[1] = self.holds.kind();
        identity[2..].copy_from_slice(&self.fill.to_le_bytes());
        identity
    }
}

/// The right check for whatever stands there.
#[cfg(feature = "testing")]
pub(crate) fn seal(bytes: &mut [u8]) {
    let Some((header, rest)) = bytes.split_first_chunk_mut::<HEADER>() else { return };
    let holds = [Holds::Absence, Holds::Value, Holds::Value, Holds::Failure][usize::from(header[1] % 4)];
    (header[0], header[1]) = (MAGIC, holds.kind());
    (header[CODEC], header[PACKED]) = (header[CODEC] % 3, 0);
    let tags = usize::from(u16::from_le_bytes([header[CHECKED - 2], header[CHECKED - 1]])).min(rest.len());
    header[CHECKED - 2..CHECKED].copy_from_slice(&u16::try_from(tags).unwrap_or(0).to_le_bytes());
    let (tagged, payload) = rest.split_at(tags);
    let check = check(&header[..CHECKED], tagged, payload);
    header[CHECKED..].copy_from_slice(&check.to_le_bytes());
}

/// A value, a cached absence, or a remembered failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) header: Header,
    pub(crate) tags: Tags,
    pub(crate) payload: Bytes,
}

impl Stored {
    /// The stamp of this name that it carries: the epoch's goes without its name. What it does not carry is no stamp.
    pub(crate) fn carried(&self, name: &str) -> Stamp {
        self.tags.iter().find(|(tag, _)| *tag == name).map_or(self.header.epoch, |(_, stamp)| stamp)
    }
}

/// The bytes of one key, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Somebody is loading.
    Lease(Token, Before),
    /// A writer is at work: nothing may be served or filled until it is done.
    Writer,
    /// A load ended and stored nothing.
    Ended(Token, Ended),
    /// A value, a cached absence, or a remembered failure.
    Value(Stored),
    /// Not ours, cut short, damaged or too large.
    Corrupt,
}

impl Entry {
    /// What is larger than `most` is not looked at, whoever wrote it: neither checked nor copied nor decoded.
    pub(crate) fn parse(bytes: &Bytes, most: usize) -> Self {
        if bytes.len() > most { None } else { Self::understood(bytes, most) }.unwrap_or(Self::Corrupt)
    }

    fn understood(bytes: &Bytes, most: usize) -> Option<Self> {
        let (&[magic, kind], rest) = bytes.split_first_chunk()?;
        if magic != MAGIC {
            return None;
        }
        match kind {
            b'L' => Some(Self::Lease(Token::from_bytes(rest)?, Before::Nothing)),
            b'R' => Some(Self::Lease(Token::from_bytes(rest)?, Before::Ended)),
            b'W' => Token::from_bytes(rest).map(|_| Self::Writer),
            b'E' => {
                let (token, rest) = rest.split_first_chunk::<16>()?;
                let (&reason, of) = rest.split_first()?;
                let mut at = Reader(of);
                let how = match (reason, of.len()) {
                    (b'N', 20) => Ended::Absent {
                        type_tag: u64::from_le_bytes(at.take()?),
                        version: u32::from_le_bytes(at.take()?),
                        epoch: Stamp::from_le_bytes(at.take()?),
                    },
                    (b'U', 0) => Ended::Unstored,
                    _ => return None,
                };
                Some(Self::Ended(Token::from_bytes(token)?, how))
            }
            b'V' | b'N' | b'F' | b'D' | b'G' => {
                let (header, rest) = bytes.split_at_checked(HEADER)?;
                let (checked, stored) = header.split_at_checked(CHECKED)?;
                let tags = usize::from(u16::from_le_bytes(*checked.last_chunk()?));
                let (tagged, payload) = rest.split_at_checked(tags)?;
                if u64::from_le_bytes(stored.try_into().ok()?) != check(checked, tagged, payload) {
                    return None;
                }
                let packed = Packed::of_number(*checked.get(PACKED)?)?;
                let mut at = Reader(checked.get(2..)?);
                let (fill, type_tag) = (u64::from_le_bytes(at.take()?), u64::from_le_bytes(at.take()?));
                let header = Header {
                    fill,
                    version: u32::from_le_bytes(at.take()?),
                    created: Millis(u64::from_le_bytes(at.take()?)),
                    ttl: match u64::from_le_bytes(at.take()?) {
                        u64::MAX => None,
                        millis => Some(Duration::from_millis(millis)),
                    },
                    early: Duration::from_millis(u64::from_le_bytes(at.take()?)),
                    stale: Duration::from_millis(u64::from_le_bytes(at.take()?)),
                    load: Duration::from_millis(u32::from_le_bytes(at.take()?).into()),
                    epoch: Stamp::from_le_bytes(at.take()?),
                    form: Form {
                        type_tag,
                        schema: u64::from_le_bytes(at.take()?),
                        codec: at.take::<1>().and_then(|[number]| Codec::of_number(number))?,
                    },
                    // Behind `packed`.
                    displaced: at.take::<2>()?[1] != 0,
                    holds: Holds::of(kind),
                };
                let tags = if tags == 0 { Tags::default() } else { Tags(bytes.slice(HEADER..HEADER + tags)) };
                let payload = packed.unpack(bytes.slice(HEADER + tags.0.len()..), most)?;
                Some(Self::Value(Stored { header, tags, payload }))
            }
            _ => None,
        }
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests;
