//! Values to JSON and back, and the name that tells one value type from another.

use std::any::type_name;

use serde::Serialize;
use serde::de::DeserializeOwned;

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

/// The JSON of `value`, or `None` when JSON cannot give it back: `Some(None)` read again is `None`, a NaN is nothing at
/// all, an untagged enum may come back as its first variant. Storing such a value would serve a wrong one.
pub(crate) fn encode<T: CacheValue>(value: &T) -> Option<Vec<u8>> {
    let json = serde_json::to_vec(value).ok()?;
    let again: T = decode(&json)?;
    (canonical(value, Order::Ignored)? == canonical(&again, Order::Ignored)?).then_some(json)
}

pub(crate) fn decode<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    // Checking the whole text once is cheaper than serde_json checking it string by string.
    serde_json::from_str(std::str::from_utf8(json).ok()?).ok()
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

    #[test]
    fn what_json_gives_back_is_stored() {
        assert!(encode(&vec![1.5_f64, -0.0, f64::MIN_POSITIVE, 0.1 + 0.2]).is_some());
        assert!(encode(&(0..100).collect::<HashSet<u32>>()).is_some());
        assert!(encode(&(0..100).map(|n| (n, n.to_string())).collect::<HashMap<u32, String>>()).is_some());
        assert!(encode(&(i128::MIN, u64::MAX, Some(()), "é\u{0}".to_owned())).is_none(), "Some(()) reads back as None");
        assert!(encode(&(i128::MIN, u64::MAX, Some(1), "é\u{0}".to_owned())).is_some());
    }

    #[test]
    fn what_json_cannot_give_back_is_not() {
        #[derive(Serialize, Deserialize)]
        #[serde(untagged)]
        enum Number {
            Narrow(i32),
            Wide(i64),
        }
        assert!(encode(&Some(None::<u8>)).is_none());
        assert!(encode(&f64::NAN).is_none());
        assert!(encode(&Number::Narrow(5)).is_some());
        assert!(encode(&Number::Wide(5)).is_none(), "reads back as Narrow");
        assert!(encode(&HashMap::from([(vec![1], 2)])).is_none(), "no JSON at all");
    }
}
