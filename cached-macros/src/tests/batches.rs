//! `each = id in ids`: its expansions, and the mistakes in it.

use super::{expand, fails, snapshot};
use crate::attribute::Attribute::{Cached, Invalidate, WriteThrough};

const KEY: &str = r#"key = "user:<id>", ttl = 60"#;
const FIND: &str = "async fn find(ids: &[i64]) -> HashMap<i64, User> { load(ids).await }";

macro_rules! shapes {
    ($($name:ident: $options:literal $item:literal)*) => {
        $(
            #[test]
            fn $name() {
                snapshot(stringify!($name), expand(Cached, $options, $item));
            }
        )*
    };
}

shapes! {
    batch: r#"key = "user:<id>", ttl = 3600, mutex, each = id in ids"#
        r#"/// Docs stay.
        async fn find_users(&self, ids: &[i64]) -> Result<HashMap<i64, User>, sqlx::Error> { query(ids).await }"#
    batch_with_every_option: r#"key = "user:{<self.tenant>}:<id.0>:<kind>", tag = "org:<org>", tag = "<id.1>",
        each = id in ids, by = |user| user.id, ttl = |user| user.ttl, unless = |user| user.draft, none_ttl = 5, mutex,
        skip(pool, filter, mask, size), when = org > 0, bypass_in_transaction, cache = self.cache.clone(),
        returns = result, crate = ::my::rt"#
        "async fn find(&self, pool: &Pool, tx: &mut Transaction<'_, Db>, mut kind: &str, org: u8,
            #[cfg(test)] filter: Filter, Page { mut mask, number: ref mut size, .. }: Page, mut ids: Vec<(Id, u8)>)
            -> Outcome<Vec<User>> { body() }"
    batch_of_a_typed_key: r#"key = UserKey { id: *id }, ttl = 60, each = id in ids"#
        "async fn find(ids: &Vec<i64>) -> Vec<Option<User>> { vec![] }"
    batch_blocking: r#"key = "user:<id>", ttl = 60, each = id in ids, skip(conn)"#
        "fn find(conn: &mut PgConnection, ids: &[i64]) -> QueryResult<HashMap<i64, User>> { users(ids).load(conn) }"
    batch_boxed: r#"key = "config:<key>", ttl = 60, each = key in keys, skip(filter)"#
        "fn find<'life0, 'life1, 'async_trait>(&'life0 self, keys: &'life1 [String], filter: Filter)
            -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = HashMap<String, Config>>
                + ::core::marker::Send + 'async_trait>>
        where 'life0: 'async_trait, 'life1: 'async_trait, Self: 'async_trait
        { Box::pin(async move { let __self = self; let keys = keys; let filter = filter; body(keys).await }) }"
    batch_in_a_box_future: r#"key = "config:<key>", ttl = 60, each = key in keys"#
        "fn find<'a>(&'a self, keys: Vec<String>) -> BoxFuture<'a, HashMap<String, Config>> { body(keys) }"
}

#[test]
fn words() {
    for (options, expected) in [
        ("each = id in ids", &[][..]),
        ("each = r#id in r#ids", &[]),
        ("each", &["`each` takes a value; write `each = id in ids`"]),
        ("each(id in ids)", &["`each` takes a value"]),
        ("each =", &["the value of `each` is missing"]),
        ("each = ids", &["write `each = id in ids`"]),
        ("each = id in", &["the ids of a batch are an argument"]),
        ("each = in ids", &["`each` takes a name for one id, and the argument with all of them"]),
        ("each = |id| ids", &["`each` takes a name for one id, and the argument with all of them"]),
        ("each = (a, b) in ids", &["one id has a name here, not a pattern"]),
        ("each = &id in ids", &["one id has a name here, not a pattern"]),
        ("each = _ in ids", &["one id has a name here, not a pattern"]),
        ("each = id in &ids", &["an argument, and nothing around its name"]),
        ("each = id in ids.iter()", &["an argument, and nothing around its name"]),
        ("each = id in self.ids", &["an argument, and nothing around its name"]),
        ("each = id in ids mutex", &["a comma is missing between the options"]),
        ("each = id in ids, each = id in ids", &["`each` is set twice"]),
        ("each = ids, mutx", &["write `each = id in ids`", "did you mean `mutex`?"]),
        ("each = id in ids, by = id", &["`by` takes a closure that gives a value's id; write `by = |value| value.id`"]),
        ("each = id in ids, by = |a: Map<A, B>, b| a", &["this closure takes the loaded value"]),
        ("eech = id in ids", &["did you mean `each`?"]),
        ("batch = ids", &["a value of its own for each of many ids is `each = id in ids`"]),
    ] {
        fails(Cached, &format!("{KEY}, {options}"), FIND, expected);
    }
}

