//! The value of each option: which expressions it takes, and what to write instead of the others.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, ExprClosure, ExprLit, Ident, Lit, LitInt, LitStr, Path, UnOp};

use super::{Returns, Time, Ttl, Written, duration};
use crate::errors::without_spaces;

pub(super) fn error<T>(on: &Expr, message: impl std::fmt::Display) -> syn::Result<T> {
    Err(syn::Error::new_spanned(on, message))
}

/// A value that comes through a `macro_rules!` variable stands in an invisible group.
pub(crate) fn ungrouped(mut expr: Expr) -> Expr {
    while let Expr::Group(group) = expr {
        expr = *group.expr;
    }
    expr
}

pub(super) fn literal(expr: &Expr) -> Option<&Lit> {
    match expr {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}

pub(super) fn word(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    }
}

fn negative(expr: &Expr) -> bool {
    matches!(expr, Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) && literal(&unary.expr).is_some())
}

pub(super) fn key(expr: Expr) -> syn::Result<Written> {
    match &expr {
        Expr::Lit(ExprLit { lit: Lit::Str(template), .. }) => Ok(Written::Template(template.clone())),
        Expr::Struct(_) => Ok(Written::Typed(expr)),
        Expr::Path(path) if path.path.segments.last().is_some_and(|segment| names_a_type(&segment.ident)) => {
            Ok(Written::Typed(expr))
        }
        Expr::Macro(_) => {
            error(&expr, "the key is a template, not a macro; write the arguments into it: `key = \"user:<id>\"`")
        }
        Expr::Array(_) | Expr::Tuple(_) => error(
            &expr,
            "several keys are several options, for `#[invalidate]` only; write `key = \"user:<id>\", key = \
             \"users\"`",
        ),
        Expr::Call(_) => error(
            &expr,
            "a key is not called: a typed key has named fields, `key = UserKey { id }`, and a template is a string \
             literal, `key = \"user:<id>\"`",
        ),
        _ => error(
            &expr,
            "the key is a string literal or a typed key; write `key = \"user:<id>\"` or `key = UserKey { id }`",
        ),
    }
}

/// A unit struct, not a constant or an argument: `AllUsers`, neither `KEY` nor `key`.
fn names_a_type(ident: &Ident) -> bool {
    let name = ident.unraw().to_string();
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
}

pub(super) fn tag(expr: Expr) -> syn::Result<LitStr> {
    match &expr {
        Expr::Lit(ExprLit { lit: Lit::Str(template), .. }) => Ok(template.clone()),
        Expr::Struct(_) => {
            error(&expr, "a tag has no value, and so no typed key; write a template: `tag = \"org:<org_id>\"`")
        }
        Expr::Macro(_) => {
            error(&expr, "a tag is a template, not a macro; write the arguments into it: `tag = \"org:<org_id>\"`")
        }
        Expr::Array(_) | Expr::Tuple(_) => {
            error(&expr, "several tags are several options; write `tag = \"org:<org_id>\", tag = \"users\"`")
        }
        _ => error(&expr, "a tag is a string literal; write `tag = \"org:<org_id>\"`"),
    }
}

/// What `#[write_through]` stores.
pub(super) fn stored(expr: Expr) -> syn::Result<Expr> {
    match expr {
        Expr::Closure(closure) => error(
            &Expr::Closure(closure),
            "`value` is made of arguments, before there is a result; write `value = user`, or leave it out to store \
             what is returned",
        ),
        // It is borrowed anyway.
        Expr::Reference(reference) => Ok(*reference.expr),
        expr => Ok(expr),
    }
}

pub(super) fn ttl(expr: Expr) -> syn::Result<Ttl> {
    if let Expr::Closure(closure) = expr {
        return of_the_value("ttl", closure).map(Ttl::PerValue);
    }
    if word(&expr).as_deref() == Some("never") {
        return Ok(Ttl::Never);
    }
    if let Some(Lit::Str(text)) = literal(&expr)
        && text.value() == "never"
    {
        return error(&expr, "`never` is a word, not a text; write `ttl = never`");
    }
    if literal(&expr).is_none() && !negative(&expr) {
        return error(
            &expr,
            "`ttl` takes seconds, a text, `never` or a closure; for a constant write `ttl = |_| EXPR`",
        );
    }
    let time = time_or_zero("ttl", &expr)?;
    if time.millis == 0 {
        return error(&expr, "a `ttl` of zero caches nothing; write at least `ttl = 1`, or `ttl = \"1ms\"`");
    }
    Ok(Ttl::Fixed(time))
}

/// A fixed duration that is not zero.
pub(super) fn time(option: &str, expr: Expr) -> syn::Result<Time> {
    let time = time_or_zero(option, &expr)?;
    if time.millis == 0 {
        let instead = match option {
            "none_ttl" => "leave `none_ttl` out to not cache `None`",
            "error_ttl" => "leave `error_ttl` out to not remember errors",
            "stale" => "leave `stale` out to serve nothing past its ttl",
            "wait" => "leave `mutex` out to not wait",
            _ => "write how long it may be, such as \"2s\"",
        };
        return error(&expr, format!("`{option}` is zero; {instead}"));
    }
    Ok(time)
}

