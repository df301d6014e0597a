//! Implementation detail of the `cached-runtime` crate, which re-exports what is here: depend on that one.
//!
//! # Layout
//!
//! `attribute` says which one it is, `args` reads its options and `item` the function it stands on; `key` and `template`
//! read keys and tags; `output` knows return types, and `ids` the argument of a batch. `check` holds every rule about
//! misuse, `errors` collects what they find. What passed goes to `expand`, the only module that writes code. `newtype`,
//! `cache_key` and `schema` are the derives' own small ways through the same stations.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unreachable, clippy::unwrap_used)
)]

mod args;
mod attribute;
mod cache_key;
mod check;
mod errors;
mod expand;
mod ids;
mod item;
mod key;
mod newtype;
mod output;
mod schema;
mod template;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use syn::parse::{ParseStream, Parser};

use crate::args::Args;
use crate::attribute::Attribute;
use crate::cache_key::CacheKey;
use crate::errors::Errors;
use crate::item::Annotated;
use crate::newtype::Newtype;
use crate::schema::Schema;

/// Makes a function a cache-aside read: the cache is asked first, and the body runs on a miss.
///
/// ```ignore
/// #[cached(key = "user:<id>", ttl = 3600, mutex, skip(pool))]
/// pub async fn find_user(pool: &SqlitePool, id: i64) -> Result<Option<User>, sqlx::Error> {
///     sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_optional(pool).await
/// }
/// ```
///
/// The function keeps its signature, its call sites and its error type. A cached call never fails because of the
/// cache: what goes wrong there is a miss.
///
/// # Options
///
/// | option | meaning | when absent |
/// |---|---|---|
/// | `key = "user:<id>"`, `key = UserKey { id }` | the template of the key, see below, or a [typed key](macro@CacheKey) | compile error |
/// | `ttl = 3600`, `ttl = "1h30m"`, `ttl = never`, <code>ttl = \|v\| expr</code> | how long a value lives: seconds, text, or taken from the loaded value (seconds or a `Duration`; zero: not stored) | compile error |
/// | `mutex`, `mutex(lease = "2s", wait = "10s", on_timeout = load)` | one loader per key across all processes; the others wait for its result, and after `wait` load themselves; with `on_timeout = stale` they look once more before | callers of one process share a load |
/// | `skip(pool, ctx)` | arguments that the value does not depend on | every argument must be in the key or here |
/// | `none_ttl = "30s"` | also cache `None`, that long | `None` is not cached |
/// | `error_ttl = "200ms"` | remember an `Err`, that long; its type is `Clone + Serialize + DeserializeOwned` | errors are never cached |
/// | `stale = "10m"` | serve a value that long past its ttl, while one caller loads it anew | nothing is served past its ttl |
/// | `refresh = background` | load anew in a spawned task, see below | the caller that took it on waits for it |
/// | `early`, `early = 1.0`, `early = off` | load anew before the ttl is over, see below | as `1.0`, for values that took 5 ms or more to load |
/// | `version = 2` | the schema version of the value; values of another one are misses | `1` |
/// | `when = expr` | use the cache only then | always |
/// | <code>unless = \|v\| expr</code> | do not store such a value | everything is stored |
/// | `jitter = 0.1` | shortens each ttl at random by up to this share | `0.05` |
/// | `load_timeout = "30s"` | a load longer than this loses its lease | `30s` |
/// | `local`, `local = "5s"` | also keep decoded values in this process, at most so long; another process's invalidation ends that within a second. Values must be `Clone + Send + Sync + 'static` | every hit asks the store |
/// | `tag = "org:<org_id>"`, repeatable | a group of values that are invalidated together; an argument that a tag names need not be in the key | none |
/// | `each = id in ids` | a batch, see below | one value for the whole call |
/// | <code>by = \|v\| v.id</code> | which id a value of a batch has, where it returns `Vec<T>` | the collection says it |
/// | `bypass_in_transaction` | with a `Transaction` among the arguments: run the body, past the cache | compile error where there is such an argument |
/// | `cache = self.cache.clone()` | which cache | the scope's, else the installed one |
/// | `returns = value`, `returns = result` | how the return type is read | by its type: of a `Result` the `Ok` is cached |
/// | `crate = ::my::path` | where the runtime lives | `::cached_runtime` |
///
/// # Keys
///
/// `<name>` stands for an argument, or for a name that a pattern binds; fields, tuple indices and getters may follow:
/// `<user.id>`, `<pair.0>`, `<page.number()>`, `<self.tenant>`. `<filter|hash>` writes a hash of any serializable
/// value. `<<` and `>>` are literal brackets. Braces are text, since Redis Cluster gives them a meaning.
///
/// # Batches
///
/// ```ignore
/// #[cached(key = "user:<id>", ttl = 3600, mutex, each = id in ids, skip(pool))]
/// pub async fn find_users(pool: &SqlitePool, ids: &[i64]) -> Result<HashMap<i64, User>, sqlx::Error> {
///     // `ids` are those that were not cached.
/// }
/// ```
///
/// `id` is a new name, for the key; `ids` is an argument: `&[Id]`, `&Vec<Id>` or `Vec<Id>`. All keys are asked for in one
/// round trip, the body is called once with the ids that are missing, in order, and each value is stored under its own
/// key, where the function for a single id finds it. What comes back is a `HashMap<Id, T>`, a `BTreeMap<Id, T>`, a
/// `Vec<Option<T>>` (one for each id, in order) or, with `by`, a `Vec<T>` in the order of the ids; it does not depend on
/// what was cached, and the body need not be called at all.
///
/// Another call may be loading some of the ids. A batch loads its own first, and then waits for those; where that load
/// fails, the body runs once more. So arguments that are neither references nor ids have to be `Clone`.
///
/// # Freshness
///
/// A value that is past its ttl and not past `stale`, or that `early` picks before its end, is *due*: one caller, in all
/// processes, loads it anew, and everybody else is served what is there. What was invalidated meanwhile stays so: the new
/// value replaces nothing but the one that was read. Where the load fails the old value is served, to that caller too,
/// and nobody tries again for a moment (the lease, at most a second). While a first value is being loaded there is no
/// older one: who waits for it waits, and `on_timeout = stale` serves only what came in the meantime.
///
/// `early` is XFetch: each call draws, the likelier the nearer the end and the longer the load took, and `early = 2.0`
/// begins twice as early. Never before 80 % of the ttl; and without `stale` never so late that the load would not be
/// done in time. A key that is read rarely is not kept alive by this.
///
/// With `refresh = background` the load is a task on the caller's runtime (a blocking body: a thread of the cache's), and
/// has `load_timeout` to end. It outlives the call, so arguments are owned: `self: Arc<Self>`, `String`, a pool that was
/// cloned; and what it holds across an await is `Send`.
///
/// # Functions
///
/// `async fn`, blocking `fn`, and `fn` that returns `impl Future`, `Pin<Box<dyn Future>>` or a `BoxFuture` (which is
/// also what `#[async_trait]` makes of a method), free or in an `impl` or a trait, generic or not. Of a function that
/// returns a future, the future is polled on a miss only. What stands outside of it runs at the call, as ever, unless
/// the written type lets the future borrow the arguments (`BoxFuture<'_, T>`): then it runs on a miss too.
///
/// The attribute nearest to `fn` is the outermost layer of the call: `#[cached]` above `#[instrument]` makes a span
/// that covers hits, below it one that covers loads only.
#[proc_macro_attribute]
pub fn cached(options: TokenStream, item: TokenStream) -> TokenStream {
    annotated(Attribute::Cached, options.into(), item.into()).into()
}

