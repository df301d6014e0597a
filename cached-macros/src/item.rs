//! What the attribute was put on: the annotated function → [`AnnotatedFn`]. Its body stays the tokens that it is, so
//! half-typed bodies and syntax of tomorrow pass through.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, Ident, LitStr, Pat, PatType, ReceiverKind, Signature, Token, Type, Visibility, token};

use crate::output::{self, Shape};

pub(crate) enum Annotated {
    Function(Box<AnnotatedFn>),
    /// A method that a trait only declares; the span is that of its `;`.
    Bodiless(Span),
    /// Something that is no function: the keyword that says what.
    Other(TokenTree),
}

pub(crate) struct AnnotatedFn {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    /// `default fn`, where specialization is on.
    pub(crate) defaultness: Option<Token![default]>,
    pub(crate) sig: Signature,
    /// `#![…]` at the head of the body.
    pub(crate) inner_attrs: Vec<Attribute>,
    /// The braces and what is in them, never parsed.
    pub(crate) body: Group,
    pub(crate) shape: Shape,
    /// What a call ends up with: the return type, or the output of the future that it is. `None`: nothing is written.
    pub(crate) value: Option<Type>,
    pub(crate) bindings: Vec<Binding>,
    /// Patterns whose names cannot be seen.
    pub(crate) opaque: Vec<Pat>,
}

/// A name that an argument brings into the body.
pub(crate) struct Binding {
    pub(crate) ident: Ident,
    /// The argument's conditions: what is written for it stands under the same.
    pub(crate) cfgs: Vec<Attribute>,
    /// The type of the argument, if this name is all of it.
    pub(crate) ty: Option<Type>,
    /// The argument is the handle of a transaction.
    pub(crate) transaction: bool,
    /// A name that `#[async_trait]` made up for an argument that is a pattern.
    pub(crate) made_up: bool,
}

impl Binding {
    /// Its name, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }
}

impl Annotated {
    pub(crate) fn parse(item: TokenStream) -> syn::Result<Annotated> {
        parse.parse2(item)
    }
}

impl AnnotatedFn {
    /// Whether an argument is the handle of a transaction.
    pub(crate) fn in_transaction(&self) -> bool {
        self.bindings.iter().any(|binding| binding.transaction)
    }

    /// `&self`, `&mut self`, `self: &Self`
    pub(crate) fn borrows_self(&self) -> bool {
        self.sig.receiver().is_some_and(|receiver| match &receiver.kind {
            ReceiverKind::Reference(..) => true,
            ReceiverKind::Typed(_, ty) => matches!(output::bare(ty), Type::Reference(_)),
            _ => false,
        })
    }

    /// Whether `self` can be had as often as one likes: it is `&self`, or there is none.
    pub(crate) fn shares_self(&self) -> bool {
        self.sig.receiver().is_none_or(|receiver| match &receiver.kind {
            ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
            ReceiverKind::Typed(_, ty) => {
                matches!(output::bare(ty), Type::Reference(reference) if reference.mutability.is_none())
            }
            _ => false,
        })
    }

    /// The receiver's own `self`: it has the hygiene that another one lacks.
    pub(crate) fn receiver(&self) -> Option<&Token![self]> {
        self.sig.receiver().map(|receiver| &receiver.self_token)
    }
}

fn parse(input: ParseStream) -> syn::Result<Annotated> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis = input.parse()?;
    if !is_function(input) {
        let word = input.parse()?;
        input.parse::<TokenStream>()?;
        return Ok(Annotated::Other(word));
    }
    let defaultness = input.parse()?;
    let sig: Signature = input.parse()?;
    if input.peek(Token![;]) {
        let semicolon: Token![;] = input.parse()?;
        return Ok(Annotated::Bodiless(semicolon.span));
    }
    let body = body(input)?;
    let parts = |input: ParseStream| Ok((input.call(Attribute::parse_inner)?, input.parse::<TokenStream>()?));
    let (inner_attrs, statements) = parts.parse2(body.stream())?;
    let mut braces = Group::new(Delimiter::Brace, statements);
    braces.set_span(body.span());

    let (shape, value) = output::read(&sig);
    let mut names = Names { sig: &sig, body: &braces, bindings: Vec::new(), opaque: Vec::new() };
    names.collect();
    let Names { bindings, opaque, .. } = names;
    Ok(Annotated::Function(Box::new(AnnotatedFn {
        attrs,
        vis,
        defaultness,
        inner_attrs,
        body: braces,
        shape,
        value,
        bindings,
        opaque,
        sig,
    })))
}

