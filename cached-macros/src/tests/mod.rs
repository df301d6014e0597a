//! Whole expansions, one per shape, compared with the files in `snapshots/`. `UPDATE_SNAPSHOTS=1` rewrites those;
//! read the difference before you keep it.

mod batches;
mod behind;
mod cache_keys;
mod cost;
mod errors;
mod schemas;
mod writers;

use std::path::Path;

use proc_macro2::TokenStream;

use crate::attribute::Attribute;

fn expand(attribute: Attribute, options: &str, item: &str) -> TokenStream {
    crate::annotated(attribute, options.parse().unwrap(), item.parse().unwrap())
}

/// The messages of a failed expansion, first lines only.
fn messages(tokens: TokenStream) -> Vec<String> {
    let file: syn::File = syn::parse2(tokens).unwrap();
    file.items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Macro(item) if item.mac.path.segments.last()?.ident == "compile_error" => {
                let message: syn::LitStr = item.mac.parse_body().unwrap();
                Some(message.value().lines().next().unwrap_or_default().to_owned())
            }
            _ => None,
        })
        .collect()
}

#[track_caller]
fn fails(attribute: Attribute, options: &str, item: &str, expected: &[&str]) {
    let found = messages(expand(attribute, options, item));
    let same = found.len() == expected.len() && found.iter().zip(expected).all(|(found, part)| found.contains(part));
    assert!(same, "{attribute}({options}) {item}\n{found:#?}\n{expected:#?}");
}

#[track_caller]
fn snapshot(name: &str, tokens: TokenStream) {
    let file: syn::File = syn::parse2(tokens.clone()).unwrap_or_else(|error| panic!("{error} in {tokens}"));
    let text = prettyplease::unparse(&file);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/tests/snapshots/{name}.rs"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &text).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{name} expands to something else (UPDATE_SNAPSHOTS=1 keeps it):\n{text}");
}

macro_rules! shapes {
    ($attribute:ident $($name:ident: $options:literal $item:literal)*) => {
        $(
            #[test]
            fn $name() {
                snapshot(stringify!($name), expand(Attribute::$attribute, $options, $item));
            }
        )*
    };
}

