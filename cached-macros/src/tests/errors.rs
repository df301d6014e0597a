//! Which mistakes are found, and how many errors they make. Where each is shown is for `tests/ui` to see.

use super::{expand, fails, messages};
use crate::attribute::Attribute::Cached;

#[track_caller]
fn check(options: &str, item: &str, expected: &[&str]) {
    fails(Cached, options, item, expected);
}

const KEY: &str = r#"key = "user:<id>", "#;
const FIND: &str = "async fn find(id: i64) -> User { load(id).await }";

#[test]
fn options() {
    for (options, expected) in [
        ("ttl = 0", &["a `ttl` of zero"][..]),
        ("ttl = -1", &["cannot be negative"]),
        ("ttl = 1.5", &["whole seconds"]),
        ("ttl = 90s", &["`ttl = \"90s\"`"]),
        ("ttl = 1h30m", &["`ttl = \"1h30m\"`"]),
        ("ttl = \"1 fortnight\"", &["`fortnight` is not a unit"]),
        ("ttl = \"never\"", &["write `ttl = never`"]),
        ("ttl = TTL", &["write `ttl = |_| EXPR`"]),
        ("ttl = Duration::from_secs(60)", &["write `ttl = |_| EXPR`"]),
        ("ttl = |a, b| a", &["this closure takes the loaded value"]),
        ("ttl = || 5", &["this closure takes the loaded value"]),
        ("ttl", &["`ttl` takes a value"]),
        ("ttl =", &["the value of `ttl` is missing"]),
        ("ttl(5)", &["`ttl` takes a value"]),
        ("ttl = 1, ttl = 2", &["`ttl` is set twice"]),
        ("ttl = 1 mutex", &["a comma is missing between the options"]),
        ("ttl = 1, mutx", &["did you mean `mutex`?"]),
        ("ttl = 1, local = |a: Map<A, B>, b| a", &["`local`"]),
        ("ttl = 1, layer = |a: Map<A, B>, b| a", &["there is no option `layer`"]),
        ("ttl = 1, stale = 0", &["leave `stale` out to serve nothing past its ttl"]),
        ("ttl = 1, early = |a: Map<A, B>, b| a", &["write `early`, `early = 1.0`, or `early = off`"]),
        ("ttl = 1, early = 0", &["a literal over 0"]),
        ("ttl = 1, early(1.0)", &["write `early = 1.0`"]),
        ("ttl = 1, refresh = inline", &["write `refresh = background`"]),
        ("ttl = 1, refresh = background, early = off", &["nothing is ever loaded anew"]),
        ("ttl = never, stale = 1, early, refresh = background", &["does not end"; 3]),
        ("ttl = 1, lock", &["one loader at a time is `mutex`"]),
        ("ttl = 1, if = x", &["caching under a condition is `when = expr`"]),
        ("ttl = 1, \"user\"", &["write `key = \"user:<id>\"`"]),
        ("ttl = 1,, mutex", &["an option is missing here"]),
        ("ttl = 1, mutex(\"2s\")", &["an option of `mutex` is missing here"]),
        ("ttl = 1, mutex = true", &["`mutex` takes no value"]),
        ("ttl = 1, mutex(leese = 1)", &["did you mean `lease`?"]),
        ("ttl = 1, mutex(lease = 1, lease = 2)", &["`lease` is set twice"]),
        ("ttl = 1, mutex(lease = 0)", &["`lease` is zero"]),
        ("ttl = 1, mutex(wait = \"0s\")", &["`wait` is zero"]),
        ("ttl = 1, mutex(on_timeout = stale)", &["write `stale = \"10m\"` too, or `on_timeout = load`"]),
        ("ttl = 1, mutex(on_timeout = fail)", &["write `on_timeout = load`"]),
        ("ttl = 1, mutex(lease = \"1m\")", &["longer than `load_timeout` (30s by default)"]),
        ("ttl = 1, mutex(lease = 5), load_timeout = \"1500ms\"", &["longer than `load_timeout` (1500ms)"]),
        ("ttl = 1, mutex(lease = \"1m\"), load_timeout = 0", &["`load_timeout` is zero"]),
        ("ttl = 1, mutex(lease = \"1m\"), load_timeout = 90", &[]),
        ("ttl = 1, mutex()", &[]),
        ("ttl = 1, none_ttl = 0", &["`none_ttl` is zero"]),
        ("ttl = 1, none_ttl = never", &["`none_ttl` takes seconds or a text"]),
        ("ttl = 1, version = 0", &["`version` counts from 1"]),
        ("ttl = 1, version = \"2\"", &["`version` counts from 1"]),
        ("ttl = 1, jitter = 1.5", &["from 0.0 to 1.0"]),
        ("ttl = 1, jitter = 1", &[]),
        ("ttl = 1, unless = true", &["`unless` takes a closure"]),
        ("ttl = 1, unless = async |v| true", &["this closure takes the loaded value"]),
        ("ttl = 1, returns = option", &["`returns = result`"]),
        ("ttl = 1, crate = my::rt", &["`crate = ::my::rt`"]),
        ("ttl = 1, crate = \"::my::rt\"", &["a path without quotes"]),
        ("ttl = 1, skip = id", &["write `skip(pool)`"]),
        ("ttl = 1, skip(&pool)", &["names of arguments"]),
        ("ttl = 1, tag = UserKey { id }", &["a tag has no value"]),
        ("ttl = 1, tag = TAG", &["a tag is a string literal"]),
        ("ttl = 1, tag = [\"a\", \"b\"]", &["several tags are several options"]),
        ("ttl = 1, tag = \"\"", &["the template is empty"]),
        ("ttl = 1, tag = \"a\", tag = \"b\"", &[]),
        ("ttl = 1, key = \"b\"", &["`key` is set twice; remove one"]),
        ("ttl = 1, bypass_in_transaction = true", &["`bypass_in_transaction` takes no value"]),
        ("ttl = 1, bypass_in_transaction(true)", &["`bypass_in_transaction` takes no value"]),
        ("ttl = 1, bypass_in_transaction mutex", &["a comma is missing"]),
        ("ttl = 1, two_phase", &["`two_phase` is an option of `#[invalidate]`"]),
        ("ttl = 1, after_commit", &["says `bypass_in_transaction`"]),
        // Everything in one pass, each mistake once.
        (
            "tll = 1, mutex(leese = 1), version = 0, skip(idd)",
            &["did you mean `ttl`?", "did you mean `lease`?", "counts from 1", "did you mean `id`?"],
        ),
    ] {
        check(&format!("{KEY}{options}"), FIND, expected);
    }
}

