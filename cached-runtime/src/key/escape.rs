//! What a string part escapes.

/// Not zero for what is escaped, or may be: all but some of ASCII. A number, so that a loop over it has no branches.
static ESCAPED: [u8; 256] = {
    let mut escaped = [1; 256];
    let mut byte = 0;
    while byte < 128 {
        escaped[byte] = reserved_ascii(byte as u8) as u8;
        byte += 1;
    }
    escaped
};

/// Whether nothing in it is escaped. Eight at a time, without a branch in between.
#[inline]
pub(super) fn is_plain(text: &[u8]) -> bool {
    let escaped = |seen, byte: &u8| seen | ESCAPED[usize::from(*byte)];
    let (eights, rest) = text.as_chunks::<8>();
    eights.iter().fold(0, |seen, eight| seen | eight.iter().fold(0, escaped)) | rest.iter().fold(0, escaped) == 0
}

/// See [`reserved`].
const fn reserved_ascii(byte: u8) -> bool {
    matches!(byte, b':' | b'<' | b'>' | b'{' | b'}' | b'*' | b'?' | b'[' | b']' | b'%' | b'~' | b'(' | b')' | b',')
        || byte.is_ascii_whitespace()
        || byte.is_ascii_control()
}

/// What a string part escapes: the separators of keys, glob characters, the cluster's hash-tag braces, the escape
/// itself, the structural marks, white space and control characters.
pub(super) fn reserved(c: char) -> bool {
    match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => reserved_ascii(byte),
        _ => c.is_whitespace() || c.is_control(),
    }
}