/// Whether `fn` follows, behind the words that may stand before it.
fn is_function(input: ParseStream) -> bool {
    let ahead = input.fork();
    loop {
        if ahead.peek(Token![fn]) {
            return true;
        }
        let word = ahead.call(Ident::parse_any).map(|word| word.to_string());
        match word.as_deref() {
            Ok("const" | "async" | "unsafe" | "safe" | "default" | "gen") => {}
            // The name of the ABI may be absent.
            Ok("extern") => drop(ahead.parse::<LitStr>()),
            _ => return false,
        }
    }
}

fn body(input: ParseStream) -> syn::Result<Group> {
    if !input.peek(token::Brace) {
        return Err(input.error("expected the body of the function"));
    }
    input.parse()
}

struct Names<'a> {
    sig: &'a Signature,
    body: &'a Group,
    bindings: Vec<Binding>,
    opaque: Vec<Pat>,
}

impl Names<'_> {
    fn collect(&mut self) {
        for input in &self.sig.inputs {
            if let FnArg::Typed(argument) = input {
                self.pattern(&argument.pat, argument, true);
            }
        }
    }

    /// `whole`: the pattern is the argument itself, not a part of it.
    fn pattern(&mut self, pattern: &Pat, argument: &PatType, whole: bool) {
        match pattern {
            Pat::Ident(name) => {
                let made_up = self.is_made_up(&name.ident);
                if !made_up || self.uses_of(&name.ident, self.body.stream()) > 2 {
                    self.bindings.push(Binding {
                        ident: name.ident.clone(),
                        cfgs: argument.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect(),
                        ty: whole.then(|| (*argument.ty).clone()),
                        transaction: is_transaction(&argument.ty),
                        made_up,
                    });
                }
                if let Some((_, inner)) = &name.subpat {
                    self.pattern(inner, argument, false);
                }
            }
            Pat::Or(or) => {
                // Every case binds the same names.
                if let Some(case) = or.cases.first() {
                    self.pattern(case, argument, false);
                }
            }
            Pat::Paren(paren) => self.pattern(&paren.pat, argument, whole),
            Pat::Reference(reference) => self.pattern(&reference.pat, argument, false),
            Pat::Slice(slice) => self.patterns(&slice.elems, argument),
            Pat::Struct(fields) => {
                for field in &fields.fields {
                    self.pattern(&field.pat, argument, false);
                }
            }
            Pat::Tuple(tuple) => self.patterns(&tuple.elems, argument),
            Pat::TupleStruct(tuple) => self.patterns(&tuple.elems, argument),
            Pat::Type(typed) => self.pattern(&typed.pat, argument, false),
            Pat::Macro(_) | Pat::Verbatim(_) => self.opaque.push(pattern.clone()),
            _ => {}
        }
    }

    fn patterns(&mut self, patterns: &Punctuated<Pat, Token![,]>, argument: &PatType) {
        for pattern in patterns {
            self.pattern(pattern, argument, false);
        }
    }

    /// `#[async_trait]` names an argument that is a pattern `__arg1`, and takes it apart inside of the body.
    fn is_made_up(&self, ident: &Ident) -> bool {
        let text = ident.to_string();
        let number = text.strip_prefix("__arg");
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
            && self.sig.generics.lifetimes().any(|param| param.lifetime.ident == "async_trait")
    }

    /// For the pattern `_` it writes `let __arg1 = __arg1;` and no more: two uses.
    fn uses_of(&self, ident: &Ident, tokens: TokenStream) -> usize {
        tokens
            .into_iter()
            .map(|token| match token {
                TokenTree::Group(group) => self.uses_of(ident, group.stream()),
                TokenTree::Ident(other) => usize::from(other == *ident),
                _ => 0,
            })
            .sum()
    }
}

