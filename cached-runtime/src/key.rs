//! Keys: what an argument looks like inside one, and why no two argument tuples render alike.
//!
//! A template is literal text and places. Between two places the literal text is fixed, so rendering
//! is injective as soon as every part can be told from the text that follows it. A part is a run of
//! *tokens*: a plain character, an escape (`%` and two hex digits of a UTF-8 byte), or a structural
//! mark. The first character of the following text (the *stop*) is never a plain token of the part
//! before it, so the first plain stop at a token boundary ends the part.

mod escape;
mod parts;
mod text;

use serde::Serialize;

use self::escape::{is_plain, reserved};
pub(crate) use self::text::Text;
use crate::canonical::{Order, canonical};
use crate::schema::Describe;

/// Keys longer than this end in a hash instead of their tail.
const LONGEST: usize = 200;
/// What ends a shortened key: `%#` and 32 hex digits. `%` is always escaped in a part, so no argument
/// can spell this mark.
const HASHED_TAIL: usize = 2 + 32;

/// A rendered cache key, without the prefix that the cache adds.
///
/// Made by [`key!`](crate::key!) in ordinary code:
///
/// ```
/// use cached_runtime::key;
///
/// let (org, name) = (7, "a:b");
/// assert_eq!(key!("org:<org>:<name>").as_str(), "org:7:a%3Ab");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    rendered: Text,
    /// False when some `|hash` value refused to be serialized: such a call runs uncached rather than share one key
    /// with every other value that refuses.
    usable: bool,
}

impl Key {
    /// The key as it stands in Redis after `<prefix>:`.
    pub fn as_str(&self) -> &str {
        self.rendered.as_str()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.rendered.bytes()
    }

    pub(crate) fn usable(&self) -> bool {
        self.usable
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<KeyWriter> for Key {
    #[inline]
    fn from(key: KeyWriter) -> Self {
        key.finish()
    }
}

/// Anything that names an entry: a [`Key`], or a struct that derives [`CacheKey`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cache key",
    label = "not a key",
    note = "a key is made by `key!(\"user:<id>\")`, or is a struct with `#[derive(cached_runtime::CacheKey)]` and `#[cache_key(\"user:<id>\", value = User)]`"
)]
pub trait ToKey {
    /// The rendered key.
    fn to_key(&self) -> Key;
}

/// A key under which values of type `V` may be read and written.
///
/// A [`Key`] made by [`key!`](crate::key!) knows no type and goes with every `V`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the key of a `{V}`",
    label = "the key of another type of value",
    note = "a typed key names its value: `#[cache_key(\"..\", value = User)]`; use it where a `User` is read or written, or give this value a key of its own"
)]
pub trait KeyOf<V>: ToKey {}

/// A key with a name and a type: made by `#[derive(CacheKey)]` on a struct, once, for readers and writers alike.
///
/// ```
/// use std::time::Duration;
/// use cached_runtime::{Cache, CacheKey, cached};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct User {
///     name: String,
/// }
///
/// #[derive(CacheKey)]
/// #[cache_key("user:<id>", value = User)]
/// struct UserKey {
///     id: i64,
/// }
///
/// #[cached(key = UserKey { id }, ttl = 3600)]
/// async fn find_user(id: i64) -> Option<User> {
///     Some(User { name: format!("user {id}") })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cached_runtime::Error> {
/// # let cache = Cache::in_memory();
/// # cache.scope(async {
/// let user = find_user(7).await;
/// # let cache = Cache::in_memory();
/// cache.put(&UserKey { id: 7 }, &User { name: "Ada".to_owned() }, Duration::from_secs(60)).await?;
/// assert_eq!(cache.get(&UserKey { id: 7 }).await.unwrap().name, "Ada"); // a `User`, and nothing else
/// # Ok(())
/// # }).await
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a typed key",
    label = "not a typed key",
    note = "write `#[derive(cached_runtime::CacheKey)]` and `#[cache_key(\"user:<id>\", value = User)]` on the struct"
)]
pub trait CacheKey: KeyOf<Self::Value> {
    /// The template, as written.
    const TEMPLATE: &'static str;
    /// What is stored under such a key.
    type Value;

    /// What describes that type, where anything does: only the derive can ask it of a type that it does not know.
    #[doc(hidden)]
    fn describe() -> Option<Describe> {
        None
    }
}

