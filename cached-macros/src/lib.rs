//! Implementation detail of the `cached-runtime` crate, which re-exports what is here: depend on that one.
//!
//! # Layout
//!
//! `args` reads the options and `item` the function they stand on; `template` reads keys; `output` knows return types.
//! `check` holds every rule about misuse, `errors` collects what they find. What passed goes to `expand`, the only
//! module that writes code. `newtype` is the derive's own small way through the same stations.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unreachable, clippy::unwrap_used)
)]

mod args;
mod check;
mod errors;
mod expand;
mod item;
mod newtype;
mod output;
mod template;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use syn::parse::{ParseStream, Parser};

use crate::args::Args;
use crate::errors::Errors;
use crate::item::Annotated;
use crate::newtype::Newtype;

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
/// | `key = "user:<id>"` | the template of the key, see below | compile error |
/// | `ttl = 3600`, `ttl = "1h30m"`, `ttl = never`, <code>ttl = \|v\| expr</code> | how long a value lives: seconds, text, or taken from the loaded value (seconds or a `Duration`; zero: not stored) | compile error |
/// | `mutex`, `mutex(lease = "2s", wait = "10s", on_timeout = load)` | one loader per key across all processes; the others wait for its result | callers of one process share a load |
/// | `skip(pool, ctx)` | arguments that the value does not depend on | every argument must be in the key or here |
/// | `none_ttl = "30s"` | also cache `None`, that long | `None` is not cached |
/// | `version = 2` | the schema version of the value; values of another one are misses | `1` |
/// | `when = expr` | use the cache only then | always |
/// | <code>unless = \|v\| expr</code> | do not store such a value | everything is stored |
/// | `jitter = 0.1` | shortens each ttl at random by up to this share | `0.05` |
/// | `load_timeout = "30s"` | a load longer than this loses its lease | `30s` |
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
    cached_function(options.into(), item.into()).into()
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

/// What `key!` of the runtime calls.
#[doc(hidden)]
#[proc_macro]
pub fn key_impl(input: TokenStream) -> TokenStream {
    key_in_code(input.into()).into()
}

fn cached_function(options: proc_macro2::TokenStream, item: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(options, &mut errors);
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
