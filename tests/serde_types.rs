//! Values of every shape that serde knows: a hit is the value that was loaded, or there is no hit.

#[path = "serde_types/codecs.rs"]
mod codecs;
#[path = "serde_types/compression.rs"]
mod compression;
#[path = "serde_types/deploys.rs"]
mod deploys;
#[path = "behaviour/patience.rs"]
mod patience;
#[path = "serde_types/schemas.rs"]
mod schemas;
#[path = "support/steered.rs"]
mod steered;
#[path = "support/mod.rs"]
mod support;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cached_runtime::{Cache, CacheValue, cached, key};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde::{Deserialize, Serialize};

use crate::support::Count;

const READS: u64 = 20;

struct Values {
    cache: Cache,
    loads: Count,
}

impl Values {
    fn over(cache: &Cache) -> Self {
        Self { cache: cache.clone(), loads: Count::default() }
    }

    #[cached(key = "value:<name>", ttl = 60, mutex, skip(value), cache = self.cache.clone())]
    async fn read<T: CacheValue + Clone>(&self, name: &str, value: &T) -> Result<T, String> {
        self.loads.add();
        Ok(value.clone())
    }

    #[cached(key = "nested:<name>", ttl = 60, skip(value), cache = self.cache.clone())]
    async fn nested(&self, name: &str, value: Option<Option<u8>>) -> Option<Option<u8>> {
        self.loads.add();
        value
    }
}

/// Reads it 20 times; always the same value. Returns how often it was loaded.
async fn loads_of<T: CacheValue + Clone + Debug>(
    cache: &Cache,
    name: &str,
    value: &T,
    same: impl Fn(&T, &T) -> bool,
) -> u64 {
    let values = Values::over(cache);
    cache.invalidate(&key!("value:<name>")).await.unwrap();
    for _ in 0..READS {
        let read = values.read(name, value).await.unwrap();
        assert!(same(&read, value), "{name}: {read:?} is not {value:?}");
    }
    values.loads.get()
}

async fn comes_back<T: CacheValue + Clone + Debug + PartialEq>(cache: &Cache, name: &str, value: T) {
    assert_eq!(loads_of(cache, name, &value, T::eq).await, 1, "{name}: {value:?} is no hit");
}

/// JSON cannot give it back, so it must not be stored.
async fn is_never_stored<T: CacheValue + Clone + Debug + PartialEq>(cache: &Cache, name: &str, value: T) {
    let before = cache.stats().total().unstorable;
    assert_eq!(loads_of(cache, name, &value, T::eq).await, READS, "{name}: {value:?} is a hit");
    assert_eq!(cache.stats().total().unstorable - before, READS, "{name}: not counted");
}

macro_rules! value_types {
    ($($item:item)*) => {$(
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        $item
    )*};
}

