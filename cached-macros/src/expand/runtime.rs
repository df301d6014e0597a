//! How generated tokens are spanned, and how they reach the runtime.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::Path;

/// A span for a generated token that stands at `at`. Its names are not the user's (nothing collides), errors show the
/// user's code, and lints know that nobody wrote it.
pub(crate) fn site(at: Span) -> Span {
    Span::mixed_site().located_at(at)
}

/// The one module that expansions name.
pub(crate) struct Runtime {
    path: Option<TokenStream>,
}

impl Runtime {
    /// `path`: where the crate lives, if not at `::cached_runtime`.
    pub(crate) fn new(path: Option<&Path>) -> Runtime {
        Runtime { path: path.map(ToTokens::to_token_stream) }
    }

    /// Its path, to be written at `at`: a call whose tokens stand in different places is shown as all of them.
    pub(crate) fn at(&self, at: Span) -> TokenStream {
        match &self.path {
            None => quote_spanned!(at=> ::cached_runtime::__private),
            Some(path) => {
                let path = moved(path.clone(), at);
                quote_spanned!(at=> #path::__private)
            }
        }
    }
}

/// The same tokens, shown elsewhere. What they resolve to (`$crate`, say) stays.
fn moved(tokens: TokenStream, at: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            if let TokenTree::Group(group) = &token {
                token = TokenTree::Group(Group::new(group.delimiter(), moved(group.stream(), at)));
            }
            token.set_span(token.span().located_at(at));
            token
        })
        .collect()
}