#[test]
fn keys() {
    for (key, expected) in [
        ("\"user:<idd>\"", &["no argument is named `idd`, did you mean `<id>`? The names are `id`"][..]),
        ("\"user:<colour>\"", &["no argument is named `colour`; the names are `id`"]),
        ("\"user:<result.id>\"", &["only writers have a `<result>`"]),
        ("\"user:<self.id>:<id>\"", &["this function has no `self`"]),
        ("\"user:{id}\"", &["write `<id>` for the argument"]),
        ("\"user:{id.0}\"", &["write `<id.0>` for the argument"]),
        ("\"{user}:<id>\"", &[]),
        ("\"user\"", &["`id` is not part of the key"]),
        ("\"\"", &["the template is empty"]),
        ("\"user:<id\"", &["this `<` is not closed"]),
        ("\"user:<>:<1>\"", &["`<>` names no argument", "`1` is not a name"]),
        ("\"user:<id.inner|hash>\"", &[]),
        ("UserKey { id }", &[]),
        ("UserKey { id: id.0 }", &[]),
        (
            "UserKey { id: user.id }",
            &["`id` is not part of the key, so calls that differ in it would share one value; put `id`"],
        ),
        ("keys::AllUsers", &["`id` is not part of the key"]),
        ("UserKey { id: result.id }", &["only writers have a `<result>`", "`id` is not part of the key"]),
        ("UserKey(id)", &["a typed key has named fields"]),
        ("[\"user:<id>\", \"users\"]", &["several keys are several options"]),
        ("id", &["the key is a string literal or a typed key"]),
        ("format!(\"user:{id}\")", &["a template, not a macro"]),
        ("KEY", &["the key is a string literal or a typed key"]),
    ] {
        check(&format!("ttl = 1, key = {key}"), FIND, expected);
    }
    check(
        "ttl = 1",
        FIND,
        &["`key` is missing: what tells one value from another? Write a template: `key = \"find:<id>\"`"],
    );
    check("", FIND, &["`ttl` is missing", "`key` is missing"]);
    check("ttl = 1, key = \"x:<y>\"", "fn f() -> u8 { 0 }", &["no argument is named `y`; this function has none"]);
}