/// A fixed duration.
pub(super) fn time_or_zero(option: &str, expr: &Expr) -> syn::Result<Time> {
    let millis = match literal(expr) {
        Some(Lit::Int(int)) => seconds(option, int),
        Some(Lit::Str(text)) => duration::text(&text.value()),
        Some(Lit::Float(_)) => Err(format!("`{option}` takes whole seconds; write a text: `{option} = \"1500ms\"`")),
        _ if negative(expr) => Err(format!("`{option}` cannot be negative; write `{option} = 30` or \"30s\"")),
        _ => Err(format!("`{option}` takes seconds or a text; write `{option} = 30` or `{option} = \"30s\"`")),
    };
    match millis {
        Ok(millis) => Ok(Time { millis, span: expr.span() }),
        Err(message) => error(expr, message),
    }
}

fn seconds(option: &str, int: &LitInt) -> Result<u64, String> {
    if !integer_type(int.suffix()) {
        let text = int.to_string();
        return Err(format!("write the duration in quotes: `{option} = \"{}\"`", text.replace('_', "")));
    }
    match int.base10_parse() {
        Ok(seconds) => duration::seconds(seconds),
        Err(_) => duration::seconds(u64::MAX),
    }
}

fn integer_type(suffix: &str) -> bool {
    let bits = suffix.strip_prefix(['u', 'i']);
    suffix.is_empty() || bits.is_some_and(|bits| ["8", "16", "32", "64", "128", "size"].contains(&bits))
}

pub(super) fn version(expr: Expr) -> syn::Result<u32> {
    let number = match literal(&expr) {
        Some(Lit::Int(int)) => int.base10_parse::<u32>().ok(),
        _ => None,
    };
    match number {
        Some(number) if number > 0 => Ok(number),
        _ => error(&expr, "`version` counts from 1; write an integer such as `version = 2`"),
    }
}

pub(super) fn jitter(expr: Expr) -> syn::Result<f64> {
    let share = match literal(&expr) {
        Some(Lit::Float(float)) => float.base10_parse::<f64>().ok(),
        Some(Lit::Int(int)) => int.base10_parse::<f64>().ok(),
        _ => None,
    };
    match share {
        Some(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => error(&expr, "`jitter` is a share of the ttl, a literal from 0.0 to 1.0; write `jitter = 0.1`"),
    }
}

pub(super) fn unless(expr: Expr) -> syn::Result<ExprClosure> {
    match expr {
        Expr::Closure(closure) => of_the_value("unless", closure),
        other => error(
            &other,
            "`unless` takes a closure over the loaded value; write `unless = |value| expr`, or `when = expr` for a \
             condition on the arguments",
        ),
    }
}

pub(super) fn by(expr: Expr) -> syn::Result<ExprClosure> {
    match expr {
        Expr::Closure(closure) => of_the_value("by", closure),
        other => error(&other, "`by` takes a closure that gives a value's id; write `by = |value| value.id`"),
    }
}

fn of_the_value(option: &str, closure: ExprClosure) -> syn::Result<ExprClosure> {
    if closure.inputs.len() != 1 || closure.asyncness.is_some() {
        return Err(syn::Error::new_spanned(
            &closure,
            format!("this closure takes the loaded value and is not `async`; write `{option} = |value| expr`"),
        ));
    }
    Ok(closure)
}

pub(super) fn returns(expr: Expr) -> syn::Result<Returns> {
    match word(&expr).as_deref() {
        Some("value") => Ok(Returns::Value),
        Some("result") => Ok(Returns::Result),
        _ => error(
            &expr,
            "write `returns = result` (an `Ok` is cached) or `returns = value` (everything is); without it the type \
             decides",
        ),
    }
}

/// `Some` where it says `stale`.
pub(super) fn on_timeout(expr: Expr) -> syn::Result<Option<Span>> {
    match word(&expr).as_deref() {
        Some("load") => Ok(None),
        Some("stale") => Ok(Some(expr.span())),
        _ => error(&expr, "what to do after `wait` is a word; write `on_timeout = load` or `on_timeout = stale`"),
    }
}

/// Only a path that means the same in every module: the expansion does not know where it stands.
pub(crate) fn absolute(expr: Expr) -> syn::Result<Path> {
    let Expr::Path(path) = &expr else {
        return error(&expr, "`crate` takes a path without quotes; write `crate = ::my::path`");
    };
    let first = path.path.segments.first().map(|segment| segment.ident.to_string());
    let absolute = path.path.leading_colon.is_some() || matches!(first.as_deref(), Some("crate" | "$crate"));
    if absolute && path.qself.is_none() {
        return Ok(path.path.clone());
    }
    let written = without_spaces(&expr);
    error(&expr, format!("this path is not absolute; write `crate = ::{written}` or `crate = crate::{written}`"))
}
