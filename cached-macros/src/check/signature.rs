//! Rules about what the attribute stands on.

use proc_macro2::{Span, TokenTree};

use crate::args::Args;
use crate::attribute::Attribute;
use crate::errors::Errors;
use crate::item::AnnotatedFn;

pub(crate) fn not_a_function(attribute: Attribute, word: &TokenTree, errors: &mut Errors) {
    let message = match word.to_string().as_str() {
        "impl" => format!("`{attribute}` goes on a function; annotate the methods of this `impl` one by one"),
        "trait" => format!(
            "`{attribute}` goes on a function; annotate methods that have a body, here or where the trait is \
             implemented"
        ),
        "mod" => format!("`{attribute}` goes on a function; annotate the functions of this module one by one"),
        _ if attribute.writes() => format!("`{attribute}` goes on a function that writes what is cached"),
        _ => format!("`{attribute}` goes on a function that returns what is to be cached"),
    };
    errors.at(word.span(), message);
}

pub(crate) fn without_body(attribute: Attribute, semicolon: Span, errors: &mut Errors) {
    let body = if attribute.writes() { "there is no body to run here" } else { "there is no body to cache here" };
    errors.at(
        semicolon,
        format!("{body}; write `{attribute}` where the trait is implemented, or give the method a body"),
    );
}

pub(crate) fn constant(function: &AnnotatedFn, errors: &mut Errors) {
    if let Some(constant) = &function.sig.constness {
        errors.at(constant.span, "a `const fn` cannot reach a cache; remove `const`, or the attribute");
    }
}

pub(crate) fn variadic(function: &AnnotatedFn, errors: &mut Errors) {
    if let Some(variadic) = &function.sig.variadic {
        errors.on(variadic.dots, "variadic arguments cannot be part of a key; write them out as arguments");
    }
}

/// A function writes as much as it likes, but reads once, and does not do both.
pub(crate) fn annotated_twice(function: &AnnotatedFn, args: &Args, errors: &mut Errors) {
    for attr in &function.attrs {
        let message = match (args.attribute.writes(), Attribute::of(attr, args.runtime.as_ref())) {
            (_, None) => continue,
            (false, Some(Attribute::Cached)) => "this function is cached twice; remove one of the two attributes",
            (true, Some(other)) if other.writes() => {
                if other != Attribute::WriteBehind || args.attribute == other {
                    continue;
                }
                "this function is written behind: its body runs after the call, when this has long been done; remove \
                 one of the two attributes"
            }
            _ => {
                "a reader is not a writer: on a hit its body does not run, and nothing would be written; remove one of \
                 the two attributes"
            }
        };
        errors.on(attr.path(), message);
    }
}

pub(crate) fn hidden_names(function: &AnnotatedFn, errors: &mut Errors) {
    for pattern in &function.opaque {
        errors
            .on(pattern, "the names in this pattern cannot be seen here; name the argument, and match it in the body");
    }
}
