//! What anybody may have put into the store, read as the runtime reads it: for the fuzzers, and for the tests that replay
//! what they found. Not for users.

use std::collections::HashMap;

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::codec::{self, Codec, Outermost};
use crate::entry::{self, Entry};
#[cfg(feature = "cluster")]
pub use crate::store::redis::hostile::{redirection, topology};

/// The least that a value takes.
pub const HEADER: usize = entry::HEADER;

/// What an entry turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A lease or a marker.
    Placeholder,
    /// A value, or an absence, that so many of some types can be decoded from.
    Value {
        /// Of the types.
        decoded: usize,
    },
    /// A miss.
    Corrupt,
}

/// Reads an entry of at most `most` bytes, its tags, and its value as several types.
pub fn entry(bytes: &Bytes, most: usize) -> Kind {
    let stored = match Entry::parse(bytes, most) {
        Entry::Value(stored) => stored,
        Entry::Lease(..) | Entry::Writer | Entry::Ended(..) => return Kind::Placeholder,
        Entry::Corrupt => return Kind::Corrupt,
    };
    assert!(bytes.len() <= most, "an entry over the limit was read");
    assert_eq!(bytes.len(), entry::size(&stored.tags, &stored.payload), "bytes that belong to nothing");
    let tags = stored.tags.iter().map(|(tag, _)| tag.len()).sum::<usize>();
    assert!(tags <= stored.tags.0.len(), "more names than there are bytes");
    let (codec, payload) = (stored.header.form.codec, &*stored.payload);
    let decoded = [
        reads::<u64>(codec, payload),
        reads::<String>(codec, payload),
        reads::<Vec<Option<f64>>>(codec, payload),
        // postcard writes nothing for these: a length alone says how many, and reading takes as long as it says.
        codec.has_names() && reads::<Vec<()>>(codec, payload),
        reads::<HashMap<String, (u8, bool)>>(codec, payload),
        // As deep as the text is.
        reads::<serde_json::Value>(codec, payload),
    ];
    Kind::Value { decoded: decoded.into_iter().filter(|read| *read).count() }
}

fn reads<T: DeserializeOwned>(codec: Codec, payload: &[u8]) -> bool {
    codec::decode::<T>(codec, payload, Outermost::Kept).is_some()
}

/// Makes these bytes an entry with a check that is right, as far as their length allows. The check has no key: whoever
/// writes to the store can do the same, and a fuzzer would never come past it by chance.
pub fn seal(bytes: &mut [u8]) {
    entry::seal(bytes);
}
