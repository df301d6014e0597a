//! Mistakes in `#[invalidate]` and `#[write_through]`.

use super::fails;
use crate::attribute::Attribute::{Cached, Invalidate, WriteThrough};

const RENAME: &str = "async fn rename(id: i64, name: &str) -> Result<User, Error> { body() }";
const SAVE: &str = "async fn save(user: &User) -> Result<(), Error> { body() }";

#[test]
fn options_of_invalidate() {
    for (options, expected) in [
        ("key = \"user:<id>\"", &[][..]),
        ("tag = \"users\"", &[]),
        ("key = \"a:<id>\", key = \"b:<name>\", key = UserKey { id }, tag = \"c\", tag = \"d:<id>\"", &[]),
        ("", &["nothing is invalidated here: write the key that readers of the value have, `key = \"user:<id>\"`"]),
        ("key = KEY", &["the key is a string literal or a typed key"]),
        ("\"user:<id>\"", &["this option has no name"]),
        ("key = \"user:<id>\", two_phase = true", &["`two_phase` takes no value; write `two_phase`"]),
        ("key = \"user:<id>\", two_phase, two_phase", &["`two_phase` is set twice"]),
        ("key = \"user:<id>\", after_commit(scope)", &["`after_commit` takes no value"]),
        ("key = \"user:<id>\", after_commit, two_phase", &["a commit that may never come; remove one of the two"]),
        ("key = \"user:<id>\", ttl = 60", &["an option of `#[cached]`, `#[write_through]` and `#[write_behind]`"]),
        ("key = \"user:<id>\", skip(name)", &["need not be in its key"]),
        ("key = \"user:<id>\", mutex", &["loads take turns"]),
        ("key = \"user:<id>\", local = 5", &["`local` is an option of `#[cached]`"]),
        ("key = \"user:<id>\", all_entries", &["`cache.clear()`"]),
        ("keey = \"user:<id>\"", &["did you mean `key`?"]),
    ] {
        fails(Invalidate, options, RENAME, expected);
    }
}

#[test]
fn options_of_write_through() {
    for (options, expected) in [
        ("key = \"user:<user.id>\", ttl = 60, value = user", &[][..]),
        ("key = \"user:<user.id>\", ttl = 60, value = &user", &[]),
        ("value = user", &["`ttl` is missing", "`key` is missing: under which key do readers find the value?"]),
        ("key = \"a\", ttl = 60", &["nothing to store: this function returns nothing; write `value = user`"]),
        ("key = \"a\", ttl = 60, returns = value", &[]),
        ("key = \"a\", ttl = 60, value = |user| user", &["made of arguments"]),
        ("key = \"a\", ttl = 60, value = result", &["leave `value` out"]),
        ("key = \"a\", key = \"b\", ttl = 60, value = user", &["write another `#[write_through]`"]),
        ("key = \"a\", ttl = 60, value = user, two_phase", &["hidden while `#[write_through]` writes anyway"]),
        ("key = \"a\", ttl = 60, value = user, mutex", &["loads take turns"]),
        ("key = \"a\", ttl = 0, value = user", &["a `ttl` of zero"]),
    ] {
        fails(WriteThrough, options, SAVE, expected);
    }
    let options = "key = \"user:<id>\", ttl = 60, value = name";
    fails(WriteThrough, options, RENAME, &["write `value = name.to_owned()`"]);
    let list = "fn save(users: &[User]) { body() }";
    fails(WriteThrough, "key = \"users\", ttl = 60, value = users", list, &["write `value = users.to_vec()`"]);
    fails(WriteThrough, "key = \"users\", ttl = 60, value = users.to_vec()", list, &[]);
}

#[test]
fn results_in_keys() {
    for (options, item, expected) in [
        ("key = \"user:<result.id>\"", RENAME, &[][..]),
        ("key = UserKey { id: result.id }", RENAME, &[]),
        ("key = \"user:<resutl.id>\"", RENAME, &["did you mean `<result>`? The names are `id`, `name` and `result`"]),
        ("key = \"user:{result.id}\"", RENAME, &["write `<result.id>` for the result"]),
        ("key = \"user:<result.id>\"", SAVE, &["returns nothing, so there is no `<result>`"]),
        ("tag = \"user:<result>\"", "fn delete(id: i64) { body() }", &["returns nothing, so there is no `<result>`"]),
        ("key = UserKey { id: result }", "fn delete(id: i64) { body() }", &["returns nothing"]),
        ("key = \"a:<result>\"", "fn f(result: u8) -> u8 { 0 }", &["give the argument another name"]),
        ("key = UserKey { id: result }", "fn f(result: u8) -> u8 { 0 }", &["give the argument another name"]),
        ("key = \"a:<result>\"", "fn f(result: u8) { }", &[]),
        ("key = \"a\"", "fn f(result: u8) -> u8 { 0 }", &[]),
    ] {
        fails(Invalidate, options, item, expected);
    }
    for (options, expected) in [
        ("key = \"user:<result.id>\", ttl = 1", &["write `#[invalidate(key = …)]` and let the next read store it"][..]),
        ("key = UserKey { id: result.id }, ttl = 1", &["write `#[invalidate(key = …)]`"]),
        ("key = \"a\", tag = \"org:<result.org>\", ttl = 1", &["before the write, when there is no `<result>`"]),
    ] {
        fails(WriteThrough, options, RENAME, expected);
    }
}

