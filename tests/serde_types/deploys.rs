//! Two builds of one program over one cache, in which a type of one name differs: each reads the right value, or
//! loads it.

use std::fmt::Debug;

use cached_runtime::{Cache, CacheValue, cached, key};

use crate::patience::PatientWorld;
use crate::promises;
use crate::support::Count;

/// A struct as the old build knows it and as the new one does.
macro_rules! deploys {
    ($($name:ident { $($old:tt)* } => { $($new:tt)* })*) => {
        mod old {
            $(
                #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
                pub struct $name { $($old)* }
            )*
        }
        mod new {
            $(
                #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
                pub struct $name { $($new)* }
            )*
        }
    };
}

deploys! {
    Reordered { pub email: String, pub name: String } => { pub name: String, pub email: String }

    Inserted { pub id: u8, pub email: Option<String> } => {
        pub id: u8,
        #[serde(default)]
        pub phone: Option<String>,
        pub email: Option<String>,
    }

    Appended { pub id: u8 } => {
        pub id: u8,
        #[serde(default)]
        pub tags: Vec<String>,
    }

    AppendedWithoutDefault { pub id: u8 } => { pub id: u8, pub score: u8 }

    Removed { pub id: u8, pub legacy: String } => { pub id: u8 }

    Renamed { pub mail: String } => { pub email: String }

    RenamedWithAlias { pub mail: String } => { #[serde(alias = "mail")] pub email: String }

    Widened { pub count: u8 } => { pub count: u64 }

    Retyped { pub id: u64 } => { pub id: String }

    Moved { pub id: u8, pub name: String } => { pub id: u8, pub name: String, #[serde(default)] pub more: u8 }
}

struct Build {
    cache: Cache,
    loads: Count,
}

impl Build {
    #[cached(key = "row:<name>", ttl = 60, skip(value), cache = self.cache.clone())]
    async fn read<T: CacheValue + Clone>(&self, name: &str, value: &T) -> Result<Option<T>, String> {
        self.loads.add();
        Ok(Some(value.clone()))
    }

    #[cached(key = "row:<name>", ttl = 60, version = 2, skip(value), cache = self.cache.clone())]
    async fn read_second_version<T: CacheValue + Clone>(&self, name: &str, value: &T) -> Result<Option<T>, String> {
        self.loads.add();
        Ok(Some(value.clone()))
    }
}

/// What a build loads, and what it makes of the other's entry: `None` is a miss.
struct Reads<T> {
    own: T,
    others: Option<T>,
}

/// Reads its own and the other's alike.
fn hits<T: Clone>(value: T) -> Reads<T> {
    Reads { own: value.clone(), others: Some(value) }
}

/// Makes another value of the other's entry.
fn sees<T>(own: T, others: T) -> Reads<T> {
    Reads { own, others: Some(others) }
}

fn misses<T>(own: T) -> Reads<T> {
    Reads { own, others: None }
}

async fn side_by_side<O, N>(world: &PatientWorld, name: &str, old: Reads<O>, new: Reads<N>)
where
    O: CacheValue + Clone + PartialEq + Debug,
    N: CacheValue + Clone + PartialEq + Debug,
{
    let build = |cache: Cache| Build { cache, loads: Count::default() };
    let (before, after) = (build(world.cache.clone()), build(world.other_process()));

    before.read(name, &old.own).await.unwrap();
    for _ in 0..20 {
        let expected = new.others.as_ref().unwrap_or(&new.own);
        assert_eq!(after.read(name, &new.own).await.unwrap().as_ref(), Some(expected), "{name}");
    }
    assert_eq!(after.loads.get(), u64::from(new.others.is_none()), "{name}: a miss takes the entry's place once");

    world.cache.invalidate(&key!("row:<name>")).await.unwrap();
    after.read(name, &new.own).await.unwrap();
    let loaded = before.loads.get();
    for _ in 0..20 {
        let expected = old.others.as_ref().unwrap_or(&old.own);
        assert_eq!(before.read(name, &old.own).await.unwrap().as_ref(), Some(expected), "{name}");
    }
    assert_eq!(
        before.loads.get() - loaded,
        u64::from(old.others.is_none()),
        "{name}: a miss takes the entry's place once"
    );

    // In turn, as in a rolling deploy.
    for _ in 0..10 {
        let read = before.read(name, &old.own).await.unwrap();
        assert!(read.as_ref() == Some(&old.own) || read == old.others, "{name}: {read:?}");
        let read = after.read(name, &new.own).await.unwrap();
        assert!(read.as_ref() == Some(&new.own) || read == new.others, "{name}: {read:?}");
    }

    // Told apart by `version`, the new build hits whatever the old one does.
    world.cache.invalidate(&key!("row:<name>")).await.unwrap();
    let loaded = after.loads.get();
    for _ in 0..10 {
        assert_eq!(before.read(name, &old.own).await.unwrap().as_ref(), Some(&old.own), "{name}");
        assert_eq!(after.read_second_version(name, &new.own).await.unwrap().as_ref(), Some(&new.own), "{name}");
    }
    assert_eq!(after.loads.get() - loaded, 1, "{name}: the old build overwrites a newer version");
}

fn text(text: &str) -> String {
    text.to_owned()
}

promises! {
    async fn reordered_fields_keep_their_values(world: World) {
        let old = old::Reordered { email: text("bob@x.com"), name: text("bob") };
        let new = new::Reordered { email: text("bob@x.com"), name: text("bob") };
        side_by_side(&world, "reordered", hits(old), hits(new)).await;
    }

    async fn an_inserted_field_with_a_default_shifts_no_other(world: World) {
        let old = old::Inserted { id: 1, email: Some(text("bob@x.com")) };
        let new = new::Inserted { id: 1, phone: Some(text("112")), email: Some(text("bob@x.com")) };
        let defaulted = new::Inserted { phone: None, ..new.clone() };
        side_by_side(&world, "inserted", hits(old), sees(new, defaulted)).await;
    }

    async fn an_appended_field_is_its_default_or_a_miss(world: World) {
        let old = old::Appended { id: 1 };
        let new = new::Appended { id: 1, tags: vec![text("a")] };
        let defaulted = new::Appended { id: 1, tags: Vec::new() };
        side_by_side(&world, "appended", hits(old), sees(new, defaulted)).await;
        let old = old::AppendedWithoutDefault { id: 1 };
        let new = new::AppendedWithoutDefault { id: 1, score: 2 };
        side_by_side(&world, "required", hits(old), misses(new)).await;
    }

    async fn a_removed_field_is_a_miss_to_the_build_that_needs_it(world: World) {
        let old = old::Removed { id: 1, legacy: text("x") };
        let new = new::Removed { id: 1 };
        side_by_side(&world, "removed", misses(old), hits(new)).await;
    }

    async fn a_renamed_field_is_a_miss_unless_there_is_an_alias(world: World) {
        let (old, new) = (old::Renamed { mail: text("a") }, new::Renamed { email: text("a") });
        side_by_side(&world, "renamed", misses(old), misses(new)).await;
        let (old, new) = (old::RenamedWithAlias { mail: text("a") }, new::RenamedWithAlias { email: text("a") });
        side_by_side(&world, "alias", misses(old), hits(new)).await;
    }

    async fn a_field_of_another_type_is_read_where_it_fits_and_a_miss_elsewhere(world: World) {
        let (old, new) = (old::Widened { count: 200 }, new::Widened { count: 200 });
        side_by_side(&world, "widened", hits(old), hits(new)).await;
        let (old, new) = (old::Widened { count: 44 }, new::Widened { count: 300 });
        side_by_side(&world, "too wide", misses(old), sees(new, new::Widened { count: 44 })).await;
        let (old, new) = (old::Retyped { id: 1 }, new::Retyped { id: text("1") });
        side_by_side(&world, "retyped", misses(old), misses(new)).await;
    }

    async fn a_type_that_has_moved_is_the_same_type(world: World) {
        let (old, new) = (old::Moved { id: 1, name: text("a") }, new::Moved { id: 1, name: text("a"), more: 0 });
        side_by_side(&world, "moved", hits(old), hits(new)).await;
    }
}