/// Makes a function a write that readers notice: when it succeeded, the values under these keys and tags are gone.
///
/// ```ignore
/// #[invalidate(key = "user:<id>", key = "user:email:<result.email>", tag = "org:<org_id>")]
/// pub async fn rename(pool: &SqlitePool, org_id: i64, id: i64, name: &str) -> Result<User, sqlx::Error> {
///     sqlx::query_as("UPDATE …").bind(name).bind(id).fetch_one(pool).await
/// }
/// ```
///
/// It returns what the body returns. After an `Err` nothing is invalidated, and neither `?` nor an early `return` gets
/// around it after an `Ok`. An invalidation that cannot be delivered is logged, counted and tried again.
///
/// # Options
///
/// | option | meaning | when absent |
/// |---|---|---|
/// | `key = "user:<id>"`, `key = UserKey { id }`, repeatable | a key as its readers have it; places begin with an argument, with `self` or with `result` | at least one key or tag |
/// | `tag = "org:<org_id>"`, repeatable | every value with this tag | at least one key or tag |
/// | `two_phase` | also hides the value while the body runs, and if the process dies after its commit | the value is gone when the body is done |
/// | `after_commit` | waits for the `commit()` of `cache.transaction()` | compile error with a `Transaction` among the arguments |
/// | `when = expr` | invalidates only then | always |
/// | `cache = self.cache.clone()` | which cache | the scope's, else the installed one |
/// | `returns = value`, `returns = result` | how the return type is read | by its type: a `Result` that is an `Err` is a failure |
/// | `crate = ::my::path` | where the runtime lives | `::cached_runtime` |
///
/// `<result.email>` is of what the body returned: the `Ok`, and of an `Option` the `Some`; without one, that key is
/// left out. Arguments that no key names are nothing to worry about, and `key` may be written as often as there are
/// keys that became old.
#[proc_macro_attribute]
pub fn invalidate(options: TokenStream, item: TokenStream) -> TokenStream {
    annotated(Attribute::Invalidate, options.into(), item.into()).into()
}