/// By the name of the type, behind references: `&mut Transaction<'_, Sqlite>`, `&mut PgTransaction<'_>`, and the
/// runtime's own `&mut CacheTx<'_, Sqlite>`.
fn is_transaction(ty: &Type) -> bool {
    match output::bare(ty) {
        Type::Reference(reference) => is_transaction(&reference.elem),
        other => output::last_segment(other)
            .is_some_and(|segment| segment.ident == "CacheTx" || segment.ident.to_string().contains("Transaction")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Annotated, AnnotatedFn};

    fn function(text: &str) -> Box<AnnotatedFn> {
        match Annotated::parse(text.parse().unwrap()) {
            Ok(Annotated::Function(function)) => function,
            Ok(_) => panic!("not a function: {text}"),
            Err(error) => panic!("{error}: {text}"),
        }
    }

    #[test]
    fn bindings() {
        for (inputs, expected) in [
            ("", ""),
            ("&self, id: i64", "id"),
            ("mut id: i64, _: u8, _x: u8", "id _x"),
            ("(a, b): (u8, u8)", "a b"),
            ("Page { number, size: width, .. }: Page", "number width"),
            ("Id(id): Id, [x, .., y]: [u8; 4]", "id x y"),
            ("whole @ Id(id): Id", "whole id"),
            ("&id: &u8, r#type: u8", "id type"),
            ("(A(x) | B(x)): Either", "x"),
        ] {
            let function = function(&format!("fn f({inputs}) -> u8 {{ 0 }}"));
            let names: Vec<String> = function.bindings.iter().map(super::Binding::name).collect();
            assert_eq!(names.join(" "), expected, "{inputs}");
        }
    }

    #[test]
    fn arguments_made_up_by_async_trait() {
        let taken_apart = "{ Box::pin(async move { let (a, b) = { let __arg1 = __arg1; __arg1 }; a }) }";
        let ignored = "{ Box::pin(async move { let __arg1 = __arg1; 0 }) }";
        for (generics, body, expected) in
            [("<'async_trait>", taken_apart, 1), ("<'async_trait>", ignored, 0), ("", ignored, 1)]
        {
            let function = function(&format!("fn f{generics}(&self, __arg1: (u8, u8)) -> u8 {body}"));
            assert_eq!(function.bindings.len(), expected, "{generics} {body}");
        }
    }

    #[test]
    fn transactions() {
        for (ty, expected) in [
            ("&mut Transaction<'_, Sqlite>", true),
            ("&mut sqlx::PgTransaction<'_>", true),
            ("&DatabaseTransaction", true),
            ("&mut CacheTx<'_, Sqlite>", true),
            ("&SqlitePool", false),
            ("Vec<Transaction>", false),
        ] {
            let function = function(&format!("fn f(tx: {ty}) -> u8 {{ 0 }}"));
            assert_eq!(function.bindings[0].transaction, expected, "{ty}");
        }
    }

    #[test]
    fn what_is_no_function() {
        for (item, word) in [
            ("pub struct User;", "struct"),
            ("#[derive(Clone)] pub(crate) enum E {}", "enum"),
            ("impl User {}", "impl"),
            ("unsafe impl Send for User {}", "unsafe"),
            ("const N: u8 = 0;", "const"),
            ("extern \"C\" {}", "extern"),
        ] {
            let Ok(Annotated::Other(found)) = Annotated::parse(item.parse().unwrap()) else { panic!("{item}") };
            assert_eq!(found.to_string(), word);
        }
        assert!(matches!(Annotated::parse("fn f(&self) -> u8;".parse().unwrap()), Ok(Annotated::Bodiless(_))));
        assert!(matches!(
            Annotated::parse("pub unsafe extern \"C\" fn f() -> u8 { }".parse().unwrap()),
            Ok(Annotated::Function(_))
        ));
    }
}
