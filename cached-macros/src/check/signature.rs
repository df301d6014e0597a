//! Rules about what the attribute stands on.

use proc_macro2::{Span, TokenTree};
use syn::{Attribute, Path};

use crate::args::Args;
use crate::errors::Errors;
use crate::item::CachedFn;

pub(crate) fn not_a_function(word: &TokenTree, errors: &mut Errors) {
    let message = match word.to_string().as_str() {
        "impl" => "`#[cached]` goes on a function; annotate the methods of this `impl` one by one".to_owned(),
        "trait" => "`#[cached]` goes on a function; annotate methods that have a body, here or where the trait is \
                    implemented"
            .to_owned(),
        "mod" => "`#[cached]` goes on a function; annotate the functions of this module one by one".to_owned(),
        _ => "`#[cached]` goes on a function that returns what is to be cached".to_owned(),
    };
    errors.at(word.span(), message);
}

pub(crate) fn without_body(semicolon: Span, errors: &mut Errors) {
    errors.at(
        semicolon,
        "there is no body to cache here; write `#[cached]` where the trait is implemented, or give the method a body",
    );
}

pub(crate) fn constant(function: &CachedFn, errors: &mut Errors) {
    if let Some(constant) = &function.sig.constness {
        errors.at(constant.span, "a `const fn` cannot reach a cache; remove `const`, or the attribute");
    }
}

pub(crate) fn variadic(function: &CachedFn, errors: &mut Errors) {
    if let Some(variadic) = &function.sig.variadic {
        errors.on(variadic.dots, "variadic arguments cannot be part of a key; write them out as arguments");
    }
}

pub(crate) fn cached_twice(function: &CachedFn, args: &Args, errors: &mut Errors) {
    for attr in &function.attrs {
        if is_cached(attr, args.runtime.as_ref()) {
            errors.on(attr.path(), "this function is cached twice; remove one of the two attributes");
        }
    }
}

/// Whether an attribute is this one, by the names it goes under.
pub(crate) fn is_cached(attr: &Attribute, runtime: Option<&Path>) -> bool {
    let path = attr.path();
    let mut segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    if segments.pop().as_deref() != Some("cached") {
        return false;
    }
    let module = |path: &Path| path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>();
    segments.is_empty()
        || segments == ["cached_runtime"]
        || segments == ["cached_macros"]
        || runtime.is_some_and(|runtime| segments == module(runtime))
}

pub(crate) fn hidden_names(function: &CachedFn, errors: &mut Errors) {
    for pattern in &function.opaque {
        errors
            .on(pattern, "the names in this pattern cannot be seen here; name the argument, and match it in the body");
    }
}