/// Makes a function a write into database and cache together: what it returned, or `value`, is there for readers.
///
/// ```ignore
/// #[write_through(key = "user:<user.id>", ttl = 3600, value = user)]
/// pub async fn save(pool: &SqlitePool, user: &User) -> Result<(), sqlx::Error> {
///     sqlx::query("UPDATE …").bind(&user.name).bind(user.id).execute(pool).await.map(drop)
/// }
/// ```
///
/// The value is hidden while the body runs. Where two writes of one key overlap, nothing is stored: never the older
/// one. What is stored must be what a reader of the key would load; of a row with columns that the database fills,
/// return the row or write [`macro@invalidate`].
///
/// # Options
///
/// | option | meaning | when absent |
/// |---|---|---|
/// | `key = "user:<user.id>"`, `key = UserKey { id }` | the key as its readers have it; places begin with an argument or with `self` | compile error |
/// | `ttl = 3600`, `ttl = "1h30m"`, `ttl = never`, <code>ttl = \|v\| expr</code> | as in [`macro@cached`]; the closure takes what was returned | compile error |
/// | `value = user` | what is stored, made of arguments and borrowed before the body runs | what is returned |
/// | `tag = "org:<org_id>"`, repeatable | the tags of the value, all that its readers have: they take no value without | none |
/// | `none_ttl`, `version`, `jitter`, `load_timeout`, `unless`, `when` | as in [`macro@cached`] | |
/// | `after_commit` | waits for the `commit()` of `cache.transaction()` | compile error with a `Transaction` among the arguments |
/// | `cache`, `returns`, `crate` | as in [`macro@cached`] | |
#[proc_macro_attribute]
pub fn write_through(options: TokenStream, item: TokenStream) -> TokenStream {
    annotated(Attribute::WriteThrough, options.into(), item.into()).into()
}

