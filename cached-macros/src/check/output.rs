//! Rules about the return type.

use quote::ToTokens;
use syn::Type;

use crate::args::{Args, Returns};
use crate::attribute::Attribute;
use crate::errors::Errors;
use crate::item::AnnotatedFn;
use crate::output::{self, Shape, Word};

use super::writer;

/// The rules build on each other: what is nothing cannot be borrowed.
pub(crate) fn check(function: &AnnotatedFn, args: &Args, errors: &mut Errors) {
    let Some(value) = &function.value else {
        match args.attribute {
            Attribute::Cached => errors.at(
                function.sig.ident.span(),
                "this function returns nothing that could be cached; write its return type",
            ),
            Attribute::WriteThrough if args.misses("value") => {
                errors.at(function.sig.ident.span(), nothing_to_store(function));
            }
            Attribute::WriteThrough | Attribute::Invalidate | Attribute::WriteBehind => {}
        }
        return;
    };
    let whole = args.returns == Some(Returns::Value);
    let cached = if whole { value } else { output::cached(value) };
    if !stored(args) {
        let _reported = never(value, errors) || unnamed(function, args, value, errors);
    } else if args.attribute.writes() && output::is_unit(cached) {
        errors.on(cached, nothing_to_store(function));
    } else {
        let _reported = nothing(value, errors) || unnamed(function, args, value, errors) || borrowed(cached, errors);
    }
}

/// Whether it is what is returned that goes into the cache.
fn stored(args: &Args) -> bool {
    match args.attribute {
        Attribute::Cached => true,
        Attribute::Invalidate | Attribute::WriteBehind => false,
        Attribute::WriteThrough => args.misses("value"),
    }
}

fn nothing_to_store(function: &AnnotatedFn) -> String {
    let argument = function.bindings.iter().rfind(|binding| !binding.transaction && !binding.made_up);
    let argument = match argument {
        Some(binding) => writer::owned(binding).unwrap_or_else(|| binding.ident.to_string()),
        None => "user".to_owned(),
    };
    format!("there is nothing to store: this function returns nothing; write `value = {argument}`, or return the value")
}

fn nothing(value: &Type, errors: &mut Errors) -> bool {
    let empty = output::is_unit(value) || matches!(value, Type::Never(_));
    if empty {
        errors.on(value, "this function returns nothing that could be cached; return the value");
    }
    empty
}

fn never(value: &Type, errors: &mut Errors) -> bool {
    let never = matches!(value, Type::Never(_));
    if never {
        errors.on(value, "this function never returns, and what follows its write would never happen; let it return");
    }
    never
}

/// A value is read back as the type that is written, so there must be one.
fn unnamed(function: &AnnotatedFn, args: &Args, value: &Type, errors: &mut Errors) -> bool {
    let Some(span) = output::words(value.to_token_stream()).into_iter().find_map(|word| match word {
        Word::Ident(ident, span) if ident == "impl" => Some(span),
        _ => None,
    }) else {
        return false;
    };
    let in_error = output::result_of(value)
        .is_some_and(|(ok, _)| !ok.to_token_stream().into_iter().any(|token| token.to_string() == "impl"));
    let message = match value {
        Type::ImplTrait(future) if future.to_token_stream().to_string().contains("Future") => {
            if function.shape == Shape::Async {
                "an `async fn` is a future already; write the type of the value instead"
            } else {
                "a future is cached by its output; write it: `impl Future<Output = …>`"
            }
        }
        _ if !stored(args) => "whether the write succeeded is told by this type; name it instead of `impl …`",
        _ if in_error => "a cached function has one error type; name the error type",
        _ => "a cached value has one type; name it instead of `impl …`",
    };
    errors.at(span, message);
    true
}

fn borrowed(cached: &Type, errors: &mut Errors) -> bool {
    for word in output::words(cached.to_token_stream()) {
        match word {
            Word::Reference(span) => {
                errors.at(
                    span,
                    "a cached value is read back from bytes, so nothing in it can be borrowed; return an owned value, \
                     such as `String` for `&str`",
                );
                return true;
            }
            Word::Lifetime(span) => {
                errors.at(
                    span,
                    "a cached value is read back from bytes, so it cannot live on a borrowed one; return an owned \
                     value (only `'static` may stand here)",
                );
                return true;
            }
            Word::Ident(..) | Word::PathSeparator | Word::Other => {}
        }
    }
    false
}