shapes! { Cached
    async_fn: r#"key = "user:<id>", ttl = 3600, mutex, skip(pool)"#
        r#"/// Docs stay.
        #[must_use]
        pub async fn find_user(pool: &SqlitePool, id: i64) -> Result<Option<User>, sqlx::Error> {
            query(id).fetch_optional(pool).await
        }"#
    every_option: r#"
        key = "user:{<self.tenant>}:<id><kind>:<<x>>", ttl = "1h30m", skip(pool), none_ttl = "30s", version = 2,
        mutex(lease = "2s", wait = 10, on_timeout = load), when = id > 0, unless = |user| user.is_none(), jitter = 0.1,
        load_timeout = "5s", cache = self.cache.clone(), crate = ::my::rt"#
        "async fn find_user(&self, pool: &Pool, id: i64, kind: u8) -> Result<Option<User>, Error> { body() }"
    errors_remembered: r#"key = "user:<id>", ttl = 60, error_ttl = "200ms""#
        "async fn find_user(id: i64) -> Result<User, Error> { body() }"
    served_stale: r#"key = "user:<id>", ttl = 60, stale = "10m", early = 2.0, mutex(on_timeout = stale)"#
        "async fn find_user(id: i64) -> Result<User, Error> { body() }"
    refreshed_in_the_background: r#"key = "user:<id>", ttl = |user| user.ttl, refresh = background, early, skip(pool)"#
        "async fn find_user(self: Arc<Self>, pool: Pool, id: i64) -> Result<User, Error> { body(pool).await }"
    refreshed_in_the_background_blocking: r#"key = "user:<id>", ttl = 60, stale = 5, refresh = background, early = off"#
        "fn find_user(id: i64) -> Option<User> { body() }"
    ttl_from_the_value: r#"key = "token", ttl = |token| token.expires_in"#
        "async fn token() -> Token { fetch().await }"
    local: r#"key = "user:<id>", ttl = 60, local = "5s", tag = "org:<org>", skip(org)"#
        "async fn find_user(org: u8, id: i64) -> Result<Option<User>, Error> { body(id).await }"
    local_and_stale: r#"key = "user:<id>", ttl = 60, stale = "10m", refresh = background, error_ttl = 1, local"#
        "async fn find_user(id: i64) -> Result<Option<User>, Error> { body(id).await }"
    local_and_boxed: r#"key = "user:<id>", ttl = 60, local"#
        "fn find_user(id: i64) -> BoxFuture<'static, User> { Box::pin(body(id)) }"
    local_and_blocking: r#"key = "user:<id>", ttl = 60, local, skip(conn)"#
        "fn find_user(conn: &mut PgConnection, id: i64) -> QueryResult<Arc<User>> { body(conn) }"
    ttl_never: r#"key = "country:<code>", ttl = never"#
        "async fn country(code: &str) -> Option<Country> { None }"
    blocking: r#"key = "user:<id>", ttl = 60, skip(conn)"#
        "pub fn find_user(conn: &mut PgConnection, id: i64) -> QueryResult<User> { users.find(id).first(conn) }"
    boxed_and_borrowing: r#"key = "config:<key>", ttl = 60"#
        "fn find<'life0, 'life1, 'async_trait>(&'life0 self, key: &'life1 str)
            -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = CustomResult<Config, StorageError>>
                + ::core::marker::Send + 'async_trait>>
        where 'life0: 'async_trait, 'life1: 'async_trait, Self: 'async_trait
        { Box::pin(async move { let __self = self; __self.load(key).await }) }"
    boxed_and_owning: r#"key = "config:<key>", ttl = 60"#
        "fn find(&self, key: &str) -> BoxFuture<'static, Result<Config, Error>> {
            let this = self.clone(); let key = key.to_owned(); Box::pin(async move { this.load(&key).await }) }"
    returned_future: r#"key = "config:<key>", ttl = 60"#
        "fn find(&self, key: u32) -> impl Future<Output = Result<Config, Error>> + Send { async move { self.load(key).await } }"
    returned_future_that_borrows: r#"key = "config:<key>", ttl = 60"#
        "fn find(&self, key: u32) -> impl Future<Output = Config> + '_ { async move { self.load(key).await } }"
    generic: r#"key = "user:<id>", ttl = 300, skip(executor)"#
        "pub async fn get_id<'a, E>(id: DBUserId, executor: E) -> Result<Option<DBUser>, E::Error>
        where E: Executor<'a, Database = Postgres> { run(executor).await }"
    destructured: r#"key = "page:<number>:<size>:<pair.0.name()|hash>:<r#type>", ttl = 30"#
        "async fn page(Page { number, size, .. }: Page, mut pair: (Filter, u8), r#type: u8, _: Ctx) -> Vec<User> { vec![] }"
    conditional_arguments: r#"key = "user:<id>:<region>", ttl = 30"#
        r#"async fn find(id: u32, #[cfg(feature = "regions")] region: &str) -> User { find(id).await }"#
    inner_attributes: r#"key = "one", ttl = 1, returns = value"#
        "async fn one() -> Result<u8, String> { #![allow(unused)] let x = 1; Ok(1) }"
    result_by_decree: r#"key = "one", ttl = 1, returns = result"#
        "async fn one() -> Outcome<u8> { Ok(1) }"
    tagged: r#"key = "user:<id>", tag = "org:<org.id>", tag = "users", ttl = 60, skip(org), when = id > 0"#
        "async fn find(org: &Org, id: i64) -> Option<User> { None }"
    reader_of_a_typed_key: r#"key = UserKey { id }, ttl = 60"#
        "async fn find(id: i64) -> Result<Option<User>, Error> { Ok(None) }"
    reader_of_a_generic_key: r#"key = keys::Scoped::<T> { id: &id }, ttl = 60, returns = value"#
        "fn find<T>(id: T) -> Vec<User> { vec![] }"
    reader_that_bypasses_in_a_transaction: r#"key = "user:<id>", ttl = 60, bypass_in_transaction"#
        "async fn find(tx: &mut Transaction<'_, Sqlite>, id: i64) -> Option<User> { None }"
    reader_that_has_nothing_to_bypass: r#"key = "user:<id>", ttl = 60, bypass_in_transaction"#
        "async fn find(id: i64) -> Option<User> { None }"
}

