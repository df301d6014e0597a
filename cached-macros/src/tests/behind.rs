//! `#[write_behind]`: what it expands to, and mistakes in it.

use super::{expand, fails, snapshot};
use crate::attribute::Attribute::{Invalidate, WriteBehind};

const SAVE: &str = "async fn save(pool: Pool, users: Vec<User>) -> Result<(), Error> { body() }";

const GOOD: &str = "key = \"user:<user.id>\", each = user in users, ttl = 60, skip(pool)";

fn good(more: &str) -> String {
    format!("{GOOD}, {more}")
}

macro_rules! shapes {
    ($($name:ident: $options:literal $item:literal)*) => {
        $(
            #[test]
            fn $name() {
                snapshot(stringify!($name), expand(WriteBehind, $options, $item));
            }
        )*
    };
}

shapes! {
    write_behind: r#"key = "user:<user.id>", each = user in users, ttl = 3600, skip(pool)"#
        r#"/// Docs stay.
        #[cfg(unix)]
        pub async fn save_users(pool: SqlitePool, users: Vec<User>) -> Result<(), sqlx::Error> {
            insert(&users).execute(&pool).await?;
            Ok(())
        }"#
    write_behind_with_every_option: r#"key = UserKey { id: user.id }, tag = "org:<user.org>", each = user in users,
        ttl = |user| user.ttl, skip(a, b, cache), max_batch = 50, linger = "5ms", queue = "users", coalesce = off,
        on_full = error, retries = 3, high_water = 1000, accept_loss, version = 2, jitter = 0, when = a,
        cache = cache.clone(), crate = ::my::rt"#
        "async fn save((a, b): (bool, Pool), cache: Cache, mut users: Vec<User>, _: Context) -> Result<(), Error> { body() }"
    write_behind_of_a_method: r#"key = "user:<user.id>", each = user in users, ttl = never, cache = &self.cache"#
        "pub(crate) async fn save(&self, users: Vec<User>) { body() }"
    write_behind_of_a_shared_method: r#"key = "user:<user.id>", each = user in users, ttl = 60"#
        "pub async fn save(self: Arc<Self>, users: Vec<Self::User>) -> AppResult<()> { body() }"
    write_behind_of_an_associated_function: r#"key = "user:<user.id>", each = user in users, ttl = 60, skip(pool)"#
        "pub async fn save(pool: Pool, users: Vec<Self>) -> Result<(), Error> { body() }"
}

#[test]
fn options() {
    for (options, expected) in [
        (GOOD, &[][..]),
        (&good("max_batch = 1, linger = 0, queue = \"a:b/c-d_e.f\", on_full = write_through, coalesce = on"), &[]),
        (&good("max_batch = 0"), &["a batch of no values writes nothing; write at least `max_batch = 1`"]),
        (&good("max_batch = \"500\""), &["an integer up to 100000; write `max_batch = 500`"]),
        (&good("max_batch = 1000000"), &["an integer up to 100000"]),
        (&good("max_batch"), &["`max_batch` takes a value"]),
        (&good("linger = \"50\""), &["`50` has no unit"]),
        (&good("linger = 50ms"), &["write the duration in quotes: `linger = \"50ms\"`"]),
        (&good("linger = \"50 milliseconds\""), &["`milliseconds` is not a unit"]),
        (&good("linger = 100"), &["numbers are seconds: write `linger = \"50ms\"`"]),
        (&good("queue = users"), &["a string literal; write `queue = \"users\"`"]),
        (&good("queue = \"\""), &["the queue's name is made of letters"]),
        (&good("queue = \"{users}\""), &["the queue's name is made of letters"]),
        (&good("coalesce = no"), &["write `coalesce = off`"]),
        (&good("on_full = panic"), &["write `on_full = write_through` (it runs the body itself) or `on_full = error`"]),
        (&good("retries = -1"), &["an integer up to 1000"]),
        (&good("high_water = 0"), &["a queue that is always full takes nothing"]),
        (&good("high_water = \"many\""), &["an integer; write `high_water = 100000`"]),
        (&good("accept_loss = true"), &["`accept_loss` takes no value"]),
        (&good("mutex"), &["`mutex` is an option of `#[cached]`: it is for readers"]),
        (&good("value = user"), &["what is stored are the values of `each`"]),
        (&good("after_commit"), &["outside of any transaction of the caller's"]),
        (&good("key = \"b\""), &["`key` is set twice, and a value is stored under one key"]),
        (&good("cache = users.cache()"), &["the worker uses this cache too, and has no values yet"]),
        (&good("cache = pool.cache(), when = users.len() > 1"), &[]),
        ("key = \"user:<user.id>\", each = user in users, skip(pool)", &["`ttl` is missing"]),
        ("each = user in users, skip(pool), ttl = 1", &["`key` is missing: under which key"]),
        ("key = \"user:<user.id>\", skip(pool), ttl = 1", &["Write `each = user in users`"]),
        ("", &["`ttl` is missing", "Write `each = user in users`", "`key` is missing"]),
    ] {
        fails(WriteBehind, options, SAVE, expected);
    }
}

