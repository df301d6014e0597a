//! A key or a tag as it was written: a template, or the expression of a typed key.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Expr, LitStr};

use crate::template::Template;

pub(crate) enum Key {
    Template(LitStr, Template),
    /// `UserKey { id }`, `AllUsers`
    Typed(Expr),
}

impl Key {
    /// Whether it is written with this argument.
    pub(crate) fn names(&self, name: &str) -> bool {
        match self {
            Key::Template(_, template) => template.places().any(|place| place.root == name),
            Key::Typed(expr) => used(expr, name).is_some(),
        }
    }
}

/// Where an expression uses a variable. The names of fields and what is reached through a path are no variables, so
/// that in `UserKey { id: user.id }` an argument `id` is not found.
pub(crate) fn used(expr: &Expr, name: &str) -> Option<Ident> {
    used_in(expr.to_token_stream(), name)
}

fn used_in(tokens: TokenStream, name: &str) -> Option<Ident> {
    let mut tokens = tokens.into_iter().peekable();
    // The punctuation before a token: `.`, `..`, `::`.
    let mut before = String::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) => {
                before.push(mark.as_char());
                continue;
            }
            TokenTree::Group(group) => {
                if let Some(found) = used_in(group.stream(), name) {
                    return Some(found);
                }
            }
            TokenTree::Ident(ident) if ident.unraw() == name => {
                let field = before.ends_with('.') && !before.ends_with("..");
                let reached = field || before.ends_with("::");
                let mut ahead = tokens.clone();
                let colons = std::iter::from_fn(|| ahead.next_if(is_colon)).count();
                if !reached && colons == 0 {
                    return Some(ident);
                }
            }
            _ => {}
        }
        before.clear();
    }
    None
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() == ':')
}

#[cfg(test)]
mod tests {
    #[test]
    fn variables() {
        for (expr, expected) in [
            ("UserKey { id }", true),
            ("UserKey { user: id }", true),
            ("UserKey { user: id.0 }", true),
            ("UserKey { user: f(&id) }", true),
            ("UserKey { r#id }", true),
            ("UserKey { range: 0..id }", true),
            ("UserKey { range: -id }", true),
            ("UserKey { ..id }", true),
            ("UserKey { id: 1 }", false),
            ("UserKey { id: user.id }", false),
            ("UserKey { id: user.id() }", false),
            ("UserKey { id: user?.id }", false),
            ("UserKey { id: user::id }", false),
            ("UserKey { id: id::ZERO }", false),
            ("UserKey { id: Inner { id: 1 } }", false),
            ("AllUsers", false),
        ] {
            let parsed = syn::parse_str(expr).unwrap();
            assert_eq!(super::used(&parsed, "id").is_some(), expected, "{expr}");
        }
    }
}