#[test]
fn transactions() {
    let item = "async fn rename(tx: &mut Transaction<'_, Sqlite>, id: i64) -> Result<User, Error> { body() }";
    for (attribute, options) in [(Invalidate, "key = \"user:<id>\""), (WriteThrough, "key = \"user:<id>\", ttl = 60")] {
        fails(attribute, options, item, &["write `after_commit`, and the invalidation waits for the `scope.commit()`"]);
        fails(attribute, &format!("{options}, after_commit"), item, &[]);
        fails(attribute, &format!("{options}, after_commit"), RENAME, &[]);
        fails(attribute, &format!("{options}, bypass_in_transaction, after_commit"), item, &["says `after_commit`"]);
    }
}

#[test]
fn return_types() {
    for output in ["", "-> ()", "-> Result<&User, Error>", "-> Result<(), Error<'_>>", "-> BoxFuture<'_, ()>"] {
        fails(Invalidate, "key = \"a\"", &format!("fn f() {output} {{ body }}"), &[]);
    }
    for (output, expected) in [
        ("-> !", "this function never returns"),
        ("-> impl Debug", "whether the write succeeded is told by this type"),
        ("-> Result<User, impl Error>", "whether the write succeeded is told by this type"),
        ("-> impl Future", "write it: `impl Future<Output = …>`"),
    ] {
        fails(Invalidate, "key = \"a\"", &format!("fn f() {output} {{ body }}"), &[expected]);
    }
    for (output, expected) in [
        ("", "nothing to store: this function returns nothing; write `value = user`"),
        ("-> ()", "nothing to store"),
        ("-> Result<(), Error>", "nothing to store"),
        ("-> &User", "return an owned value"),
        ("-> impl Serialize", "a cached value has one type"),
    ] {
        fails(WriteThrough, "key = \"a\", ttl = 1", &format!("fn f(user: User) {output} {{ body }}"), &[expected]);
    }
    for output in ["", "-> &User", "-> Result<&str, Error>"] {
        let item = format!("fn f(user: User) {output} {{ body }}");
        fails(WriteThrough, "key = \"a\", ttl = 1, value = user", &item, &[]);
    }
}

#[test]
fn items() {
    for (item, expected) in [
        ("struct User;", &["`#[invalidate]` goes on a function that writes"][..]),
        ("impl User { fn f(&self) -> u8 { 0 } }", &["`#[invalidate]` goes on a function; annotate the methods"]),
        ("fn f() -> u8;", &["there is no body to run here; write `#[invalidate]`"]),
        ("const fn f() -> u8 { 0 }", &["a `const fn` cannot reach a cache"]),
        ("unsafe extern \"C\" fn f(x: ...) -> u8 { 0 }", &["variadic arguments"]),
        ("fn f(pattern!(): u8) {}", &["the names in this pattern"]),
        ("#[cached(key = \"b\", ttl = 1)] fn f() -> u8 { 0 }", &["a reader is not a writer"]),
        ("#[invalidate(key = \"b\")] fn f() -> u8 { 0 }", &[]),
        ("#[write_through(key = \"b\", ttl = 1)] fn f() -> u8 { 0 }", &[]),
    ] {
        fails(Invalidate, "key = \"a\"", item, expected);
    }
    fails(WriteThrough, "key = \"a\", ttl = 1", "struct User;", &["`#[write_through]` goes on a function"]);
    fails(Cached, "key = \"a\", ttl = 1", "#[invalidate(oops)] fn f() -> u8 { 0 }", &["a reader is not a writer"]);
}

#[test]
fn the_example_of_a_key_is_made_of_the_arguments() {
    for (inputs, key) in [
        ("", "`key = \"users\"`"),
        ("id: i64", "`key = \"user:<id>\"`"),
        ("pool: &SqlitePool, email: &str", "`key = \"user:<email>\"`"),
        ("pool: &SqlitePool, order: &Order", "`key = \"order:<order.id>\"`"),
        ("&self, (a, b): (u8, u8)", "`key = \"user:<a>\"`"),
    ] {
        fails(Invalidate, "", &format!("fn f({inputs}) {{ body }}"), &[key]);
    }
}
