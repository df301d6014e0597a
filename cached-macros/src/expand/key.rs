//! A template as statements that write a key.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Attribute, Index, LitStr, Path};

use crate::args::Args;
use crate::check::Checked;
use crate::errors::inner_span;
use crate::output;
use crate::template::{Place, Segment, Step, Template};

use super::runtime::{Runtime, site};

/// What a place begins with.
struct Root<'a> {
    tokens: TokenStream,
    /// Where an error about the place is shown.
    at: Span,
    /// The `&` before it.
    and: Span,
    /// The argument's conditions.
    cfgs: &'a [Attribute],
}

// Input:
//     "user:<id>:<filter|hash>"
// Output:
//     let mut __key = KeyWriter::new("user:");
//     part(&mut __key, &id, ":");
//     hashed(&mut __key, &filter, "");
pub(crate) fn of_call(args: &Args, checked: &Checked, runtime: &Runtime) -> TokenStream {
    let Some(literal) = &args.key else {
        return TokenStream::new();
    };
    let function = &checked.function;
    statements(&checked.template, runtime, |place| {
        if place.root == "self" {
            let at = in_literal(literal, place);
            let receiver = function.receiver().map(|token| located(&Ident::new("self", token.span), at));
            return receiver.map(|tokens| Root { tokens, at, and: site(at), cfgs: &[] }).into_iter().collect();
        }
        // More than one where a name is declared under conditions that exclude each other.
        let named = function.bindings.iter().filter(|binding| binding.name() == place.root);
        named
            .map(|binding| {
                // An error about all of an argument is about its type; else it is about the place.
                let at = match &binding.ty {
                    Some(ty) if place.steps.is_empty() => output::anchor(ty),
                    None if place.steps.is_empty() => binding.ident.span(),
                    _ => in_literal(literal, place),
                };
                Root { tokens: located(&binding.ident, at), at, and: site(at), cfgs: &binding.cfgs }
            })
            .collect()
    })
}

// Input:
//     key!("user:<id>")
// Output:
//     {
//         let mut __key = KeyWriter::new("user:");
//         part(&mut __key, &id, "");
//         __key.finish()
//     }
pub(crate) fn key_in_code(runtime: &Path, literal: &LitStr, template: &Template) -> TokenStream {
    let runtime = Runtime::new(Some(runtime));
    let statements = statements(template, &runtime, |place| {
        let at = in_literal(literal, place);
        // The names of the code that the literal stands in, as if they were written there.
        let tokens = identifier(&place.root, literal.span().located_at(at)).into_token_stream();
        // Inside of two macros, an expression that is half the user's would be shown as all of `key!(…)`.
        vec![Root { tokens, at, and: at, cfgs: &[] }]
    });
    quote_spanned! {site(literal.span())=>
        {
            #statements
            __key.finish()
        }
    }
}

fn statements<'a>(template: &Template, runtime: &Runtime, roots: impl Fn(&Place) -> Vec<Root<'a>>) -> TokenStream {
    let here = site(Span::call_site());
    let rt = runtime.at(here);
    let mut segments = template.segments.iter().peekable();
    let first = text(segments.next_if(|segment| matches!(segment, Segment::Text(_))));
    let mutable = segments.peek().map(|_| quote_spanned!(here=> mut));
    let mut statements = quote_spanned!(here=> let #mutable __key = #rt::KeyWriter::new(#first););
    while let Some(segment) = segments.next() {
        let Segment::Place(place) = segment else { continue };
        // What follows ends the part. Two places that touch get a comma, or `1` + `11` would be `11` + `1`.
        let after = match segments.peek() {
            Some(Segment::Place(_)) => ",".to_owned(),
            _ => text(segments.next()),
        };
        for root in roots(place) {
            let at = site(root.at);
            let rt = runtime.at(at);
            let Root { tokens, cfgs, and, .. } = root;
            let and = syn::Token![&](and);
            let steps = place.steps.iter().map(|step| match step {
                Step::Field(name) => identifier(name, at).into_token_stream(),
                Step::Index(index) => Index { index: *index, span: at }.into_token_stream(),
                Step::Getter(name) => {
                    let name = identifier(name, at);
                    quote_spanned!(at=> #name())
                }
            });
            let write = if place.hash { "hashed" } else { "part" };
            let write = Ident::new(write, at);
            statements.extend(quote_spanned! {at=>
                #(#cfgs)*
                #rt::#write(&mut __key, #and #tokens #(.#steps)*, #after);
            });
        }
    }
    statements
}

fn text(segment: Option<&Segment>) -> String {
    match segment {
        Some(Segment::Text(text)) => text.clone(),
        _ => String::new(),
    }
}

fn in_literal(literal: &LitStr, place: &Place) -> Span {
    inner_span(literal, &literal.value(), &place.range).unwrap_or_else(|| literal.span())
}

/// The user's own name, shown where the rest of the call is.
fn located(ident: &Ident, at: Span) -> TokenStream {
    let mut ident = ident.clone();
    ident.set_span(ident.span().located_at(at));
    ident.into_token_stream()
}

/// Names in a template are written without `r#`.
fn identifier(name: &str, span: Span) -> Ident {
    let plain = syn::parse_str::<Ident>(name).is_ok() || matches!(name, "self" | "Self" | "super" | "crate");
    if plain { Ident::new(name, span) } else { Ident::new_raw(name, span) }
}
