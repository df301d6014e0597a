//! Bytes that fuzzers have found, and those that lie about lengths: no panic, no wrong value, no allocation that an
//! entry talks us into.
//!
//! `fuzz/README.md` says how they were found.

#[path = "support/hostile.rs"]
mod hostile;

use std::fs::DirEntry;
use std::path::Path;

use allocation_counter::measure;
use bytes::Bytes;
use cached_runtime::hostile::{HEADER, Kind, entry, seal};

/// The default.
const LIMIT: usize = 1 << 20;

/// Every input that the fuzzer of this name has kept.
fn kept(name: &str) -> Vec<Vec<u8>> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let read = |file: std::io::Result<DirEntry>| std::fs::read(file.expect("an entry").path()).expect("an input");
    let inputs: Vec<_> = std::fs::read_dir(&kept).expect("a corpus").map(read).collect();
    assert!(inputs.len() >= 10, "{} inputs in {}", inputs.len(), kept.display());
    inputs
}

fn replay(name: &str, target: fn(&[u8])) {
    kept(name).iter().for_each(|input| target(input));
}

#[test]
fn no_entry_that_a_fuzzer_kept_is_misread() {
    replay("entry", hostile::entry);
}

#[test]
fn no_call_over_an_entry_that_a_fuzzer_kept_fails() {
    replay("lookup", hostile::lookup);
}

/// A fuzzer begins with what was kept: where the layout has changed since, that is read as damage, and it finds nothing
/// behind the header in a lifetime.
#[test]
fn what_a_fuzzer_kept_has_the_layout_of_now() {
    let decoded = kept("entry").iter().filter(|input| hostile::is_decoded(input)).count();
    let hits = kept("lookup").iter().filter(|input| hostile::is_hit(input)).count();
    assert!(decoded >= 20 && hits >= 5, "{decoded} entries and {hits} hits");
}

#[test]
fn no_topology_that_a_fuzzer_kept_is_misread() {
    replay("cluster", hostile::cluster);
}

#[test]
fn no_url_that_a_fuzzer_kept_prints_its_password() {
    replay("url", hostile::url);
}

/// The most that is allocated at a time while these are read, with a check that is right.
fn allocated(mut bytes: Vec<u8>, most: usize) -> (Kind, u64) {
    seal(&mut bytes);
    let bytes = Bytes::from(bytes);
    let mut kind = Kind::Corrupt;
    let measured = measure(|| kind = entry(&bytes, most));
    (kind, measured.bytes_max)
}

/// A header of zeros.
fn stored(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes[1] = 1;
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn no_entry_that_a_fuzzer_kept_allocates_more_than_the_limit() {
    for input in kept("entry") {
        let (length, (_, most)) = (input.len(), allocated(input, LIMIT));
        // Of what can be decoded, a tree of values in place of its text takes the most.
        assert!(most < 1_024 + 128 * length as u64, "{most} bytes for {length}");
    }
}

#[test]
fn an_entry_over_the_limit_is_neither_decoded_nor_copied() {
    let text = format!("\"{}\"", "x".repeat(5 * LIMIT));
    let (kind, most) = allocated(stored(text.as_bytes()), LIMIT);
    assert_eq!(kind, Kind::Corrupt);
    assert!(most < 1_024, "{most} bytes");
    let (kind, most) = allocated(stored(text.as_bytes()), 10 * LIMIT);
    assert!(matches!(kind, Kind::Value { decoded: 2 }), "it is a text, and it is any value: {kind:?}");
    assert!(most > LIMIT as u64, "it measures nothing: {most} bytes");
}

/// Where the codec stands in an entry.
const CODEC: usize = HEADER - 13;

#[test]
fn elements_that_an_entry_only_claims_allocate_no_more_than_there_are_bytes() {
    // Four billion of them, as MessagePack and as postcard write it.
    let claims: [(u8, &[u8]); 3] =
        [(1, b"\xdd\xff\xff\xff\xff"), (1, b"\xdf\xff\xff\xff\xff"), (2, b"\xff\xff\xff\xff\x0f")];
    for (codec, payload) in claims {
        let mut bytes = stored(payload);
        bytes[CODEC] = codec;
        let (kind, most) = allocated(bytes, LIMIT);
        assert!(matches!(kind, Kind::Value { .. }), "{kind:?}");
        assert!(most < 16_384, "{most} bytes for {}", payload.len());
    }
}

#[test]
fn lengths_that_an_entry_only_claims_allocate_nothing() {
    let tags_of_64_k = {
        let mut bytes = stored(b"");
        bytes[HEADER - 10..HEADER - 8].copy_from_slice(&[0xFF; 2]);
        bytes.resize(HEADER + 300, 0xFF);
        bytes
    };
    let brackets = |length: usize| stored("[".repeat(length).as_bytes());
    for bytes in [tags_of_64_k, brackets(1_000), brackets(LIMIT - HEADER), stored(b"1e999999999"), stored(b"\"\\ud800")]
    {
        let (length, (kind, most)) = (bytes.len(), allocated(bytes, LIMIT));
        assert!(matches!(kind, Kind::Value { .. }), "{kind:?}");
        assert!(most < 16_384, "{most} bytes for {length}");
    }
}
