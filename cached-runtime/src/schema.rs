//! The fingerprint of a type: what serde reads and writes of it, hashed. [`CacheSchema`] says it, part by part.
//!
//! Types are described by functions that write, not by constants: a constant of a type that contains itself would need
//! its own value.

mod described;

use std::any::type_name;
use std::sync::OnceLock;

use xxhash_rust::xxh3::Xxh3Default;

/// A type whose stored form can be told from that of another build: `#[derive(CacheSchema)]`.
///
/// ```
/// use cached_runtime::CacheSchema;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, CacheSchema)]
/// #[serde(rename_all = "camelCase")]
/// struct User {
///     id: i64,
///     #[serde(default)]
///     phone_numbers: Vec<String>,
/// }
/// ```
///
/// Fields, variants, their types and whatever serde is told about them make a fingerprint, which stands in every entry
/// that an annotated function stores. It says that two schemas differ; which of them is the newer one, only
/// [`version`](crate::Policy::version) says. An entry of another fingerprint and the same version is shared where it
/// decodes, and a miss where it does not; written by [`Codec::Postcard`](crate::Codec::Postcard), which tells fields by
/// their order alone, it is a miss.
///
/// A type without it is told from others by its name alone.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what serde makes of it",
    label = "not `CacheSchema`",
    note = "write `#[derive(cached_runtime::CacheSchema)]` on it; at a field of a foreign type write `#[cache_schema(opaque)]`: then only the type's written name counts"
)]
pub trait CacheSchema {
    /// Writes what is read and written of this type. Two types with the same description have the same stored form.
    fn describe(schema: &mut SchemaWriter);
}

/// What describes a type.
pub type Describe = fn(&mut SchemaWriter);

/// Takes the description of a type.
///
/// ```
/// use cached_runtime::{CacheSchema, SchemaWriter};
///
/// /// Serialized by hand, as a text.
/// struct Version(u8, u8);
///
/// impl CacheSchema for Version {
///     fn describe(schema: &mut SchemaWriter) {
///         schema.word("major.minor");
///     }
/// }
/// ```
pub struct SchemaWriter {
    hash: Xxh3Default,
    /// The types that were begun, by their compiler's name. A second time they are only named by their place here, or a
    /// type that contains itself would never end.
    begun: Vec<&'static str>,
    /// An outermost `Option` is not part of what is stored.
    optional: bool,
}

impl std::fmt::Debug for SchemaWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SchemaWriter").field("begun", &self.begun).finish_non_exhaustive()
    }
}

impl SchemaWriter {
    fn new(optional: bool) -> Self {
        Self { hash: Xxh3Default::new(), begun: Vec::new(), optional }
    }

    /// The next word of the description. Words are delimited: two are never one longer word.
    pub fn word(&mut self, word: &str) {
        self.optional = false;
        self.hash.update(&(word.len() as u64).to_le_bytes());
        self.hash.update(word.as_bytes());
    }

    /// False where the type `T` has been begun before: then it is not to be described again.
    pub fn begin<T: ?Sized>(&mut self) -> bool {
        let name = type_name::<T>();
        let Some(place) = self.begun.iter().position(|begun| *begun == name) else {
            self.begun.push(name);
            return true;
        };
        self.word("again");
        self.word(&place.to_string());
        false
    }

    fn option(&mut self) {
        if !std::mem::take(&mut self.optional) {
            self.word("option");
        }
    }

    /// Never 0, which is no fingerprint.
    fn finish(self) -> u64 {
        self.hash.digest().max(1)
    }
}

/// The fingerprint of what `describe` writes; `optional` leaves one outer `Option` out.
pub(crate) fn fingerprint(describe: Describe, optional: bool) -> u64 {
    let mut schema = SchemaWriter::new(optional);
    describe(&mut schema);
    schema.finish()
}

/// A fingerprint that is made once, for every hit compares it.
///
/// A generic function has one of these for all of its types: the first one is remembered and the others are made anew.
#[derive(Debug)]
pub(crate) struct Remembered(OnceLock<(usize, u64)>);

impl Remembered {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// 0 where nothing describes the type. Functions are compared by their address: those with the same one write the
    /// same, and those with another are only asked again.
    pub(crate) fn of(&self, describe: Option<Describe>, fingerprint: fn(Describe) -> u64) -> u64 {
        let Some(describe) = describe else { return 0 };
        let address = describe as usize;
        let (first, schema) = *self.0.get_or_init(|| (address, fingerprint(describe)));
        if first == address { schema } else { fingerprint(describe) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, HashMap};
    use std::sync::Arc;

    fn of<T: CacheSchema>() -> u64 {
        fingerprint(T::describe, false)
    }

    struct List(#[expect(dead_code, reason = "only its type counts")] Option<Box<List>>);

    impl CacheSchema for List {
        fn describe(schema: &mut SchemaWriter) {
            if schema.begin::<Self>() {
                schema.word("list");
                <Option<Box<Self>>>::describe(schema);
            }
        }
    }

    #[test]
    fn what_serde_writes_alike_has_one_fingerprint_and_all_else_has_its_own() {
        assert_eq!(of::<Arc<Box<String>>>(), of::<String>());
        assert_eq!(of::<std::borrow::Cow<'static, str>>(), of::<String>());
        assert_eq!(of::<HashMap<u8, String>>(), of::<BTreeMap<u8, Box<str>>>());
        let all = [
            of::<u8>(),
            of::<i8>(),
            of::<u16>(),
            of::<f64>(),
            of::<String>(),
            of::<Option<String>>(),
            of::<Option<Option<String>>>(),
            of::<Vec<String>>(),
            of::<Vec<Option<String>>>(),
            of::<Option<Vec<String>>>(),
            of::<HashMap<String, u8>>(),
            of::<HashMap<u8, String>>(),
            of::<(u8, String)>(),
            of::<(String, u8)>(),
            of::<(u8, (String, u8))>(),
            of::<((u8, String), u8)>(),
            of::<[u8; 2]>(),
            of::<[u8; 3]>(),
            of::<()>(),
            of::<List>(),
        ];
        let mut unique = all.to_vec();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), all.len());
    }

    #[test]
    fn an_outermost_option_can_be_left_out() {
        assert_eq!(fingerprint(<Option<u8>>::describe, true), of::<u8>());
        assert_eq!(fingerprint(<Arc<Option<u8>>>::describe, true), of::<u8>());
        assert_eq!(fingerprint(<Option<Option<u8>>>::describe, true), of::<Option<u8>>());
        assert_eq!(fingerprint(<Vec<Option<u8>>>::describe, true), of::<Vec<Option<u8>>>());
    }

    #[test]
    fn a_site_remembers_its_first_type_and_knows_the_others() {
        let remembered = Remembered::new();
        let whole = |describe| fingerprint(describe, false);
        for _ in 0..2 {
            assert_eq!(remembered.of(Some(u8::describe), whole), of::<u8>());
            assert_eq!(remembered.of(Some(String::describe), whole), of::<String>());
            assert_eq!(remembered.of(None, whole), 0);
        }
    }

    /// Entries outlive builds: the same type must have the same fingerprint in the next one.
    #[test]
    fn fingerprints_are_the_same_in_every_build() {
        assert_eq!(of::<Vec<Option<String>>>(), 16_048_473_221_145_220_048);
    }
}
