//! What entries are made of, byte for byte.

use super::*;

const MOST: usize = 1 << 20;

fn header() -> Header {
    Header {
        fill: 1,
        form: Form { type_tag: 2, schema: 9, codec: Codec::Json },
        version: 3,
        holds: Holds::Value,
        created: Millis(1_700_000_000_000),
        ttl: Some(Duration::from_secs(60)),
        early: Duration::from_secs(48),
        stale: Duration::from_secs(5),
        load: Duration::from_millis(7),
        epoch: 8,
        displaced: false,
    }
}

#[test]
fn a_value_comes_back_as_it_was_written() {
    let forever = Header { ttl: None, holds: Holds::Absence, displaced: true, ..header() };
    let failure = Header { holds: Holds::Failure, ..header() };
    let tags = Tags(Bytes::from_static(b"\x01\0t12345678"));
    for (header, tags, payload) in [
        (header(), Tags::default(), "{}"),
        (forever, Tags::default(), ""),
        (failure, Tags::default(), "1"),
        (header(), tags, "[]"),
    ] {
        let bytes = Bytes::from(value(&header, &tags, payload.as_bytes(), Packing::NONE));
        let payload = Bytes::from_static(payload.as_bytes());
        assert_eq!(Entry::parse(&bytes, MOST), Entry::Value(Stored { header, tags, payload }));
    }
}

#[test]
fn an_entry_over_the_limit_is_corrupt_however_sound_it_is() {
    let tags = Tags(Bytes::from_static(b"\x01\0t12345678"));
    let whole = Bytes::from(value(&header(), &tags, b"{}", Packing::NONE));
    assert_eq!(whole.len(), size(&tags, b"{}"));
    assert!(matches!(Entry::parse(&whole, whole.len()), Entry::Value(_)));
    assert_eq!(Entry::parse(&whole, whole.len() - 1), Entry::Corrupt);
}

#[test]
fn placeholders_come_back_as_they_were_written() {
    let token = Token::fresh();
    let parse = |bytes: &[u8]| Entry::parse(&Bytes::copy_from_slice(bytes), MOST);
    for before in [Before::Nothing, Before::Ended] {
        assert_eq!(parse(&lease(&token, before)), Entry::Lease(token, before));
    }
    for how in [Ended::Absent { type_tag: 1 << 40, version: 2, epoch: 3 }, Ended::Unstored] {
        assert_eq!(parse(&ended(&token, how)), Entry::Ended(token, how));
    }
}

#[cfg(feature = "lz4")]
#[test]
fn a_compressed_payload_comes_back_within_the_limit() {
    let payload = "[1,2,3]".repeat(1000);
    let by = Packing { by: Some(crate::packing::Compression::Lz4), ..Packing::NONE };
    let bytes = Bytes::from(value(&header(), &Tags::default(), payload.as_bytes(), by));
    assert!(bytes.len() < payload.len() / 10);
    let Entry::Value(stored) = Entry::parse(&bytes, MOST) else { panic!("not read") };
    assert_eq!((stored.header, &*stored.payload), (header(), payload.as_bytes()));
    assert_eq!(Entry::parse(&bytes, payload.len() - 1), Entry::Corrupt);
}

#[test]
fn an_entry_of_an_unknown_codec_is_corrupt() {
    let mut bytes = value(&header(), &Tags::default(), b"{}", Packing::NONE);
    bytes[CODEC] = 200;
    let sound = check(&bytes[..CHECKED], &[], b"{}");
    bytes[CHECKED..HEADER].copy_from_slice(&sound.to_le_bytes());
    assert_eq!(Entry::parse(&Bytes::from(bytes), MOST), Entry::Corrupt);
}

#[test]
fn every_cut_and_every_flipped_bit_is_corrupt() {
    let tags = Tags(Bytes::from_static(b"\x01\0t12345678"));
    let whole = value(&header(), &tags, br#"{"id":1,"name":"x"}"#, Packing::NONE);
    for length in 0..whole.len() {
        assert_eq!(Entry::parse(&Bytes::copy_from_slice(&whole[..length]), MOST), Entry::Corrupt, "cut at {length}");
    }
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(!matches!(Entry::parse(&Bytes::from(damaged), MOST), Entry::Value(..)), "bit {bit}");
    }
}
