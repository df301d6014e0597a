//! Values to bytes and back, and the name that tells one value type from another.

#[cfg(any(feature = "msgpack", feature = "postcard"))]
mod modest;

use std::any::type_name;

use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(any(feature = "msgpack", feature = "postcard"))]
use self::modest::Modest;
use crate::canonical::{Order, canonical};

/// A value that can be stored: `Serialize` and `DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in the cache",
    label = "not `Serialize` and `DeserializeOwned`",
    note = "derive `serde::Serialize` and `serde::Deserialize` on it, or return a type that has them",
    note = "a `Result` caches its `Ok` and an `Option` its `Some`; a function that returns a future must say so in its signature: `async fn`, `impl Future` or `Pin<Box<dyn Future>>`"
)]
pub trait CacheValue: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> CacheValue for T {}

/// An error that can be remembered: `Clone`, `Serialize` and `DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no error that can be remembered",
    label = "not `Clone`, `Serialize` and `DeserializeOwned`",
    note = "`error_ttl` stores the `Err` of the function; derive `Clone`, `serde::Serialize` and `serde::Deserialize` on the error type, return a `Result` with one that has them, or leave `error_ttl` out"
)]
pub trait CacheError: Clone + Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<E: Clone + Serialize + DeserializeOwned> CacheError for E {}

/// How values are written; see [`Builder::codec`](crate::Builder::codec).
///
/// Every entry says which one wrote it. What another one wrote is read all the same where that is compiled in, and a
/// miss where it is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// JSON: `redis-cli` can read it, and a field is found by its name.
    #[default]
    Json,
    /// MessagePack (feature `msgpack`): binary and shorter, with the names of fields.
    MessagePack,
    /// postcard (feature `postcard`): the shortest, without any names. Fields are told by their order alone, so derive
    /// [`CacheSchema`](crate::CacheSchema) for what is stored: then entries of another schema are misses. Without it only
    /// `version` keeps an old entry from being decoded as something that it is not.
    ///
    /// What needs names (`#[serde(flatten)]`, `untagged`, `tag`) or leaves fields out (`skip_serializing_if`) cannot be
    /// written so, and is not stored.
    Postcard,
}

impl Codec {
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn of_number(number: u8) -> Option<Self> {
        [Self::Json, Self::MessagePack, Self::Postcard].into_iter().find(|codec| codec.number() == number)
    }

    /// What the environment calls it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "msgpack" => Some(Self::MessagePack),
            "postcard" => Some(Self::Postcard),
            _ => None,
        }
    }

    /// The feature that it needs and that is not switched on.
    pub(crate) const fn missing(self) -> Option<&'static str> {
        match self {
            Self::MessagePack if !cfg!(feature = "msgpack") => Some("msgpack"),
            Self::Postcard if !cfg!(feature = "postcard") => Some("postcard"),
            _ => None,
        }
    }

    /// Whether a field is told by its name and not by its place.
    pub(crate) const fn has_names(self) -> bool {
        !matches!(self, Self::Postcard)
    }

    fn write<T: Serialize>(self, value: &T) -> Option<Vec<u8>> {
        match self {
            Self::Json => serde_json::to_vec(value).ok(),
            #[cfg(feature = "msgpack")]
            Self::MessagePack => rmp_serde::to_vec_named(value).ok(),
            #[cfg(feature = "postcard")]
            Self::Postcard => postcard::to_stdvec(value).ok(),
            #[cfg(not(all(feature = "msgpack", feature = "postcard")))]
            _ => None,
        }
    }

    /// All of the bytes, or nothing.
    fn read<T: DeserializeOwned>(self, bytes: &[u8]) -> Option<T> {
        match self {
            // Checking the whole text once is cheaper than serde_json checking it string by string.
            Self::Json => serde_json::from_str(std::str::from_utf8(bytes).ok()?).ok(),
            #[cfg(feature = "msgpack")]
            Self::MessagePack => {
                // As a reader, which says how much of it was read.
                let most = bytes.len();
                let mut bytes = rmp_serde::Deserializer::new(bytes);
                let value = T::deserialize(Modest { inner: &mut bytes, most }).ok()?;
                bytes.get_ref().is_empty().then_some(value)
            }
            #[cfg(feature = "postcard")]
            Self::Postcard => {
                let most = bytes.len();
                let mut bytes = postcard::Deserializer::from_bytes(bytes);
                let value = T::deserialize(Modest { inner: &mut bytes, most }).ok()?;
                bytes.finalize().ok()?.is_empty().then_some(value)
            }
            #[cfg(not(all(feature = "msgpack", feature = "postcard")))]
            _ => None,
        }
    }
}

/// What a codec makes of the outermost `Option` of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outermost {
    /// Part of what is stored, if there is one.
    Kept,
    /// There is one, and it is not: a `Some(user)` is stored as the user.
    LeftOut,
}

/// As postcard writes it before the value.
const SOME: u8 = 1;