#[test]
fn arguments() {
    for (options, inputs, expected) in [
        ("key = \"a:<a>\"", "a: u8, b: u8, c: u8", &["`b` is not part of the key", "`c` is not part of the key"][..]),
        ("key = \"a:<a>\", skip(b)", "a: u8, b: u8", &[]),
        ("key = \"a:<a>\", skip(b, b)", "a: u8, b: u8", &["`b` is skipped twice"]),
        ("key = \"a:<a>:<b>\", skip(b)", "a: u8, b: u8", &["`b` is in the key and in `skip(b)`"]),
        ("key = \"a:<a>\", skip(pol)", "a: u8, pool: u8", &["did you mean `pool`?"]),
        ("key = \"a:<a>\", skip(xyz)", "a: u8, b: u8", &["no argument is named `xyz`"]),
        ("key = \"a:<a>\", skip(self)", "&self, a: u8", &["`self` is part of no key"]),
        ("key = \"a:<a>:<self.id>\"", "&self, a: u8", &[]),
        ("key = \"a:<selv.id>\"", "&self, a: u8", &["did you mean `<self>`?", "`a` is not part of the key"]),
        ("key = \"a:<a>\"", "a: u8, _: u8, _b: u8", &["`_b` is not part of the key"]),
        ("key = \"a:<x>\"", "(x, y): (u8, u8)", &["`y` is not part of the key"]),
        ("key = \"a:<a>\"", "a: u8, tx: &mut Transaction<'_, Sqlite>", &["uncommitted rows"]),
        ("key = \"a:<a>\", skip(tx)", "a: u8, tx: &mut Transaction<'_, Sqlite>", &[]),
        ("key = \"a:<a>\", bypass_in_transaction", "a: u8, tx: &mut Transaction<'_, Sqlite>", &[]),
        ("key = \"a:<a>\", bypass_in_transaction", "a: u8", &[]),
        ("key = Key { a }, skip(a)", "a: u8", &["`a` is in the key and in `skip(a)`"]),
        ("key = \"a:<a>\", tag = \"b:<b>\"", "a: u8, b: u8", &[]),
        ("key = \"a:<a>\", tag = \"b:<b>\"", "a: u8, b: u8, c: u8", &["`c` is not part of the key"]),
        ("key = \"a:<a>\", tag = \"b:<b>\", skip(b)", "a: u8, b: u8", &[]),
        ("key = \"a:<a>\", tag = \"b:<bb>\", skip(b)", "a: u8, b: u8", &["no argument is named `bb`"]),
        ("key = \"a:<a>\", tag = \"b:<result.b>\"", "a: u8", &["a tag is needed before there is a result"]),
        ("key = \"a:<type>\"", "r#type: u8", &[]),
        ("key = \"a:<r#type>\"", "r#type: u8", &[]),
        ("key = \"a\", skip(type)", "r#type: u8", &[]),
        ("key = \"a\"", "pattern!(): u8", &["the names in this pattern"]),
    ] {
        check(&format!("ttl = 1, {options}"), &format!("async fn f({inputs}) -> User {{ body }}"), expected);
    }
}

#[test]
fn arguments_under_async_trait() {
    let function = |argument: &str| {
        format!(
            "fn f<'life0, 'async_trait>(&'life0 self, {argument}: (u8, u8))
                -> Pin<Box<dyn Future<Output = User> + Send + 'async_trait>>
            {{ Box::pin(async move {{ let (a, b) = {{ let {argument} = {argument}; {argument} }}; a }}) }}"
        )
    };
    check("ttl = 1, key = \"a:<a>\"", &function("__arg1"), &["`#[async_trait]` takes patterns apart"]);
    check("ttl = 1, key = \"a\"", &function("__arg1"), &["under `#[async_trait]` an argument that is a pattern"]);
    check("ttl = 1, key = \"a:<pair.0>\"", &function("pair"), &[]);
}

