//! A template as statements that write a key.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Field, Index, LitStr, Path};

use crate::errors::inner_span;
use crate::item::AnnotatedFn;
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

/// How a written key becomes the variable that holds it.
pub(crate) struct Rendering<'a> {
    pub(crate) function: &'a AnnotatedFn,
    pub(crate) runtime: &'a Runtime,
    /// `__key` or `__tag`
    pub(crate) variable: &'a str,
    /// What `<result>` is in the place where the key is written.
    pub(crate) result: Option<&'a Ident>,
}

impl Rendering<'_> {
    // Input:
    //     "user:<id>:<filter|hash>"
    // Output:
    //     let mut __key = KeyWriter::new("user:");
    //     part(&mut __key, &id, ":");
    //     hashed(&mut __key, &filter, "");
    pub(crate) fn template(&self, literal: &LitStr, template: &Template) -> TokenStream {
        let written = Written::new(template, self.runtime, self.variable);
        let places = written.places.iter().map(|(place, after)| self.place(literal, &written, place, after));
        let new = &written.new;
        quote!(#new #(#places)*)
    }

    /// Likewise, in two halves: the places before the first one that names the result can be written before there is
    /// one, and must be, because the body takes its arguments along.
    pub(crate) fn halves(&self, literal: &LitStr, template: &Template) -> (TokenStream, TokenStream) {
        let written = Written::new(template, self.runtime, self.variable);
        let mut before = written.new.clone();
        let mut after = TokenStream::new();
        let mut result = false;
        for (place, text) in &written.places {
            result |= place.root == "result";
            let half = if result { &mut after } else { &mut before };
            half.extend(self.place(literal, &written, place, text));
        }
        (before, after)
    }

    fn place(&self, literal: &LitStr, written: &Written<'_>, place: &Place, after: &str) -> TokenStream {
        self.roots(literal, place).into_iter().map(|root| written.part(root, place, after)).collect()
    }

    fn roots(&self, literal: &LitStr, place: &Place) -> Vec<Root<'_>> {
        let in_literal = in_literal(literal, place);
        let ours = |ident: &Ident| Root {
            tokens: located(ident, in_literal),
            at: in_literal,
            and: site(in_literal),
            cfgs: &[],
        };
        // More than one where a name is declared under conditions that exclude each other.
        let named: Vec<_> = self.function.bindings.iter().filter(|binding| binding.name() == place.root).collect();
        match (place.root.as_str(), self.result) {
            ("result", Some(result)) if named.is_empty() => return vec![ours(result)],
            ("self", _) => {
                let receiver = self.function.receiver().map(|token| Ident::new("self", token.span));
                return receiver.as_ref().map(ours).into_iter().collect();
            }
            _ => {}
        }
        let roots = named.into_iter().map(|binding| {
            // An error about all of an argument is about its type; else it is about the place.
            let at = match &binding.ty {
                Some(ty) if place.steps.is_empty() => output::anchor(ty),
                None if place.steps.is_empty() => binding.ident.span(),
                _ => in_literal,
            };
            Root { tokens: located(&binding.ident, at), at, and: site(at), cfgs: &binding.cfgs }
        });
        roots.collect()
    }
}

// Input:
//     #[derive(CacheKey)] #[cache_key("user:<id>", value = User)] struct UserKey { id: i64 }
// Output:
//     let mut __key = KeyWriter::new("user:");
//     part(&mut __key, &self.id, "");
pub(crate) fn of_fields(fields: &[Field], literal: &LitStr, template: &Template, runtime: &Runtime) -> TokenStream {
    let written = Written::new(template, runtime, "__key");
    let parts = written.places.iter().map(|(place, after)| {
        let field = fields.iter().find(|field| field.ident.as_ref().is_some_and(|name| name.unraw() == place.root));
        let part = field.and_then(|field| {
            let at = if place.steps.is_empty() { output::anchor(&field.ty) } else { in_literal(literal, place) };
            let name = located(field.ident.as_ref()?, at);
            let here = site(at);
            let root = Root { tokens: quote_spanned!(here=> self.#name), at, and: here, cfgs: &[] };
            Some(written.part(root, place, after))
        });
        part.unwrap_or_default()
    });
    let new = &written.new;
    quote!(#new #(#parts)*)
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
    let written = Written::new(template, &runtime, "__key");
    let parts = written.places.iter().map(|(place, after)| {
        let at = in_literal(literal, place);
        // The names of the code that the literal stands in, as if they were written there.
        let tokens = identifier(&place.root, literal.span().located_at(at)).into_token_stream();
        // Inside of two macros, an expression that is half the user's would be shown as all of `key!(…)`.
        written.part(Root { tokens, at, and: at, cfgs: &[] }, place, after)
    });
    let new = &written.new;
    quote_spanned! {site(literal.span())=>
        {
            #new
            #(#parts)*
            __key.finish()
        }
    }
}

/// A template on its way into statements.
struct Written<'a> {
    runtime: &'a Runtime,
    variable: &'a str,
    /// The statement that begins the key.
    new: TokenStream,
    /// Each with the text that follows it.
    places: Vec<(&'a Place, String)>,
}

impl<'a> Written<'a> {
    fn new(template: &'a Template, runtime: &'a Runtime, variable: &'a str) -> Self {
        let here = site(Span::call_site());
        let rt = runtime.at(here);
        let mut segments = template.segments.iter().peekable();
        let first = text(segments.next_if(|segment| matches!(segment, Segment::Text(_))));
        let mutable = segments.peek().map(|_| quote_spanned!(here=> mut));
        let key = Ident::new(variable, here);
        let new = quote_spanned!(here=> let #mutable #key = #rt::KeyWriter::new(#first););
        let mut places = Vec::new();
        while let Some(segment) = segments.next() {
            let Segment::Place(place) = segment else { continue };
            // What follows ends the part. Two places that touch get a comma, or `1` + `11` would be `11` + `1`.
            let after = match segments.peek() {
                Some(Segment::Place(_)) => ",".to_owned(),
                _ => text(segments.next()),
            };
            places.push((place, after));
        }
        Written { runtime, variable, new, places }
    }

    fn part(&self, root: Root<'_>, place: &Place, after: &str) -> TokenStream {
        let at = site(root.at);
        let rt = self.runtime.at(at);
        let key = Ident::new(self.variable, at);
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
        quote_spanned! {at=>
            #(#cfgs)*
            #rt::#write(&mut #key, #and #tokens #(.#steps)*, #after);
        }
    }
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