#[test]
fn keys() {
    for (key, expected) in [
        ("\"user:<user.id>\"", &[][..]),
        ("UserKey { id: user.id }", &[]),
        ("\"users\"", &["`user` is not part of the key, so all values of a call would share one entry"]),
        ("\"user:<users>\"", &["a key is for one value, and `users` are all of them"]),
        ("\"user:<user.id>:<result.id>\"", &["the body runs after the call, so there is no `<result>`"]),
        ("UserKey { id: user.id, r: result }", &["the body runs after the call, so there is no `<result>`"]),
        ("\"user:<user.id>:<pool>\"", &["a key is made of the value alone"]),
        ("UserKey { id: user.id, of: pool }", &["a key is made of the value alone"]),
        ("\"user:<user.id>:<self.x>\"", &["this function has no `self`"]),
        ("\"user:<usr.id>\"", &["did you mean `<user>`?"]),
        ("\"user:{user.id}\"", &["braces are text in a template; write `<user.id>`"]),
    ] {
        fails(WriteBehind, &format!("key = {key}, each = user in users, ttl = 1, skip(pool)"), SAVE, expected);
    }
    let method = "async fn save(&self, users: Vec<User>) { body() }";
    for key in ["\"<self.tenant>:<user.id>\"", "UserKey { id: user.id, of: self.tenant }"] {
        let options = format!("key = {key}, each = user in users, ttl = 1");
        fails(WriteBehind, &options, method, &["put what the key needs of `self` into the value"]);
    }
    fails(WriteBehind, &good("tag = \"org:<pool.org>\""), SAVE, &["a key is made of the value alone"]);
    fails(WriteBehind, &good("tag = \"org:<user.org>\", tag = \"users\""), SAVE, &[]);
}

#[test]
fn values() {
    for (inputs, expected) in [
        ("users: Vec<User>", &[][..]),
        ("users: std::vec::Vec<User>", &[]),
        ("mut users: Vec<User>", &[]),
        ("users: &[User]", &["cannot be borrowed; write `Vec<User>`"]),
        ("users: &Vec<User>", &["cannot be borrowed; write `Vec<User>`"]),
        ("users: User", &["its values are a `Vec` of them"]),
        ("people: Vec<User>", &["no argument is named `users`; the names are `people`"]),
        ("(users,): (Vec<User>,)", &["`users` is a part of an argument; the values of a batch are"]),
        ("users: Vec<User>, user: u8", &["`user` is an argument; give one of the values a name"]),
    ] {
        let item = format!("async fn save({inputs}) {{ body() }}");
        fails(WriteBehind, "key = \"user:<user.id>\", each = user in users, ttl = 1", &item, expected);
    }
    for (inputs, expected) in [
        ("users: Vec<User>", "Write `each = user in users`"),
        ("pool: Pool, data: Vec<User>", "Write `each = value in data`"),
        ("pool: Pool, user: User", "take `users: Vec<User>`, and write `each = user in users`"),
        ("pool: Pool", "take `users: Vec<User>`, and write `each = user in users`"),
    ] {
        let skip = if inputs.contains("pool") { ", skip(pool)" } else { "" };
        let item = format!("async fn save({inputs}) {{ body() }}");
        fails(WriteBehind, &format!("key = \"user:<user.id>\", ttl = 1{skip}"), &item, &[expected]);
    }
}