/// The template of the key that a pattern names: `template(|UserKey { .. }| ())`. A pattern needs neither the lifetimes
/// of the type, which a path in a `static` would have to name, nor what is in its fields.
#[doc(hidden)]
pub const fn template<K: CacheKey>(_: fn(K)) -> &'static str {
    K::TEMPLATE
}

/// The key of what a function of this shape returns.
#[doc(hidden)]
pub fn key_of<S: crate::outcome::Shape, K: KeyOf<S::Value> + ?Sized>(_: S, key: &K) -> Key {
    key.to_key()
}

/// The key of this value.
#[doc(hidden)]
pub fn key_of_value<V, K: KeyOf<V> + ?Sized>(_: &V, key: &K) -> Key {
    key.to_key()
}

/// The key, of whatever value.
#[doc(hidden)]
pub fn any_key(key: &(impl ToKey + ?Sized)) -> Key {
    key.to_key()
}

impl ToKey for Key {
    fn to_key(&self) -> Key {
        self.clone()
    }
}

impl<V> KeyOf<V> for Key {}

impl<K: ToKey + ?Sized> ToKey for &K {
    fn to_key(&self) -> Key {
        (**self).to_key()
    }
}

impl<V, K: KeyOf<V> + ?Sized> KeyOf<V> for &K {}

/// A value that may stand in a key template.
///
/// Implemented for integers, `bool`, `char`, strings, `Option`, tuples, slices, arrays, vectors, references and
/// smart pointers to those, IP addresses, and, with the features of the same names, the types of the crates
/// `uuid`, `time` and `chrono`. Derive it on a newtype:
///
/// ```
/// use cached_runtime::{KeyPart, key};
///
/// #[derive(KeyPart)]
/// struct UserId(i64);
///
/// let id = UserId(42);
/// assert_eq!(key!("user:<id>").as_str(), "user:42");
/// ```
///
/// Floats are not key parts (`0.1 + 0.2` is not `0.3`), nor is whatever merely has `Debug` or `Display` (two values
/// may print alike).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "not a key part",
    note = "key parts are integers, bool, char, strings, Option, tuples, slices, IP addresses, Uuid and dates (features `uuid`, `time`, `chrono`)",
    note = "for a newtype write `#[derive(cached_runtime::KeyPart)]` on it; name a field with `<name.field>`; or hash any `Serialize` value with `<name|hash>`"
)]
pub trait KeyPart {
    /// Appends this value to the key.
    fn write(&self, key: &mut KeyWriter);
}

/// What a template is rendered to, finished or not.
pub trait Rendered {
    /// Asks about the finished key's bytes; not where it says nothing.
    #[doc(hidden)]
    fn ask<T>(&self, ask: impl FnOnce(&[u8]) -> Option<T>) -> Option<T>;
}

impl Rendered for Key {
    #[inline]
    fn ask<T>(&self, ask: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        if self.usable { ask(self.bytes()) } else { None }
    }
}

impl Rendered for KeyWriter {
    #[inline]
    fn ask<T>(&self, ask: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        if self.rendered.len() <= LONGEST && self.usable {
            return ask(self.rendered.bytes());
        }
        self.clone().finish().ask(ask)
    }
}

/// A key while it is being rendered.
#[derive(Clone, Debug)]
pub struct KeyWriter {
    rendered: Text,
    /// The first character of the text after the part being written.
    stop: Option<char>,
    usable: bool,
}

impl KeyWriter {
    /// Starts with the text before the template's first place.
    #[doc(hidden)]
    #[inline]
    pub fn new(text: &str) -> Self {
        let mut rendered = Text::new();
        rendered.push_str(text);
        Self { rendered, stop: None, usable: true }
    }

    /// Writes one place and the literal text after it.
    #[inline]
    pub(crate) fn place(&mut self, following: &str, write: impl FnOnce(&mut Self)) {
        self.stop = following.chars().next();
        write(self);
        match following.strip_prefix('%') {
            // A raw `%` could open an escape. Spelled `%25` it is no token of the part before it, which writes its
            // own `%` as `%%` while the stop is `%`.
            Some(rest) => {
                self.rendered.push_str("%25");
                self.rendered.push_str(rest);
            }
            None => self.rendered.push_str(following),
        }
    }

