//! `early`, `early = 1.0`, `early = off`, and `refresh = background`.

use proc_macro2::Span;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Expr, Ident, Lit, Token};

use super::{assigned, value};

/// Which values are loaded anew before their time to live is over.
#[derive(Clone, Copy)]
pub(crate) enum Early {
    /// All, this many times as early as the load takes.
    Beta(f64, Span),
    Off(Span),
}

impl Early {
    pub(super) fn parse(name: &Ident, input: ParseStream) -> syn::Result<Early> {
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(Early::Beta(1.0, name.span()));
        }
        let expr = assigned(name, "early = 1.0", input)?;
        if value::word(&expr).as_deref() == Some("off") {
            return Ok(Early::Off(expr.span()));
        }
        let beta = match value::literal(&expr) {
            Some(Lit::Float(float)) => float.base10_parse::<f64>().ok(),
            Some(Lit::Int(int)) => int.base10_parse::<f64>().ok(),
            _ => None,
        };
        match beta {
            Some(beta) if beta > 0.0 && beta.is_finite() => Ok(Early::Beta(beta, expr.span())),
            _ => value::error(
                &expr,
                "`early` is how many times as early as a load takes long, a literal over 0; write `early`, \
                 `early = 1.0`, or `early = off`",
            ),
        }
    }
}

/// `refresh = background`
pub(super) fn refresh(expr: Expr) -> syn::Result<Span> {
    match value::word(&expr).as_deref() {
        Some("background") => Ok(expr.span()),
        _ => value::error(
            &expr,
            "where a value is loaded anew is a word; write `refresh = background`, or leave it out to do it in the \
             call that finds it due",
        ),
    }
}