shapes! { Invalidate
    invalidate: r#"key = "user:<id>", key = "user:email:<result.email>", tag = "org:<org_id>""#
        r#"/// Docs stay.
        pub async fn rename(&self, org_id: i64, id: i64, name: &str) -> Result<User, sqlx::Error> {
            query(id).bind(name).fetch_one(&self.pool).await
        }"#
    invalidate_with_every_option: r#"key = AllUsers, key = UserKey { id: result.id }, tag = "org:<self.org>", two_phase,
        when = id > 0, cache = self.cache.clone(), returns = value, crate = ::my::rt"#
        "async fn rename(&self, id: i64) -> Result<User, Error> { body() }"
    invalidate_after_commit: r#"tag = "org:<result>", after_commit"#
        "async fn create(tx: &mut Transaction<'_, Sqlite>) -> i64 { body() }"
    invalidate_and_return_nothing: r#"key = "user:<id>""# "async fn delete(id: i64) { body().await }"
    invalidate_with_arguments_before_the_result: r#"key = "a:<org>:<result.id>:<kind>", tag = "<org>", tag = "<org>:<result.id>""#
        "async fn create(org: String, kind: u8) -> Result<User, Error> { body(org).await }"
    invalidate_blocking: r#"key = "user:<id>", key = "user:email:<result.email>""#
        "fn rename(conn: &mut PgConnection, id: i64) -> QueryResult<User> { body(conn) }"
    invalidate_boxed: r#"key = "config:<key>""#
        "fn set<'life0, 'life1, 'async_trait>(&'life0 self, key: &'life1 str)
            -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Result<(), StorageError>>
                + ::core::marker::Send + 'async_trait>>
        where 'life0: 'async_trait, 'life1: 'async_trait, Self: 'async_trait
        { Box::pin(async move { let __self = self; __self.store(key).await }) }"
    invalidate_returned_future: r#"key = "config:<key>", tag = "configs:<result>""#
        "fn set(&self, key: u32) -> impl Future<Output = Option<u8>> + Send { async move { self.store(key).await } }"
}

shapes! { WriteThrough
    write_through: r#"key = "user:<id>", ttl = 3600, tag = "org:<org>""#
        "async fn rename(org: i64, id: i64, name: &str) -> Result<User, sqlx::Error> { query(id, name).await }"
    write_through_an_argument: r#"key = UserKey { id: user.id }, ttl = |user| user.ttl, value = user, unless = |user| user.draft"#
        "async fn save(&self, user: &User) -> Result<(), Error> { body(user).await }"
    write_through_with_every_option: r#"key = UserKey { id }, ttl = "1h", none_ttl = 5, version = 2, jitter = 0,
        load_timeout = "5s", when = true, after_commit, cache = cache.clone(), returns = result, crate = ::my::rt"#
        "async fn save(cache: &Cache, id: i64, tx: &mut PgTransaction<'_>) -> Outcome<User> { body(tx).await }"
    write_through_self: r#"key = "user:<self.id>", ttl = 60, value = self"# "fn save(&self) { body(self) }"
    write_through_blocking: r#"key = "user:<id>", ttl = 60, value = (id, name.to_owned())"#
        "fn save(id: i64, name: &str) -> Result<(), Error> { body(id, name) }"
}

#[test]
fn key_macro() {
    let tokens = crate::key_in_code(r#"::cached_runtime, "user:<user.id>:<filter|hash>""#.parse().unwrap());
    snapshot("key_macro", quote::quote!(const _: () = #tokens;));
}

#[test]
fn key_macro_without_places() {
    let tokens = crate::key_in_code(r#"::cached_runtime, "users""#.parse().unwrap());
    snapshot("key_macro_without_places", quote::quote!(const _: () = #tokens;));
}

#[test]
fn key_part() {
    snapshot("key_part", crate::key_part_newtype("struct UserId(i64);".parse().unwrap()));
}

#[test]
fn key_part_generic() {
    let item = "#[key_part(crate = crate::rt)] struct Id<'a, T: ?Sized> where T: Clone { value: &'a T }";
    snapshot("key_part_generic", crate::key_part_newtype(item.parse().unwrap()));
}

#[test]
fn typed_key() {
    let item = r#"#[cache_key("user:<id>", value = User)] pub struct UserKey { id: i64 }"#;
    snapshot("typed_key", crate::cache_key_struct(item.parse().unwrap()));
}

#[test]
fn typed_key_generic() {
    let item = r#"#[cache_key("<kind.name()>:<r#type>:<filter|hash>", value = Vec<T>, crate = crate::rt)]
        struct Found<'a, T: Kind, const N: usize> where T: Clone { kind: Name<T>, r#type: &'a [T; N], filter: Filter }"#;
    snapshot("typed_key_generic", crate::cache_key_struct(item.parse().unwrap()));
}

#[test]
fn typed_key_without_fields() {
    let item = r#"#[cache_key("users", value = Vec<User>)] struct AllUsers;"#;
    snapshot("typed_key_without_fields", crate::cache_key_struct(item.parse().unwrap()));
}

#[test]
fn typed_key_with_a_mistake() {
    let item = "struct UserKey<const N: usize> { id: i64 }";
    snapshot("typed_key_with_a_mistake", crate::cache_key_struct(item.parse().unwrap()));
}