    /// A structural mark: `~` for `None`, `(`, `,` and `)` for sequences. Strings never contain one unescaped.
    fn mark(&mut self, mark: char) {
        if self.stop == Some(mark) {
            self.rendered.push('%');
        }
        self.rendered.push(mark);
    }

    /// The digits of a number: nothing to escape, unless one of them ends the part.
    #[inline]
    fn digits(&mut self, digits: &str) {
        match self.stop {
            Some('-' | '0'..='9') => self.escaped(digits),
            _ => self.rendered.push_str(digits),
        }
    }

    /// Text from an argument, escaped.
    #[inline]
    fn escaped(&mut self, text: &str) {
        // In nearly every text each byte stands for itself, and so does the stop, which is mostly escaped anyhow.
        let stops = self.stop.is_some_and(|stop| !reserved(stop));
        if is_plain(text.as_bytes()) && !stops {
            self.rendered.push_str(text);
        } else {
            self.escaped_one_by_one(text);
        }
    }

    fn escaped_one_by_one(&mut self, text: &str) {
        let stop = self.stop;
        let mut plain_from = 0;
        for (at, c) in text.char_indices() {
            if !reserved(c) && stop != Some(c) {
                continue;
            }
            self.rendered.push_str(&text[plain_from..at]);
            plain_from = at + c.len_utf8();
            if c == '%' && stop == Some('%') {
                self.rendered.push_str("%%");
                continue;
            }
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                self.rendered.push('%');
                self.rendered.push(char::from(HEX[usize::from(byte >> 4)]));
                self.rendered.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
        self.rendered.push_str(&text[plain_from..]);
    }

    /// `None` is `~`; `Some` is the value itself, with one more `~` before it where it begins with one, so that
    /// `Some(None)` is not `None`.
    fn optional<K: KeyPart>(&mut self, value: Option<&K>) {
        let start = self.rendered.len();
        match value {
            None => self.mark('~'),
            Some(value) => {
                value.write(self);
                let mark = if self.stop == Some('~') { "%~" } else { "~" };
                if self.rendered.bytes().get(start..).is_some_and(|written| written.starts_with(mark.as_bytes())) {
                    self.rendered.insert_str(start, mark);
                }
            }
        }
    }

    /// `(a,b,)`: every item is ended, not separated, so that an empty sequence is not a sequence of one empty string.
    fn sequence<'k, K: KeyPart + 'k>(&mut self, items: impl IntoIterator<Item = &'k K>) {
        self.mark('(');
        for item in items {
            item.write(self);
            self.mark(',');
        }
        self.mark(')');
    }

    /// The finished key. Over 200 bytes the tail becomes a 128-bit hash of the whole.
    #[doc(hidden)]
    #[inline]
    pub fn finish(mut self) -> Key {
        if self.rendered.len() > LONGEST {
            let digest = hash128(self.rendered.bytes());
            self.rendered.truncate(LONGEST - HASHED_TAIL);
            self.rendered.push_str("%#");
            self.rendered.push_str(&digest);
        }
        Key { rendered: self.rendered, usable: self.usable }
    }
}

/// Writes the place `value` and the text that follows it.
#[doc(hidden)]
#[inline]
pub fn part<K>(key: &mut KeyWriter, value: &K, following: &str)
where
    K: KeyPart + ?Sized,
{
    key.place(following, |key| value.write(key));
}

/// A value that may stand in a `|hash` place: any `Serialize`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be hashed into a cache key",
    label = "not `Serialize`",
    note = "`|hash` takes any `serde::Serialize` value: derive it, or name the fields that count with `<name.field>`"
)]
pub trait HashPart: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> HashPart for T {}

/// Writes 128 bits of a `|hash` place and the text that follows it.
#[doc(hidden)]
pub fn hashed<T>(key: &mut KeyWriter, value: &T, following: &str)
where
    T: HashPart + ?Sized,
{
    match canonical(value, Order::Kept) {
        Some(bytes) => key.place(following, |key| key.rendered.push_str(&hash128(&bytes))),
        None => key.usable = false,
    }
}

/// 128 bits of BLAKE3. A cryptographic hash, since arguments may come from an attacker: two texts made to collide
/// would read each other's entries.
fn hash128(bytes: &[u8]) -> String {
    let hex = blake3::hash(bytes).to_hex();
    hex[..32].to_owned()
}

#[cfg(test)]
mod tests;
