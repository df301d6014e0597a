//! Text that needs no allocation while it is short, as most keys are.

use std::fmt;
use std::hash::{Hash, Hasher};

/// What a key has room for without an allocation.
const SHORT: usize = 94;

/// Bytes that are UTF-8: nothing but whole `str`s ever goes in.
#[derive(Clone)]
pub(crate) enum Text {
    Short { bytes: [u8; SHORT], length: u8 },
    Long(Vec<u8>),
}

impl Text {
    #[inline]
    pub(crate) fn new() -> Self {
        Self::Short { bytes: [0; SHORT], length: 0 }
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { bytes, length } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        // Never anything else; saying so without a check would be `unsafe`.
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }

    #[inline]
    pub(crate) fn push_str(&mut self, more: &str) {
        if let Self::Short { bytes, length } = self {
            let from = usize::from(*length);
            if let (Some(room), Ok(more_length)) = (bytes.get_mut(from..from + more.len()), u8::try_from(more.len())) {
                room.copy_from_slice(more.as_bytes());
                *length += more_length;
                return;
            }
        }
        self.spilled().extend_from_slice(more.as_bytes());
    }

    pub(crate) fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }

    /// Puts `text` before what begins at `at`.
    pub(crate) fn insert_str(&mut self, at: usize, text: &str) {
        self.spilled().splice(at..at, text.bytes());
    }

    /// Cut to this length at most, between two characters.
    pub(crate) fn truncate(&mut self, length: usize) {
        let mut cut = length;
        while !self.as_str().is_char_boundary(cut) {
            cut -= 1;
        }
        self.spilled().truncate(cut);
    }

    fn spilled(&mut self) -> &mut Vec<u8> {
        if let Self::Short { .. } = self {
            let mut long = Vec::with_capacity(2 * SHORT);
            long.extend_from_slice(self.bytes());
            *self = Self::Long(long);
        }
        match self {
            Self::Long(bytes) => bytes,
            Self::Short { .. } => unreachable!("it was spilled just now"),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes().hash(state);
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes().cmp(other.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_text_is_the_same_text() {
        for length in [0, 1, SHORT - 1, SHORT, SHORT + 1, 3 * SHORT] {
            let (mut once, mut bit_by_bit) = (Text::new(), Text::new());
            let text: String = "aéz".chars().cycle().take(length).collect();
            once.push_str(&text);
            text.chars().for_each(|c| bit_by_bit.push(c));
            assert_eq!(once, bit_by_bit);
            assert_eq!(once.as_str(), text);
            once.insert_str(0, "~");
            assert_eq!(once.as_str(), format!("~{text}"));
            once.truncate(2);
            assert!("~aé".starts_with(once.as_str()), "{once:?}");
        }
    }
}
