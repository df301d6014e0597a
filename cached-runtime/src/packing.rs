//! Payloads that are made smaller before they are stored. Everything above sees them as they were.

use std::borrow::Cow;

use bytes::Bytes;

/// How large values are compressed; see [`Builder::compress`](crate::Builder::compress).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// LZ4 (feature `lz4`): fast, and JSON takes a half or less.
    Lz4,
}

impl Compression {
    /// The feature that it needs and that is not switched on.
    pub(crate) const fn missing(self) -> Option<&'static str> {
        match self {
            Self::Lz4 if !cfg!(feature = "lz4") => Some("lz4"),
            Self::Lz4 => None,
        }
    }
}

/// What is compressed, and what is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packing {
    pub(crate) by: Option<Compression>,
    /// Less does not pay.
    pub(crate) over: usize,
}

impl Packing {
    pub(crate) const OVER: usize = 4096;
    pub(crate) const NONE: Self = Self { by: None, over: Self::OVER };

    /// The payload as it is stored, where it is to be stored compressed: how long it was, and a block.
    #[cfg(feature = "lz4")]
    pub(crate) fn pack<'p>(&self, payload: &'p [u8]) -> (Packed, Cow<'p, [u8]>) {
        let raw = (Packed::Raw, Cow::Borrowed(payload));
        let (Some(Compression::Lz4), Ok(length)) = (self.by, u32::try_from(payload.len())) else { return raw };
        if payload.len() <= self.over {
            return raw;
        }
        let mut packed = length.to_le_bytes().to_vec();
        packed.extend_from_slice(&lz4_flex::block::compress(payload));
        // Whoever reads it has to pay for it every time.
        if packed.len() <= payload.len() / 10 * 9 { (Packed::Lz4, Cow::Owned(packed)) } else { raw }
    }

    #[cfg(not(feature = "lz4"))]
    pub(crate) fn pack<'p>(&self, payload: &'p [u8]) -> (Packed, Cow<'p, [u8]>) {
        (Packed::Raw, Cow::Borrowed(payload))
    }
}

/// How a payload is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packed {
    Raw,
    Lz4,
}

impl Packed {
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn of_number(number: u8) -> Option<Self> {
        [Self::Raw, Self::Lz4].into_iter().find(|packed| packed.number() == number)
    }

    /// The payload as it was, of at most `most` bytes. `None`: damaged, larger, or not compiled in.
    pub(crate) fn unpack(self, stored: Bytes, most: usize) -> Option<Bytes> {
        match self {
            Self::Raw => Some(stored),
            Self::Lz4 => unpacked(&stored, most),
        }
    }
}

/// No block gives more than 255 times its length, so a length that only claims to be long allocates nothing.
#[cfg(feature = "lz4")]
fn unpacked(stored: &[u8], most: usize) -> Option<Bytes> {
    let (length, block) = stored.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if length > most || length > block.len().saturating_mul(255) {
        return None;
    }
    let mut payload = vec![0; length];
    let written = lz4_flex::block::decompress_into(block, &mut payload).ok()?;
    (written == length).then(|| payload.into())
}

#[cfg(not(feature = "lz4"))]
fn unpacked(_: &[u8], _: usize) -> Option<Bytes> {
    None
}

#[cfg(all(test, feature = "lz4"))]
mod tests {
    use super::*;

    const MOST: usize = 1 << 20;
    const LZ4: Packing = Packing { by: Some(Compression::Lz4), over: 100 };

    #[test]
    fn what_is_packed_comes_back_and_is_smaller() {
        let payload = "{\"id\":1,\"name\":\"bob\"}".repeat(1000);
        let (packed, stored) = LZ4.pack(payload.as_bytes());
        assert_eq!(packed, Packed::Lz4);
        assert!(stored.len() < payload.len() / 10, "{} bytes", stored.len());
        let stored = Bytes::from(stored.into_owned());
        assert_eq!(packed.unpack(stored.clone(), payload.len()).as_deref(), Some(payload.as_bytes()));
        assert_eq!(packed.unpack(stored.clone(), payload.len() - 1), None, "over the limit");
        for length in 0..stored.len() {
            assert_eq!(packed.unpack(stored.slice(..length), MOST), None, "cut at {length}");
        }
    }

    #[test]
    fn what_is_small_or_does_not_get_smaller_stays_as_it_is() {
        let noise: Vec<u8> = (0..10_000).map(|_| fastrand::u8(..)).collect();
        for payload in [&[b'a'; 100][..], &noise] {
            let (packed, stored) = LZ4.pack(payload);
            assert_eq!((packed, &*stored), (Packed::Raw, payload));
        }
        assert_eq!(LZ4.pack(&[b'a'; 101]).0, Packed::Lz4);
        assert_eq!(Packing::NONE.pack(&[b'a'; 100_000]).0, Packed::Raw);
    }

    #[test]
    fn a_length_that_is_not_there_is_refused() {
        let lying = |length: u32| Bytes::from([&length.to_le_bytes()[..], &[0x10, b'a']].concat());
        assert_eq!(Packed::Lz4.unpack(lying(1), MOST).as_deref(), Some(&b"a"[..]));
        for length in [0, 2, 511, 1 << 20, u32::MAX] {
            assert_eq!(Packed::Lz4.unpack(lying(length), usize::MAX), None, "{length}");
        }
    }
}