/// Makes a function a write that happens later: a call puts its values into the cache and into a queue, in one step, and
/// a worker calls the body with batches of what was queued.
///
/// ```ignore
/// #[write_behind(key = "user:<user.id>", each = user in users, ttl = 3600, max_batch = 500, linger = "50ms", skip(pool))]
/// pub async fn save_users(pool: SqlitePool, users: Vec<User>) -> Result<(), sqlx::Error> {
///     // One statement for all of them, which may write a row that is already there: `INSERT … ON CONFLICT DO UPDATE`.
/// }
///
/// let worker = save_users_worker(pool.clone()).spawn().await?; // in this process, or in any other
/// save_users(pool, vec![user]).await?;                         // returns when the store has acknowledged it
/// worker.shutdown(Duration::from_secs(10)).await;
/// ```
///
/// Readers of the key see the new value at once. The body has the writes of one key in their order, from any number of
/// processes, at least once each, and of several in one batch the last. It runs in the call itself where nothing can be
/// queued: without a cache or while its store is away, with `when = false`, inside of `cache.transaction()`, and where
/// the queue is full.
///
/// Beside the function stands another one, with `_worker` behind its name, that takes the skipped arguments. A method
/// takes `&self` or `self: Arc<Self>`, and what it stands on is `Clone + Send + Sync + 'static`. In a trait there is no
/// room for that other function: annotate a method of the type itself, and call it from there.
///
/// # Options
///
/// | option | meaning | when absent |
/// |---|---|---|
/// | `each = user in users` | the argument with the values, a `Vec<T>`, and what one of them is called | compile error |
/// | `key = "user:<user.id>"`, `key = UserKey { id: user.id }` | the key as readers have it, made of the value alone | compile error |
/// | `ttl = 3600`, `ttl = "1h30m"`, `ttl = never`, <code>ttl = \|v\| expr</code> | as in [`macro@cached`], once it is written; until then the value stays | compile error |
/// | `skip(pool)` | the arguments that the worker has its own of: all but the values | compile error |
/// | `max_batch = 500` | how many values the body is called with at most | `500` |
/// | `linger = "50ms"` | how long a value waits for others | `50ms` |
/// | `queue = "users"` | the queue's name, which no other function has | the function's path |
/// | `coalesce = off` | the body has all writes of a key, not the last of a batch | the last one |
/// | `on_full = error`, `on_full = write_through` | what a call does when the queue is full; an error needs `E: From<cached_runtime::Error>` | the body runs in the call |
/// | `high_water = 100000` | when it is full | `100000` |
/// | `retries = 3` | how often a batch is tried again before it is split to find the values that fail by themselves, which are put aside | `3` |
/// | `accept_loss` | also queue in a server that may lose what it acknowledged | the worker refuses such a server |
/// | `tag = "org:<user.org>"`, repeatable | the tags of the value, all that its readers have | none |
/// | `version`, `jitter` | as in [`macro@cached`] | |
/// | `when = expr` | queue only then; else the body runs in the call | always |
/// | `cache`, `crate` | as in [`macro@cached`]; the cache is asked for by the worker too | |
#[proc_macro_attribute]
pub fn write_behind(options: TokenStream, item: TokenStream) -> TokenStream {
    annotated(Attribute::WriteBehind, options.into(), item.into()).into()
}

/// Lets a struct with one field stand in a key, written as the field is.
///
/// ```ignore
/// #[derive(KeyPart)]
/// struct UserId(i64);
/// ```
///
/// `#[key_part(crate = ::my::path)]` says where the runtime lives, if not at `::cached_runtime`.
#[proc_macro_derive(KeyPart, attributes(key_part))]
pub fn key_part(item: TokenStream) -> TokenStream {
    key_part_newtype(item.into()).into()
}

