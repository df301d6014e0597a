//! Inside of macros, as well as it goes: what `macro_rules!` writes, and what other macros are given.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{Block, Expr, File, ImplItem, Token};

use super::Scan;

impl Scan<'_> {
    /// Tokens that may be items, statements, what stands in an `impl`, or arguments.
    pub(super) fn tokens(&mut self, tokens: TokenStream) {
        if tokens.is_empty() || !mentions(&tokens) {
            return;
        }
        if let Ok(file) = syn::parse2::<File>(tokens.clone()) {
            return self.visit_file(&file);
        }
        let braced = TokenStream::from(TokenTree::Group(Group::new(Delimiter::Brace, tokens.clone())));
        if let Ok(block) = syn::parse2::<Block>(braced) {
            return self.visit_block(&block);
        }
        let methods = |input: syn::parse::ParseStream| {
            let mut methods = Vec::new();
            while !input.is_empty() {
                methods.push(input.parse::<ImplItem>()?);
            }
            Ok(methods)
        };
        if let Ok(methods) = methods.parse2(tokens.clone()) {
            return methods.iter().for_each(|method| self.visit_impl_item(method));
        }
        if let Ok(arguments) = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone()) {
            return arguments.iter().for_each(|argument| self.visit_expr(argument));
        }
        // Words of the macro's own between expressions: `select! { a = f() => { … } }`.
        for piece in pieces(tokens) {
            if let Ok(expr) = syn::parse2::<Expr>(piece.clone()) {
                self.visit_expr(&expr);
                continue;
            }
            for token in piece {
                if let TokenTree::Group(group) = token {
                    self.tokens(group.stream());
                }
            }
        }
    }
}

/// Whether anything of ours may be in it: most macros are none of our business.
fn mentions(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions(&group.stream()),
        TokenTree::Ident(word) => matches!(
            word.to_string().as_str(),
            "cached"
                | "invalidate"
                | "invalidate_tag"
                | "write_through"
                | "write_behind"
                | "CacheKey"
                | "get_or_load"
                | "put"
                | "key"
        ),
        _ => false,
    })
}

/// What stands between `,`, `;`, `=` and `=>`.
fn pieces(tokens: TokenStream) -> Vec<TokenStream> {
    let mut pieces = vec![TokenStream::new()];
    for token in tokens {
        match &token {
            TokenTree::Punct(mark) if matches!(mark.as_char(), ',' | ';' | '=' | '>') => {
                pieces.push(TokenStream::new())
            }
            _ => {
                if let Some(piece) = pieces.last_mut() {
                    piece.extend([token]);
                }
            }
        }
    }
    pieces
}

/// What a `macro_rules!` writes, with its variables as plain names.
pub fn rules(tokens: &TokenStream) -> Vec<TokenStream> {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let is = |at: usize, letter| matches!(&tokens[at], TokenTree::Punct(mark) if mark.as_char() == letter);
    let arrow = |at: usize| is(at, '=') && is(at + 1, '>');
    let written = (2..tokens.len()).filter(|at| arrow(at - 2));
    written
        .filter_map(|at| match &tokens[at] {
            TokenTree::Group(group) => Some(plain(group.stream())),
            _ => None,
        })
        .collect()
}

/// `$name` → `name`, `$crate` → `crate`, `$( … ),*` → what is in it.
fn plain(tokens: TokenStream) -> TokenStream {
    let mut written = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '$' => match tokens.next() {
                Some(TokenTree::Group(group)) => {
                    written.extend(plain(group.stream()));
                    // The separator, if there is one, and how often.
                    for _ in 0..2 {
                        let Some(TokenTree::Punct(mark)) = tokens.peek() else { break };
                        let repeat = matches!(mark.as_char(), '*' | '+' | '?');
                        tokens.next();
                        if repeat {
                            break;
                        }
                    }
                }
                Some(word) => written.extend([word]),
                None => {}
            },
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), plain(group.stream()));
                inner.set_span(group.span());
                written.extend([TokenTree::Group(inner)]);
            }
            token => written.extend([token]),
        }
    }
    written
}
