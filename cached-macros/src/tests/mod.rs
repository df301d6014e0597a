//! Whole expansions, one per shape, compared with the files in `snapshots/`. `UPDATE_SNAPSHOTS=1` rewrites those;
//! read the difference before you keep it.

mod errors;

use std::path::Path;

use proc_macro2::TokenStream;

fn expand(options: &str, item: &str) -> TokenStream {
    crate::cached_function(options.parse().unwrap(), item.parse().unwrap())
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
    ($($name:ident: $options:literal $item:literal)*) => {
        $(
            #[test]
            fn $name() {
                snapshot(stringify!($name), expand($options, $item));
            }
        )*
    };
}

shapes! {
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
    ttl_from_the_value: r#"key = "token", ttl = |token| token.expires_in"#
        "async fn token() -> Token { fetch().await }"
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