/// The bytes of `value`, or `None` when the codec cannot give it back: of JSON's `Some(None)` read again is `None`, a NaN
/// is nothing at all, an untagged enum may come back as its first variant. Storing such a value would serve a wrong one.
pub(crate) fn encode<T: CacheValue>(codec: Codec, value: &T, option: Outermost) -> Option<Vec<u8>> {
    let mut bytes = codec.write(value)?;
    // The other codecs write nothing for a `Some`.
    if option == Outermost::LeftOut && !codec.has_names() {
        if bytes.first() != Some(&SOME) {
            return None;
        }
        bytes.remove(0);
    }
    let again: T = decode(codec, &bytes, option)?;
    (canonical(value, Order::Ignored)? == canonical(&again, Order::Ignored)?).then_some(bytes)
}

pub(crate) fn decode<T: DeserializeOwned>(codec: Codec, bytes: &[u8], option: Outermost) -> Option<T> {
    if option == Outermost::LeftOut && !codec.has_names() {
        return codec.read(&[&[SOME], bytes].concat());
    }
    codec.read(bytes)
}

/// A hash of the type's name without module paths: a type that moved is the same type, `User` is not `Order`. And an
/// `Arc<User>` is a `User`: what is stored of either is the same.
pub(crate) fn type_tag<T: ?Sized>() -> u64 {
    name_tag(pointee(type_name::<T>()))
}

fn pointee(mut name: &str) -> &str {
    while let Some(inner) = POINTERS.iter().find_map(|pointer| name.strip_prefix(pointer)?.strip_suffix('>')) {
        name = inner;
    }
    name
}

/// As the compiler names them.
const POINTERS: [&str; 3] = ["alloc::sync::Arc<", "alloc::boxed::Box<", "alloc::rc::Rc<"];

/// The same for a type of which one outer `Option` is not part of what is stored.
pub(crate) fn optional_type_tag<T: ?Sized>(option: &str) -> u64 {
    let name = type_name::<T>();
    name_tag(pointee(name.strip_prefix(option).and_then(|inner| inner.strip_suffix('>')).unwrap_or(name)))
}