#[test]
fn return_types() {
    for (output, expected) in [
        ("", &["returns nothing that could be cached; write its return type"][..]),
        ("-> ()", &["returns nothing that could be cached; return the value"]),
        ("-> !", &["returns nothing"]),
        ("-> &str", &["return an owned value"]),
        ("-> &'static str", &["return an owned value"]),
        ("-> Result<&str, Error>", &["return an owned value"]),
        ("-> Option<Cow<'a, str>>", &["only `'static` may stand here"]),
        ("-> Cow<'static, str>", &[]),
        ("-> Result<User, &str>", &[]),
        ("-> Result<User, Error<'_>>", &[]),
        ("-> impl Serialize", &["a cached value has one type"]),
        ("-> Result<impl Serialize, Error>", &["a cached value has one type"]),
        ("-> Result<User, impl Error>", &["name the error type"]),
        ("-> impl Future<Output = User>", &["an `async fn` is a future already"]),
    ] {
        check("key = \"a\", ttl = 1", &format!("async fn f() {output} {{ body }}"), expected);
    }
    for (output, expected) in [
        ("-> impl Future", &["a future is cached by its output"][..]),
        ("-> impl Future<Output = ()>", &["returns nothing"]),
        ("-> impl Future<Output = Vec<&u8>> + '_", &["return an owned value"]),
        ("-> BoxFuture<'_, Result<User, Error>>", &[]),
        ("-> Pin<Box<dyn Future<Output = &str> + 'a>>", &["return an owned value"]),
    ] {
        check("key = \"a\", ttl = 1", &format!("fn f() {output} {{ body }}"), expected);
    }
    let by_value = "key = \"a\", ttl = 1, returns = value";
    check(by_value, "fn f() -> Result<u8, &'static str> { body }", &["return an owned value"]);
}

#[test]
fn items() {
    let options = "key = \"a\", ttl = 1";
    for (item, expected) in [
        ("struct User;", &["`#[cached]` goes on a function that returns"][..]),
        ("impl User { fn f(&self) -> u8 { 0 } }", &["the methods of this `impl` one by one"]),
        ("trait Users { fn f(&self) -> u8; }", &["methods that have a body"]),
        ("fn f() -> u8;", &["there is no body to cache here"]),
        ("mod users {}", &["the functions of this module one by one"]),
        ("const fn f() -> u8 { 0 }", &["a `const fn` cannot reach a cache"]),
        ("unsafe extern \"C\" fn f(x: ...) -> u8 { 0 }", &["variadic arguments"]),
        ("#[cached(key = \"b\", ttl = 1)] fn f() -> u8 { 0 }", &["cached twice"]),
        ("#[cached_runtime::cached(ttl = 1)] fn f() -> u8 { 0 }", &["cached twice"]),
        ("#[other::cached] fn f() -> u8 { 0 }", &[]),
        ("#[invalidate(key = \"b\")] fn f() -> u8 { 0 }", &["a reader is not a writer"]),
        ("#[cached_runtime::write_through(key = \"b\")] fn f() -> u8 { 0 }", &["a reader is not a writer"]),
    ] {
        check(options, item, expected);
    }
    // One mistake: no key and no ttl for something that needs neither.
    check("", "struct User;", &["goes on a function"]);
    check("oops", "struct User;", &["there is no option `oops`", "goes on a function"]);
}

#[test]
fn the_item_comes_first_and_is_cached_no_more() {
    let item = "#[inline] #[cached(key = \"b\", ttl = 1)] fn f(x: u8) -> u8 { half typed . }";
    let text = expand(Cached, "key = \"a\", ttl = 1", item).to_string();
    assert!(text.starts_with("# [inline] fn f (x : u8) -> u8 { half typed . }"), "{text}");
    assert_eq!(text.matches("compile_error").count(), 2, "{text}");
}

#[test]
fn newtypes() {
    for (item, expected) in [
        ("struct Id;", &["this one has none"][..]),
        ("struct Id {}", &["this one has none"]),
        ("struct Id(u8, u8);", &["as in \"<id.0>:<id.1>\""]),
        ("struct Id { org: u8, user: u8 }", &["as in \"<id.org>:<id.user>\""]),
        ("enum Kind { A }", &["write `<name|hash>`"]),
        ("union U { a: u8 }", &["a union does not know its value"]),
        ("#[key_part(crate = rt)] struct Id(u8);", &["not absolute"]),
        ("#[key_part(name = 1)] struct Id(u8);", &["the only option here is `crate`"]),
        ("#[key_part] struct Id(u8);", &["the only option here is `crate`"]),
    ] {
        let found = messages(crate::key_part_newtype(item.parse().unwrap()));
        assert!(found.len() == expected.len() && found[0].contains(expected[0]), "{item}: {found:?}");
    }
}

#[test]
fn keys_in_code() {
    for (input, expected) in [
        (r#"::rt, "user:<id""#, "this `<` is not closed"),
        (r#"::rt, """#, "the template is empty"),
        ("::rt, KEY", "a key is a string literal"),
        ("::rt, ", "a key is a string literal"),
    ] {
        let text = crate::key_in_code(input.parse().unwrap()).to_string();
        assert!(text.contains(expected), "{input}: {text}");
    }
}