#[test]
fn names() {
    for (options, inputs, expected) in [
        ("key = \"a:<id>\", each = id in ids", "ids: &[i64]", &[][..]),
        ("key = \"a:<id.0>:<org>\", each = id in ids", "org: u8, ids: &[(i64, u8)]", &[]),
        ("key = Key { id }, each = id in ids", "ids: &[i64]", &[]),
        ("key = \"a:<id>\", each = id in ids, tag = \"<ids|hash>\"", "ids: &[i64]", &[]),
        ("key = \"a:<id>\", each = id in idz", "ids: &[i64]", &["no argument is named `idz`, did you mean `ids`?"]),
        ("key = \"a:<id>\", each = id in list", "ids: &[i64]", &["no argument is named `list`; the names are `ids`"]),
        ("key = \"a:<id>\", each = id in ids", "ids: &[i64], id: u8", &["`id` is an argument; give one of the ids"]),
        ("key = \"a:<ids>\", each = ids in ids", "ids: &[i64]", &["`ids` is an argument; give one of the ids"]),
        ("key = \"a\", each = id in ids", "ids: &[i64]", &["all ids of a call would share one value; write `<id>`"]),
        ("key = Key, each = id in ids", "ids: &[i64]", &["all ids of a call would share one value; put `id`"]),
        ("key = \"a\", tag = \"<id>\", each = id in ids", "ids: &[i64]", &["all ids of a call would share one value"]),
        ("key = \"a:<idd>\", each = id in ids", "ids: &[i64]", &["did you mean `<id>`?"]),
        ("key = \"a:{id}\", each = id in ids", "ids: &[i64]", &["write `<id>` for the argument"]),
        ("key = \"a:<id\", each = id in ids", "ids: &[i64]", &["this `<` is not closed"]),
        ("each = id in ids", "ids: &[i64]", &["Write a template: `key = \"find:<id>\"`"]),
        (
            "key = \"a:<ids>\", each = id in ids",
            "ids: &[i64]",
            &["`ids` are all of them: another list would find none"],
        ),
        ("key = \"a:<ids>:<id>\", each = id in ids", "ids: &[i64]", &["`ids` are all of them"]),
        ("key = Key { id, ids }, each = id in ids", "ids: &[i64]", &["`ids` are all of them"]),
        ("key = \"a:<id>\", skip(ids), each = id in ids", "ids: &[i64]", &["stands in the key, as `id`; remove it"]),
        ("key = \"a:<id>\", skip(id), each = id in ids", "ids: &[i64]", &["`id` is in the key and in `skip(id)`"]),
        ("key = \"a:<id>\", each = id in ids", "ids: &[i64], org: u8", &["`org` is not part of the key"]),
        ("key = \"a:<id>\", by = |user| user.id", "id: i64", &["this is no batch: write `each = id in ids`"]),
    ] {
        let item = format!("async fn find({inputs}) -> HashMap<i64, User> {{ load().await }}");
        fails(Cached, &format!("{options}, ttl = 60"), &item, expected);
    }
}

#[test]
fn arguments() {
    let no_list = &["the ids of a batch are a `&[Id]`, a `&Vec<Id>` or a `Vec<Id>`"][..];
    for (input, expected) in [
        ("ids: &Vec<i64>", &[][..]),
        ("mut ids: Vec<i64>", &[]),
        ("ids: &'static [&'static str]", &[]),
        ("ids: i64", no_list),
        ("ids: &mut [i64]", no_list),
        ("ids: HashSet<i64>", no_list),
        ("ids: impl Iterator<Item = i64>", no_list),
        ("(ids, n): (Vec<i64>, u8)", &["`ids` is a part of an argument", "`n` is not part of the key"]),
    ] {
        let item = format!("async fn find({input}) -> HashMap<i64, User> {{ load().await }}");
        fails(Cached, &format!("{KEY}, each = id in ids"), &item, expected);
    }
}

#[test]
fn functions() {
    for (item, expected) in [
        ("fn find(ids: &[i64]) -> impl Future<Output = Vec<Option<u8>>> { f(ids) }", &["write `async fn`"][..]),
        ("fn find(ids: &[i64]) -> impl Future<Output = Vec<Option<u8>>> + '_ { f(ids) }", &["write `async fn`"]),
        ("fn find(ids: Vec<i64>) -> BoxFuture<'static, Vec<Option<u8>>> { f(ids) }", &["write `async fn`"]),
        ("fn find(ids: &[i64]) -> BoxFuture<'_, Vec<Option<u8>>> { f(ids) }", &[]),
        ("fn find(&self, ids: &[i64]) -> BoxFuture<'_, Vec<Option<u8>>> { f(ids) }", &[]),
        ("fn find(self: &Self, ids: &[i64]) -> BoxFuture<'_, Vec<Option<u8>>> { f(ids) }", &[]),
        ("fn find(&mut self, ids: &[i64]) -> BoxFuture<'_, Vec<Option<u8>>> { f(ids) }", &["write `&self`"]),
        ("fn find(self, ids: &[i64]) -> BoxFuture<'_, Vec<Option<u8>>> { f(ids) }", &["write `&self`"]),
        ("fn find(self: Arc<Self>, ids: &[i64]) -> BoxFuture<'_, Vec<Option<u8>>> { f(ids) }", &["write `&self`"]),
        ("async fn find(&mut self, ids: &[i64]) -> Vec<Option<u8>> { f(ids) }", &[]),
        ("async fn find(self: Arc<Self>, ids: &[i64]) -> Vec<Option<u8>> { f(ids) }", &[]),
    ] {
        fails(Cached, &format!("{KEY}, each = id in ids"), item, expected);
    }
}

#[test]
fn writers() {
    let item = "async fn save(ids: &[i64]) -> User { body() }";
    for (attribute, options) in [(Invalidate, "key = \"a:<id>\""), (WriteThrough, KEY)] {
        fails(attribute, &format!("{options}, each = id in ids"), item, &["this one writes one at a time"]);
    }
}