#[test]
fn arguments() {
    for (argument, expected) in [
        ("pool: Pool", &[][..]),
        ("pool: Arc<dyn Pool>", &[]),
        ("pool: &'static Pool", &[]),
        ("pool: &'static str", &[]),
        ("pool: Cow<'static, str>", &[]),
        ("pool: Option<&'static str>", &[]),
        ("pool: &SqlitePool", &["it cannot borrow from the caller; write `SqlitePool`: a pool or a client is cheap"]),
        ("pool: &str", &["write `String`"]),
        ("pool: &[u8]", &["write `Vec<u8>`"]),
        ("pool: &dyn Pool", &["write `Arc<dyn Pool>`"]),
        ("pool: &mut Connection", &["such as a pool in place of a connection"]),
        ("pool: Option<&str>", &["write an owned type"]),
        ("pool: Cow<'_, str>", &["write an owned type"]),
        ("pool: impl Executor", &["name the type instead of `impl …`"]),
        ("#[cfg(unix)] pool: Pool", &["put the condition on two functions"]),
        ("pool: Pool, org: i64", &["put it into the values if it differs from call to call, or `skip(org)`"]),
        ("pool: &mut Transaction<'_, Sqlite>", &["the caller's transaction is long over"]),
    ] {
        let item = format!("async fn save({argument}, users: Vec<User>) -> Result<(), Error> {{ body() }}");
        fails(WriteBehind, GOOD, &item, expected);
    }
}

#[test]
fn functions() {
    let options = "key = \"user:<user.id>\", each = user in users, ttl = 1";
    for (item, expected) in [
        ("async fn save(self, users: Vec<User>) {}", &[][..]),
        ("async fn save(self: &Self, users: Vec<User>) -> () {}", &[]),
        ("async fn save(&mut self, users: Vec<User>) {}", &["write `&self` or `self: Arc<Self>`"]),
        ("async fn save(self: &mut Self, users: Vec<User>) {}", &["write `&self` or `self: Arc<Self>`"]),
        ("fn save(users: Vec<User>) {}", &["write `async fn`, and what blocks into `tokio::task::spawn_blocking`"]),
        ("fn save(users: Vec<User>) -> impl Future<Output = ()> {}", &["not when the function is called"]),
        ("fn save(users: Vec<User>) -> BoxFuture<'static, ()> {}", &["not when the function is called"]),
        ("async unsafe fn save(users: Vec<User>) {}", &["remove `unsafe`"]),
        ("async fn save<T>(users: Vec<T>) {}", &["a function for each type"]),
        ("async fn save<const N: usize>(users: Vec<[u8; N]>) {}", &["a function for each type"]),
        ("async fn save<'a>(users: Vec<User<'a>>) {}", &["remove this lifetime"]),
        (
            "fn save<'life0, 'async_trait>(&'life0 self, users: Vec<User>) -> Pin<Box<dyn Future<Output = ()> + 'async_trait>> {}",
            &["a trait has no room for it"],
        ),
        ("struct User;", &["`#[write_behind]` goes on a function that writes"]),
        ("async fn save(&self, users: Vec<User>);", &["there is no body to run here"]),
        ("#[cached(x)] async fn save(users: Vec<User>) {}", &["a reader is not a writer"]),
        ("#[invalidate(x)] async fn save(users: Vec<User>) {}", &["`#[invalidate]` is about a write that has ended"]),
        ("#[write_behind(x)] async fn save(users: Vec<User>) {}", &["written behind twice"]),
    ] {
        fails(WriteBehind, options, item, expected);
    }
    let under = "#[write_behind(x)] async fn save(users: Vec<User>) {}";
    fails(Invalidate, "key = \"users\"", under, &["this function is written behind"]);
}

#[test]
fn return_types() {
    for (output, expected) in [
        ("", &[][..]),
        ("-> ()", &[]),
        ("-> Result<(), Error>", &[]),
        ("-> AppResult<()>", &[]),
        ("-> io::Result<()>", &[]),
        ("-> Result<u64, Error>", &["the call returns before the body has run"]),
        ("-> (u8, u8)", &["the call returns before the body has run"]),
        ("-> &User", &["the call returns before the body has run"]),
        ("-> !", &["this function never returns"]),
        ("-> impl Debug", &["whether the write succeeded is told by this type"]),
        ("-> Result<(), impl Error>", &["whether the write succeeded is told by this type"]),
    ] {
        let item = format!("async fn save(pool: Pool, users: Vec<User>) {output} {{ body() }}");
        fails(WriteBehind, GOOD, &item, expected);
    }
    for output in ["", "-> ()"] {
        let item = format!("async fn save(pool: Pool, users: Vec<User>) {output} {{ body() }}");
        fails(WriteBehind, &good("on_full = error"), &item, &["this function cannot return an error"]);
    }
}