value_types! {
    struct Optional {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nickname: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<String>,
    }

    struct SkippedWithoutDefault {
        #[serde(skip_serializing_if = "Option::is_none")]
        nickname: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tags: Vec<String>,
    }

    struct SkippedWithAnotherDefault {
        #[serde(default = "ten", skip_serializing_if = "is_zero")]
        count: u32,
    }

    enum External { Unit, One(u8), Two(u8, String), Named { a: Option<u8> } }

    #[serde(tag = "kind", content = "data")]
    enum Adjacent { Unit, One(u8), Two(u8, String), Named { a: Option<u8> } }

    #[serde(tag = "kind")]
    enum Internal { Unit, Boxed(Inner), Named { a: Option<u8>, wide: Option<u64> } }

    #[serde(tag = "kind")]
    enum InternalWide { Named { wide: i128 } }

    #[serde(untagged)]
    enum Untagged { Text(String), Number(i64), Float(f64), Pair(u8, String), Named { a: u8 }, Unit }

    #[serde(untagged)]
    enum Ambiguous { Narrow(i32), Wide(i64), Letter(char), Text(String), Single(f32), Double(f64) }

    struct Inner { x: u8 }

    struct Flat {
        id: u32,
        #[serde(flatten)]
        inner: Inner,
        #[serde(flatten)]
        rest: HashMap<String, serde_json::Value>,
    }

    struct FlatWithNumbers {
        id: u32,
        #[serde(flatten)]
        rest: HashMap<u32, u8>,
    }

    struct TwiceOption { a: Option<Option<u8>> }

    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Renamed { first_name: String, #[serde(rename = "type")] kind: u8, #[serde(alias = "b")] a: u8 }

    #[serde(from = "String", into = "String")]
    struct Through(String);

    #[serde(transparent)]
    struct Transparent { inner: Vec<Inner> }

    struct Newtype(u64);
    struct Unit;

    enum SkippedVariant { Kept, #[serde(skip_serializing)] NotWritten }

    enum Other { Known, #[serde(other)] Unknown }

    struct Tree { children: Vec<Tree> }
}

impl From<String> for Through {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Through> for String {
    fn from(through: Through) -> Self {
        through.0
    }
}

fn ten() -> u32 {
    10
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Written as bytes, as `serde_bytes` does.
#[derive(Clone, Debug, PartialEq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self)
    }
}

promises! {
    async fn two_options_that_are_skipped_when_none_come_back_each_in_its_place(world: World) {
        let (bob, mail) = (Some("bob"), Some("bob@x.com"));
        for (nickname, email) in [(None, None), (None, mail), (bob, None), (bob, mail)] {
            let optional = Optional { nickname: nickname.map(str::to_owned), email: email.map(str::to_owned) };
            comes_back(&world.cache, "optional", optional).await;
        }
    }

    async fn fields_that_are_skipped_without_a_default_come_back_or_are_not_stored(world: World) {
        let cache = &world.cache;
        let value = |tags| SkippedWithoutDefault { nickname: None, tags };
        comes_back(cache, "skipped", value(vec!["a".to_owned()])).await;
        is_never_stored(cache, "skipped", value(Vec::new())).await;
        comes_back(cache, "default", SkippedWithAnotherDefault { count: 1 }).await;
        is_never_stored(cache, "default", SkippedWithAnotherDefault { count: 0 }).await;
    }

    async fn enums_of_every_representation_come_back(world: World) {
        let cache = &world.cache;
        for value in [External::Unit, External::One(1), External::Two(1, "a".to_owned()), External::Named { a: None }] {
            comes_back(cache, "external", value).await;
        }
        let two = Adjacent::Two(1, "a".to_owned());
        for value in [Adjacent::Unit, Adjacent::One(1), two, Adjacent::Named { a: Some(1) }] {
            comes_back(cache, "adjacent", value).await;
        }
        let named = Internal::Named { a: None, wide: Some(u64::MAX) };
        for value in [Internal::Unit, Internal::Boxed(Inner { x: 1 }), named] {
            comes_back(cache, "internal", value).await;
        }
        let named = Untagged::Named { a: 1 };
        let pair = Untagged::Pair(1, "a".to_owned());
        let text = Untagged::Text("1".to_owned());
        let (number, float, large) = (Untagged::Number(1), Untagged::Float(1.0), Untagged::Float(1e300));
        for value in [text, number, float, large, pair, named, Untagged::Unit] {
            comes_back(cache, "untagged", value).await;
        }
        comes_back(cache, "other", Other::Known).await;
        comes_back(cache, "other", Other::Unknown).await;
        comes_back(cache, "result", vec![Ok(1), Err("no".to_owned())]).await;
    }

    async fn a_variant_that_reads_back_as_another_is_not_stored(world: World) {
        let cache = &world.cache;
        comes_back(cache, "ambiguous", Ambiguous::Narrow(5)).await;
        is_never_stored(cache, "ambiguous", Ambiguous::Wide(5)).await;
        comes_back(cache, "ambiguous", Ambiguous::Wide(i64::MAX)).await;
        comes_back(cache, "ambiguous", Ambiguous::Letter('a')).await;
        is_never_stored(cache, "ambiguous", Ambiguous::Text("a".to_owned())).await;
        comes_back(cache, "ambiguous", Ambiguous::Text("ab".to_owned())).await;
        is_never_stored(cache, "ambiguous", Ambiguous::Double(0.1)).await;
        comes_back(cache, "variant", SkippedVariant::Kept).await;
        is_never_stored(cache, "variant", SkippedVariant::NotWritten).await;
        is_never_stored(cache, "wide", InternalWide::Named { wide: i128::MAX }).await;
    }

    async fn flattened_structs_come_back_unless_their_names_clash(world: World) {
        let cache = &world.cache;
        let flat = |name: &str| Flat { id: 1, inner: Inner { x: 2 }, rest: [(name.to_owned(), 3.into())].into() };
        comes_back(cache, "flat", flat("y")).await;
        is_never_stored(cache, "flat", flat("id")).await;
        is_never_stored(cache, "flat", flat("x")).await;
        is_never_stored(cache, "numbers", FlatWithNumbers { id: 1, rest: [(2, 3)].into() }).await;
    }

    async fn an_option_of_an_option_keeps_its_three_values_apart(world: World) {
        let values = Values::over(&world.cache);
        for value in [Some(None), Some(Some(1))] {
            let name = format!("{value:?}");
            for _ in 0..READS {
                assert_eq!(values.nested(&name, value).await, value);
            }
        }
        assert_eq!(values.loads.get(), 2);
        assert_eq!(values.nested("none", None).await, None);
        comes_back(&world.cache, "field", TwiceOption { a: None }).await;
        is_never_stored(&world.cache, "field", TwiceOption { a: Some(None) }).await;
        comes_back(&world.cache, "field", TwiceOption { a: Some(Some(1)) }).await;
    }

    async fn numbers_of_every_width_come_back(world: World) {
        let cache = &world.cache;
        comes_back(cache, "i128", vec![i128::MIN, -1, 0, i128::MAX]).await;
        comes_back(cache, "u128", vec![0, u128::from(u64::MAX) + 1, u128::MAX]).await;
        comes_back(cache, "u64", (u64::MAX, i64::MIN, u8::MAX, i8::MIN)).await;
        comes_back(cache, "f64", vec![0.1 + 0.2, f64::MIN_POSITIVE, f64::MAX, f64::EPSILON, 5e-324, 1e22, 1e23]).await;
        comes_back(cache, "f32", vec![0.1_f32, f32::MIN_POSITIVE, f32::MAX, 16_777_217.0]).await;
        let value = vec![-0.0_f64];
        let bits = |a: &Vec<f64>, b: &Vec<f64>| a[0].to_bits() == b[0].to_bits();
        assert_eq!(loads_of(cache, "minus zero", &value, bits).await, 1);
    }

    async fn random_floats_come_back_to_the_last_bit(world: World) {
        let mut runner = TestRunner::deterministic();
        let mut random = || {
            let floats = proptest::collection::vec(any::<f64>().prop_filter("finite", |f| f.is_finite()), 2_000);
            floats.new_tree(&mut runner).expect("floats").current()
        };
        let bits = |floats: &Vec<f64>| floats.iter().map(|f| f.to_bits()).collect::<Vec<_>>();
        for _ in 0..5 {
            assert_eq!(loads_of(&world.cache, "floats", &random(), |a, b| bits(a) == bits(b)).await, 1);
        }
        let halves = random().into_iter().map(|f| f32::from_bits((f.to_bits() >> 32) as u32));
        let halves: Vec<f32> = halves.filter(|f| f.is_finite()).collect();
        let bits = |floats: &Vec<f32>| floats.iter().map(|f| f.to_bits()).collect::<Vec<_>>();
        assert_eq!(loads_of(&world.cache, "halves", &halves, |a, b| bits(a) == bits(b)).await, 1);
    }

    async fn floats_that_are_no_numbers_are_not_stored(world: World) {
        let cache = &world.cache;
        assert_eq!(loads_of(cache, "nan", &f64::NAN, |a, b| a.is_nan() && b.is_nan()).await, READS);
        let nans = (1.0, Some(f32::NAN));
        assert_eq!(loads_of(cache, "nans", &nans, |a, _| a.1.is_some_and(f32::is_nan)).await, READS);
        is_never_stored(cache, "infinite", vec![1.0, f64::INFINITY]).await;
        is_never_stored(cache, "infinite", Some(f64::NEG_INFINITY)).await;
    }

    async fn maps_come_back_where_their_keys_can_be_written_and_are_not_stored_elsewhere(world: World) {
        let cache = &world.cache;
        comes_back(cache, "text", (0..50).map(|n| (n.to_string(), n)).collect::<HashMap<String, u32>>()).await;
        comes_back(cache, "integers", (0..50).map(|n| (n - 25, n)).collect::<HashMap<i64, i64>>()).await;
        comes_back(cache, "wide", BTreeMap::from([(u128::MAX, 1)])).await;
        comes_back(cache, "bools", HashMap::from([(true, 1), (false, 2)])).await;
        comes_back(cache, "chars", HashMap::from([('é', 1), ('"', 2)])).await;
        comes_back(cache, "nested", BTreeMap::from([("a".to_owned(), BTreeMap::from([(1_u8, ())]))])).await;
        is_never_stored(cache, "tuples", HashMap::from([((1, 2), 3)])).await;
        is_never_stored(cache, "vectors", HashMap::from([(vec![1], 3)])).await;
        is_never_stored(cache, "options", BTreeMap::from([(None, 1), (Some(1), 2)])).await;
        comes_back(cache, "no tuples", HashMap::<(u8, u8), u8>::new()).await;
    }

    async fn sets_come_back_whatever_their_order_and_sequences_in_theirs(world: World) {
        let cache = &world.cache;
        comes_back(cache, "set", (0..100).collect::<HashSet<u32>>()).await;
        comes_back(cache, "sets", (0..10).map(|n| (n, (0..n).collect())).collect::<HashMap<u32, HashSet<u32>>>()).await;
        comes_back(cache, "sorted", BTreeSet::from(["b".to_owned(), "a".to_owned()])).await;
        comes_back(cache, "sequence", vec![3, 1, 2, 1]).await;
        comes_back(cache, "pairs", [(2, "b".to_owned()), (1, "a".to_owned())]).await;
    }

    async fn bytes_texts_and_the_rest_come_back(world: World) {
        let cache = &world.cache;
        comes_back(cache, "bytes", Bytes((0..=255).collect())).await;
        let text: String = (0..0x3000).filter_map(char::from_u32).chain(['\u{10FFFF}']).collect();
        comes_back(cache, "text", text).await;
        comes_back(cache, "char", ['\0', '"', '\\', '\u{2028}', '💾']).await;
        comes_back(cache, "unit", ()).await;
        comes_back(cache, "unit struct", Unit).await;
        comes_back(cache, "newtype", Newtype(1)).await;
        comes_back(cache, "through", Through("a".to_owned())).await;
        comes_back(cache, "transparent", Transparent { inner: vec![Inner { x: 1 }] }).await;
        comes_back(cache, "renamed", Renamed { first_name: "a".to_owned(), kind: 1, a: 2 }).await;
        comes_back(cache, "pointers", (Box::new(1), Arc::new("a".to_owned()), Cow::<'static, str>::from("b"))).await;
        comes_back(cache, "duration", Duration::new(1, 999_999_999)).await;
        comes_back(cache, "time", SystemTime::UNIX_EPOCH + Duration::from_nanos(1)).await;
        comes_back(cache, "address", std::net::IpAddr::from([127, 0, 0, 1])).await;
        comes_back(cache, "json", serde_json::json!({"a": [1, -1, 1.5, null, true, {"b": u64::MAX}], "": ""})).await;
        let tree = |depth: u32| (0..depth).fold(Tree { children: Vec::new() }, |tree, _| Tree { children: vec![tree] });
        comes_back(cache, "tree", tree(50)).await;
        is_never_stored(cache, "deep tree", tree(200)).await;
    }

    /// No check can see what serde is told not to write: a limit, and the user's own word.
    async fn what_serde_is_told_to_skip_is_its_default_in_a_hit(world: World) {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        struct Login { name: String, #[serde(skip)] password: String }
        let values = Values::over(&world.cache);
        let login = Login { name: "ann".to_owned(), password: "secret".to_owned() };
        assert_eq!(values.read("login", &login).await, Ok(login.clone()), "who loads gets all of it");
        let hit = Login { password: String::new(), ..login.clone() };
        assert_eq!(values.read("login", &login).await, Ok(hit));
    }
}
