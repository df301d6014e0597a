use super::*;

fn rendered<K: KeyPart>(value: K, following: &str) -> String {
    let mut key = KeyWriter::new("k:");
    part(&mut key, &value, following);
    key.finish().as_str().to_owned()
}

#[test]
fn parts_are_readable_and_escaped() {
    assert_eq!(rendered(42, ""), "k:42");
    assert_eq!(rendered(-7_i8, ""), "k:-7");
    assert_eq!(rendered("bob@example.com", ""), "k:bob@example.com");
    assert_eq!(rendered("a:b c", ""), "k:a%3Ab%20c");
    assert_eq!(rendered("100%", ""), "k:100%25");
    assert_eq!(rendered(Some("x"), ""), "k:x");
    assert_eq!(rendered(Some(""), ""), "k:");
    assert_eq!(rendered(None::<&str>, ""), "k:~");
    assert_eq!(rendered(Some(None::<u8>), ""), "k:~~");
    assert_eq!(rendered((1, "a"), ""), "k:(1,a,)");
    assert_eq!(rendered([1, 2].as_slice(), ""), "k:(1,2,)");
    assert_eq!(rendered(Vec::<u8>::new(), ""), "k:()");
    assert_eq!(rendered(vec![""], ""), "k:(,)");
}

#[test]
fn the_character_that_ends_a_part_is_escaped_in_it() {
    assert_eq!(rendered("a-b", "-c"), "k:a%2Db-c");
    assert_eq!(rendered(-1, "-c"), "k:%2D1-c");
    assert_eq!(rendered("a%b", "%c"), "k:a%%b%25c");
    assert_eq!(rendered((1, 2), ","), "k:(1%,2%,),");
    assert_eq!(rendered(None::<u8>, "~"), "k:%~~");
}

#[test]
fn a_long_key_ends_in_a_hash_of_the_whole() {
    let long = "x".repeat(300);
    let a = rendered(&long, ":a");
    let b = rendered(&long, ":b");
    assert_eq!(a.len(), LONGEST);
    assert!(a.starts_with("k:xxx"));
    assert_ne!(a, b);
}

#[test]
fn an_argument_cannot_spell_a_shortened_key() {
    let long = rendered("x".repeat(300), "");
    let forged = rendered(&long[2..], "");
    assert_ne!(long, forged);
}

#[test]
fn a_value_that_cannot_be_serialized_makes_the_key_unusable() {
    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    let mut key = KeyWriter::new("k:");
    hashed(&mut key, &Refuses, "");
    assert!(!key.finish().usable());
    let mut key = KeyWriter::new("k:");
    hashed(&mut key, &("a", 1), "");
    assert!(key.finish().usable());
}
