//! `local`, `local = "5s"`.

use proc_macro2::Span;
use syn::parse::ParseStream;
use syn::{Ident, Token};

use super::{Time, assigned, bare, value};

/// Values are also kept in the process, decoded.
#[derive(Clone, Copy)]
pub(crate) struct Local {
    pub(crate) span: Span,
    /// At most so long.
    pub(crate) at_most: Option<Time>,
}

impl Local {
    pub(super) fn parse(name: &Ident, input: ParseStream) -> syn::Result<Local> {
        if !input.peek(Token![=]) {
            return Ok(Local { span: bare(name, input)?, at_most: None });
        }
        let at_most = value::time("local", assigned(name, "local = \"5s\"", input)?)?;
        Ok(Local { span: name.span(), at_most: Some(at_most) })
    }
}