/// Makes a struct a key, with its template and the type of the value under it in one place for readers and writers.
///
/// ```ignore
/// #[derive(CacheKey)]
/// #[cache_key("user:<id>", value = User)]
/// struct UserKey {
///     id: i64,
/// }
///
/// #[cached(key = UserKey { id }, ttl = 3600)]
/// async fn find(id: i64) -> Option<User> {
///     load(id).await
/// }
///
/// let user: Option<User> = cache.get(&UserKey { id: 42 }).await;
/// ```
///
/// Every field is in the template. `#[cache_key(…, crate = ::my::path)]` says where the runtime lives, if not at
/// `::cached_runtime`.
#[proc_macro_derive(CacheKey, attributes(cache_key))]
pub fn cache_key(item: TokenStream) -> TokenStream {
    cache_key_struct(item.into()).into()
}

/// Says what serde reads and writes of a struct or an enum, field types included, so that entries tell by which schema
/// they were written.
///
/// ```ignore
/// #[derive(Serialize, Deserialize, CacheSchema)]
/// #[serde(rename_all = "camelCase")]
/// struct User {
///     id: i64,
///     #[serde(default)]
///     phone_numbers: Vec<String>,
///     #[cache_schema(opaque)]
///     balance: Decimal,
/// }
/// ```
///
/// Field types are `CacheSchema` themselves: those of the standard library are, and of `Uuid`, dates and times (features).
/// Of a field that is `opaque` only the type's written name counts; so it does with serde's `with`. What changes neither
/// text nor order of what is written (`bound`, `crate`, a skipped field) does not count.
///
/// `#[cache_schema(crate = ::my::path)]` says where the runtime lives, if not at `::cached_runtime`.
#[proc_macro_derive(CacheSchema, attributes(cache_schema))]
pub fn cache_schema(item: TokenStream) -> TokenStream {
    cache_schema_type(item.into()).into()
}

/// What `key!` of the runtime calls.
#[doc(hidden)]
#[proc_macro]
pub fn key_impl(input: TokenStream) -> TokenStream {
    key_in_code(input.into()).into()
}

fn annotated(
    attribute: Attribute,
    options: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(attribute, options, &mut errors);
    let checked = match Annotated::parse(item.clone()) {
        Ok(annotated) => check::check(&args, annotated, &mut errors),
        Err(error) => {
            errors.push(error);
            None
        }
    };
    match (checked, errors.finish()) {
        (Some(checked), None) => expand::function(&args, &checked),
        (_, Some(error)) => expand::failure(&item, args.runtime.as_ref(), &error),
        // No rule leaves a function without a template and without an error.
        (None, None) => item,
    }
}

fn key_part_newtype(item: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut errors = Errors::default();
    let newtype = Newtype::parse(item, &mut errors);
    let mut tokens = newtype.as_ref().map(expand::key_part).unwrap_or_default();
    tokens.extend(errors.finish().map(|error| error.to_compile_error()));
    tokens
}

fn cache_key_struct(item: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut errors = Errors::default();
    let key = CacheKey::parse(item, &mut errors);
    let mut tokens = key.as_ref().map(expand::cache_key).unwrap_or_default();
    tokens.extend(errors.finish().map(|error| error.to_compile_error()));
    tokens
}

fn cache_schema_type(item: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut errors = Errors::default();
    let schema = Schema::parse(item, &mut errors);
    let mut tokens = schema.as_ref().map(expand::cache_schema).unwrap_or_default();
    tokens.extend(errors.finish().map(|error| error.to_compile_error()));
    tokens
}

fn key_in_code(input: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let parser = |input: ParseStream| {
        let runtime: syn::Path = input.parse()?;
        input.parse::<syn::Token![,]>()?;
        let template: syn::LitStr = input
            .parse()
            .map_err(|error| syn::Error::new(error.span(), "a key is a string literal; write `key!(\"user:<id>\")`"))?;
        input.parse::<Option<syn::Token![,]>>()?;
        Ok((runtime, template))
    };
    let (runtime, literal) = match parser.parse2(input) {
        Ok(parts) => parts,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let template = check::template_in_code(&literal, &mut errors);
    match errors.finish() {
        Some(error) => error.to_compile_error(),
        None => expand::key_in_code(&runtime, &literal, &template),
    }
}
