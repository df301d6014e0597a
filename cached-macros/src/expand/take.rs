//! The arguments of a body that may run more than once.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::{Attribute, FnArg, Pat, Signature, Token, Type};

use crate::output;

use super::runtime::{Runtime, site};

/// A name that an argument binds.
struct Bound {
    ident: Ident,
    mutability: Option<Token![mut]>,
    /// `ref mut name`
    by_mut_ref: bool,
}

// Input:
//     fn find(mut limit: usize, conn: &mut Conn, pool: &Pool, Page { filter, .. }: Page, …)
// Output:
//     let mut limit = again(&limit);
//     let conn = &mut *conn;
//     let filter = again(&filter);
//
// All but the ids, which are others in each run. `known`: the names that are used already, in a key for example, and of
// which nobody needs to be told that the body does without them.
pub(super) fn arguments(sig: &Signature, ids: &Ident, known: impl Fn(&str) -> bool, runtime: &Runtime) -> TokenStream {
    let mut taken = TokenStream::new();
    for input in &sig.inputs {
        let FnArg::Typed(argument) = input else { continue };
        let whole = matches!(&*argument.pat, Pat::Ident(name) if name.subpat.is_none());
        let ty = Some(&*argument.ty).filter(|_| whole);
        let cfgs: Vec<&Attribute> = argument.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect();
        for bound in bound(&argument.pat) {
            let name = bound.ident.unraw();
            if name != ids.unraw() {
                taken.extend(one(&bound, ty, &cfgs, known(&name.to_string()), runtime));
            }
        }
    }
    taken
}

fn one(bound: &Bound, ty: Option<&Type>, cfgs: &[&Attribute], known: bool, runtime: &Runtime) -> Option<TokenStream> {
    let Bound { ident, mutability, by_mut_ref } = bound;
    let here = site(Span::call_site());
    let reference = match ty.map(output::bare) {
        Some(Type::Reference(reference)) => Some(reference.mutability.is_some()),
        _ => by_mut_ref.then_some(true),
    };
    let value = match reference {
        Some(true) => quote_spanned!(here=> &mut *#ident),
        Some(false) if mutability.is_none() => return None,
        Some(false) => quote_spanned!(here=> #ident),
        // The error about an argument that cannot be had twice stands at its type.
        None => {
            let at = site(ty.map_or_else(|| ident.span(), output::first_token));
            let rt = runtime.at(at);
            let mut argument = ident.clone();
            argument.set_span(ident.span().located_at(at));
            quote_spanned!(at=> #rt::again(&#argument))
        }
    };
    let used = known.then(|| used(ident, cfgs));
    Some(quote_spanned!(here=> #(#cfgs)* let #mutability #ident = #value; #used))
}

/// Keeps the compiler from warning of a name that the body does not use.
pub(super) fn used(ident: &Ident, cfgs: &[&Attribute]) -> TokenStream {
    let here = site(Span::call_site());
    quote_spanned!(here=> #(#cfgs)* { _ = &#ident; })
}

/// How the signature binds a name.
pub(super) fn mutability(sig: &Signature, ident: &Ident) -> Option<Token![mut]> {
    let arguments = sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(argument) => Some(bound(&argument.pat)),
        FnArg::Receiver(_) => None,
    });
    arguments.flatten().find(|bound| bound.ident == *ident)?.mutability
}

/// The signature of a function that leaves its arguments as they are: what the body makes `mut` are its own.
pub(super) fn unmutated(sig: &Signature) -> Signature {
    let mut sig = sig.clone();
    for input in &mut sig.inputs {
        if let FnArg::Typed(argument) = input {
            names(&mut argument.pat, &mut |name| {
                if name.by_ref.is_none() {
                    name.mutability = None;
                }
            });
        }
    }
    sig
}

fn bound(pattern: &Pat) -> Vec<Bound> {
    let mut found: Vec<Bound> = Vec::new();
    names(&mut pattern.clone(), &mut |name| {
        let by_mut_ref = name.by_ref.is_some() && name.mutability.is_some();
        let mutability = name.mutability.filter(|_| name.by_ref.is_none());
        // Every case of an alternative binds the same names.
        if !found.iter().any(|bound| bound.ident == name.ident) {
            found.push(Bound { ident: name.ident.clone(), mutability, by_mut_ref });
        }
    });
    found
}

fn names(pattern: &mut Pat, see: &mut impl FnMut(&mut syn::PatIdent)) {
    match pattern {
        Pat::Ident(name) => {
            see(name);
            if let Some((_, inner)) = &mut name.subpat {
                names(inner, see);
            }
        }
        Pat::Or(or) => or.cases.iter_mut().for_each(|case| names(case, see)),
        Pat::Paren(paren) => names(&mut paren.pat, see),
        Pat::Reference(reference) => names(&mut reference.pat, see),
        Pat::Slice(slice) => slice.elems.iter_mut().for_each(|elem| names(elem, see)),
        Pat::Struct(fields) => fields.fields.iter_mut().for_each(|field| names(&mut field.pat, see)),
        Pat::Tuple(tuple) => tuple.elems.iter_mut().for_each(|elem| names(elem, see)),
        Pat::TupleStruct(tuple) => tuple.elems.iter_mut().for_each(|elem| names(elem, see)),
        Pat::Type(typed) => names(&mut typed.pat, see),
        _ => {}
    }
}
