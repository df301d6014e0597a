//! Which of a cluster's 16384 slots a key is in.

use std::sync::Arc;

/// How many there are.
pub(crate) const SLOTS: u16 = 16_384;

/// CRC-16/XMODEM, by byte.
const TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// The slot of a key: of what stands between its first `{` and the next `}`, where that is something.
pub(crate) fn of(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let tag = &key[open + 1..];
        let close = tag.iter().position(|byte| *byte == b'}')?;
        (close > 0).then(|| &tag[..close])
    });
    let crc = tag.unwrap_or(key).iter().fold(0_u16, |crc, byte| {
        let [high, low] = crc.to_be_bytes();
        u16::from(low) << 8 ^ TABLE[usize::from(high ^ byte)]
    });
    crc % SLOTS
}

/// Names for copies of this key, by hash tags, a third and two thirds of all slots away: with three masters or more
/// these are others, unless slots were moved about a lot. None where a hash tag of the key's own rules.
pub(crate) fn elsewhere(key: &str) -> Vec<Arc<str>> {
    let third = SLOTS / 3;
    let away = |by: u16| {
        let wanted = (of(key.as_bytes()) + by) % SLOTS;
        let tagged = |number: u32| format!("{key}{{{number}}}");
        // About every sixtieth number does.
        (0..4096).map(tagged).find(|name| of(name.as_bytes()).abs_diff(wanted) < third / 40).map(Arc::from)
    };
    [third, 2 * third].into_iter().filter_map(away).collect()
}

#[cfg(test)]
mod tests {
    use super::{SLOTS, elsewhere, of};

    #[test]
    fn copies_are_named_the_same_in_every_process_and_are_far_from_each_other() {
        for key in ["shop:%epoch", "%epoch", "test:%epoch"] {
            let copies = elsewhere(key);
            assert_eq!(copies, elsewhere(key));
            let mut slots: Vec<_> = copies.iter().map(|copy| of(copy.as_bytes())).chain([of(key.as_bytes())]).collect();
            slots.sort_unstable();
            slots.push(slots[0] + SLOTS);
            assert_eq!(slots.len(), 4);
            assert!(slots.windows(2).all(|pair| pair[1] - pair[0] > SLOTS / 4), "{slots:?}");
        }
        assert!(elsewhere("{shop}:%epoch").is_empty());
    }

    /// From `CLUSTER KEYSLOT`.
    #[test]
    fn a_key_is_in_the_slot_that_redis_says() {
        for (key, slot) in [
            ("", 0),
            ("foo", 12_182),
            ("123456789", 12_739),
            ("{foo}.bar", 12_182),
            ("a{foo}{bar}", 12_182),
            ("{}foo", 9_500),
            ("foo{", 7_673),
            ("{{foo}}", 13_308),
        ] {
            assert_eq!(of(key.as_bytes()), slot, "{key}");
        }
    }
}