/// FNV-1a over [`bare_name`] without making it, since every hit asks: a colon takes the hash back to where the segment
/// before it began.
fn name_tag(path: &str) -> u64 {
    let mut tag: u64 = 0xcbf2_9ce4_8422_2325;
    let mut segment = tag;
    for &byte in path.as_bytes() {
        if byte == b':' {
            tag = segment;
            continue;
        }
        tag = (tag ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        if byte.is_ascii() && !byte.is_ascii_alphanumeric() && byte != b'_' {
            segment = tag;
        }
    }
    tag
}

/// `alloc::vec::Vec<app::User>` → `Vec<User>`.
pub(crate) fn bare_name(path: &str) -> String {
    let mut bare = String::with_capacity(path.len());
    let mut segment = 0;
    for (at, c) in path.char_indices() {
        if c.is_alphanumeric() || c == '_' {
            continue;
        }
        if c != ':' {
            bare.push_str(&path[segment..at]);
            bare.push(c);
        }
        segment = at + c.len_utf8();
    }
    bare.push_str(&path[segment..]);
    bare
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use serde::Deserialize;

    use super::*;

    #[test]
    fn names_lose_their_modules_and_keep_their_arguments() {
        assert_eq!(bare_name("app::models::User"), "User");
        assert_eq!(bare_name("alloc::vec::Vec<app::User>"), "Vec<User>");
        assert_eq!(bare_name("(alloc::string::String, u8)"), "(String, u8)");
        assert_eq!(bare_name("a::B<c::D<e::F>, g::H>"), "B<D<F>, H>");
        assert_eq!(bare_name("[a::B; 3]"), "[B; 3]");
        assert_eq!(bare_name("u8"), "u8");
    }

    #[test]
    fn a_types_tag_is_that_of_its_bare_name() {
        for name in
            ["app::models::User", "alloc::vec::Vec<app::User>", "a::B<c::D<e::F>, g::H>", "[a::B; 3]", "(a::Ü, u8)"]
        {
            assert_eq!(name_tag(name), name_tag(&bare_name(name)), "{name}");
        }
        let tags =
            ["User", "Order", "Vec<User>", "Option<User>", "Vec<Order>", "B<D<F>, H>", "B<D, F<H>>"].map(name_tag);
        assert_eq!(tags.iter().collect::<HashSet<_>>().len(), tags.len());
    }

    #[test]
    fn a_pointer_to_a_value_is_stored_as_the_value() {
        use std::sync::Arc;
        assert_eq!(type_tag::<Arc<Box<str>>>(), type_tag::<str>());
        assert_eq!(optional_type_tag::<Option<Arc<String>>>("core::option::Option<"), type_tag::<String>());
        assert_ne!(type_tag::<Vec<Arc<u8>>>(), type_tag::<Vec<u8>>(), "the outermost ones only");
    }

    fn stored<T: CacheValue>(value: &T) -> Option<Vec<u8>> {
        encode(Codec::Json, value, Outermost::Kept)
    }

    #[test]
    fn what_json_gives_back_is_stored() {
        assert!(stored(&vec![1.5_f64, -0.0, f64::MIN_POSITIVE, 0.1 + 0.2]).is_some());
        assert!(stored(&(0..100).collect::<HashSet<u32>>()).is_some());
        assert!(stored(&(0..100).map(|n| (n, n.to_string())).collect::<HashMap<u32, String>>()).is_some());
        assert!(stored(&(i128::MIN, u64::MAX, Some(()), "é\u{0}".to_owned())).is_none(), "Some(()) reads back as None");
        assert!(stored(&(i128::MIN, u64::MAX, Some(1), "é\u{0}".to_owned())).is_some());
    }

    #[cfg(all(feature = "msgpack", feature = "postcard"))]
    #[test]
    fn a_codec_reads_all_of_the_bytes_or_nothing() {
        for codec in [Codec::Json, Codec::MessagePack, Codec::Postcard] {
            let value = (1_u8, "text".to_owned(), vec![Some(300_u32), None], HashMap::from([(1_u64, 2.5_f64)]));
            let bytes = encode(codec, &value, Outermost::Kept).expect("comes back");
            let read = |bytes: &[u8]| {
                decode::<(u8, String, Vec<Option<u32>>, HashMap<u64, f64>)>(codec, bytes, Outermost::Kept)
            };
            assert_eq!(read(&bytes), Some(value));
            for length in 0..bytes.len() {
                assert_eq!(read(&bytes[..length]), None, "{codec:?} cut at {length}");
            }
            assert_eq!(read(&[&bytes[..], b"0"].concat()), None, "{codec:?} with more behind it");
        }
    }

    /// Whatever length stands in the bytes.
    #[cfg(all(feature = "msgpack", feature = "postcard"))]
    #[test]
    fn lengths_that_are_not_there_allocate_nothing() {
        let postcard = [&[0xFF; 9][..], &[0x01]].concat();
        // Texts, bytes, lists and maps of 4 GiB.
        let msgpack = [0xDB, 0xC6, 0xDD, 0xDF].map(|marker| [&[marker][..], &[0xFF; 4], b"x"].concat());
        let all = msgpack.iter().map(|bytes| (Codec::MessagePack, bytes)).chain([(Codec::Postcard, &postcard)]);
        for (codec, bytes) in all {
            assert_eq!(decode::<String>(codec, bytes, Outermost::Kept), None);
            assert_eq!(decode::<Vec<u64>>(codec, bytes, Outermost::Kept), None);
            assert_eq!(decode::<HashMap<String, String>>(codec, bytes, Outermost::Kept), None);
        }
    }

    #[cfg(all(feature = "msgpack", feature = "postcard"))]
    #[test]
    fn an_option_that_is_left_out_is_stored_as_its_value() {
        for codec in [Codec::Json, Codec::MessagePack, Codec::Postcard] {
            let plain = encode(codec, &7_u32, Outermost::Kept).expect("comes back");
            assert_eq!(encode(codec, &Some(7_u32), Outermost::LeftOut), Some(plain.clone()), "{codec:?}");
            assert_eq!(decode(codec, &plain, Outermost::LeftOut), Some(Some(7_u32)), "{codec:?}");
        }
    }

    #[cfg(all(feature = "msgpack", feature = "postcard"))]
    #[test]
    fn no_codec_stores_what_it_cannot_give_back() {
        #[derive(Serialize, Deserialize)]
        struct Left {
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            first: Vec<u8>,
            second: Vec<u8>,
        }
        #[derive(Serialize, Deserialize)]
        #[serde(untagged)]
        enum Either {
            One(u8),
            Other(String),
        }
        let left = Left { first: Vec::new(), second: vec![1] };
        assert!(encode(Codec::Postcard, &left, Outermost::Kept).is_none(), "the second would read as the first");
        assert!(encode(Codec::Postcard, &Either::One(1), Outermost::Kept).is_none());
        for codec in [Codec::Json, Codec::MessagePack] {
            assert!(encode(codec, &left, Outermost::Kept).is_some());
            assert!(encode(codec, &Either::Other("a".to_owned()), Outermost::Kept).is_some());
            assert!(encode(codec, &Some(None::<u8>), Outermost::Kept).is_none());
        }
        assert!(encode(Codec::Postcard, &Some(None::<u8>), Outermost::Kept).is_some());
    }

    #[test]
    fn what_json_cannot_give_back_is_not() {
        #[derive(Serialize, Deserialize)]
        #[serde(untagged)]
        enum Number {
            Narrow(i32),
            Wide(i64),
        }
        assert!(stored(&Some(None::<u8>)).is_none());
        assert!(stored(&f64::NAN).is_none());
        assert!(stored(&Number::Narrow(5)).is_some());
        assert!(stored(&Number::Wide(5)).is_none(), "reads back as Narrow");
        assert!(stored(&HashMap::from([(vec![1], 2)])).is_none(), "no JSON at all");
    }
}
