//! `#[invalidate]` and `#[write_through]`: run the body, and have the cache follow where it succeeded.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Expr, Type};

use crate::attribute::Attribute;
use crate::check::named;
use crate::key::{Key, used};
use crate::output::{self, first_token};

use super::runtime::site;
use super::{Expansion, unlinted};

impl Expansion<'_> {
    // Input:
    //     key = "user:<id>", tag = "org:<org>", value = user, when = id > 0, after_commit
    // Output:
    //     let __stored = &*user;
    //     let __write = Write::new(&__SITE).when(id > 0).after_commit()
    //         .value(__stored, describe!(stored(__stored)));
    //     let mut __key = KeyWriter::new("user:");
    //     part(&mut __key, &id, "");
    //     let __write = __write.key(__key);
    //     let mut __tag = KeyWriter::new("org:");
    //     part(&mut __tag, &org, "");
    //     let __write = __write.tag(__tag);
    //
    // Keys of the result come later, but for what stands in them before the result.
    pub(super) fn write(&self) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let conditions = self.conditions();
        let two_phase = self.args.two_phase.map(|_| quote_spanned!(here=> .two_phase()));
        let after_commit = self.args.after_commit.map(|_| quote_spanned!(here=> .after_commit()));
        let keys = self.written().into_iter().map(|written| self.before(&written));
        let stored = self.args.value.iter().map(|value| {
            let at = site(first_token(value));
            let borrowed = self.borrowed(value, at);
            quote_spanned!(at=> let __stored = #borrowed;)
        });
        let value = match (&self.args.value, self.args.attribute) {
            (Some(value), _) => {
                let at = site(first_token(value));
                let ttl = self.ttl().map(|(at, closure)| quote_spanned!(at=> .ttl(__stored, #closure)));
                let unless = self.args.unless.as_ref().map(unlinted);
                let unless = unless.iter().map(|closure| quote_spanned!(here=> .unless(__stored, #closure)));
                let rt = self.runtime.at(at);
                let describe = quote_spanned!(at=> #rt::describe!(#rt::stored(__stored)));
                quote_spanned!(at=> .value(__stored, #describe) #ttl #(#unless)*)
            }
            (None, Attribute::WriteThrough) => quote_spanned!(here=> .through()),
            (None, _) => TokenStream::new(),
        };
        quote_spanned! {here=>
            #(#stored)*
            let __write = #rt::Write::new(&__SITE) #conditions #two_phase #after_commit #value;
            #(#keys)*
        }
    }

    // Output:
    //     let mut __write = writing(begin(__write).await, shape!(Result<User, Error>));
    //     let __out = __write.run(…).await;
    //     …
    //     __write.finish().await;
    //     __write.give(__value)
    pub(super) fn write_awaited(&self, future: &TokenStream) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let writing = self.writing(&quote_spanned!(here=> #rt::begin(__write).await));
        let settled = self.settled("__write");
        let result = self.result();
        quote_spanned! {here=>
            #writing
            let __out = __write.run(#future).await;
            #settled
            #result
            __write.finish().await;
            __write.give(__value)
        }
    }

    pub(super) fn write_blocking(&self, closure: &TokenStream) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let writing = self.writing(&quote_spanned!(here=> #rt::begin_blocking(__write)));
        let settled = self.settled("__write");
        let result = self.result();
        quote_spanned! {here=>
            #writing
            let __out = __write.run_blocking(#closure);
            #settled
            #result
            __write.finish_blocking();
            __write.give(__value)
        }
    }

    /// Only what is stored has to be storable. That is asked where the type is written, and the error stands there.
    fn writing(&self, begun: &TokenStream) -> TokenStream {
        let here = self.here;
        let value = &self.function.value;
        let at = site(value.as_ref().map_or_else(Span::call_site, output::anchor));
        let rt = self.runtime.at(at);
        let stored = self.args.attribute == Attribute::WriteThrough && self.args.value.is_none();
        let writing = Ident::new(if stored { "writing_through" } else { "writing" }, at);
        let shape = self.shape(at, false);
        let writing = quote_spanned!(at=> #rt::#writing(#begun, #shape));
        quote_spanned!(here=> let mut __write = #writing;)
    }

    // Input:
    //     key = "user:email:<result.email>"
    // Output:
    //     if let Some(result) = __write.result(&__value) {
    //         let mut __key = KeyWriter::new("user:email:");
    //         part(&mut __key, &result.email, "");
    //         __write.key(__key);
    //     }
    fn result(&self) -> Option<TokenStream> {
        let here = self.here;
        let rt = self.runtime.at(here);
        let written: Vec<Written<'_>> = self.written().into_iter().filter(|written| written.of_result).collect();
        // In a typed key it is the user who writes `result`, and that name it must be.
        let theirs = written.iter().find_map(|written| match written.key {
            Key::Typed(expr) => used(expr, "result"),
            Key::Template(..) => None,
        });
        let result = theirs.unwrap_or_else(|| Ident::new("result", here));
        let keys = written.iter().map(|written| self.after(written, &result));
        let keys: TokenStream = keys.collect();
        let block = quote_spanned! {here=>
            if let #rt::Some(#result) = __write.result(&__value) {
                #keys
            }
        };
        (!written.is_empty()).then_some(block)
    }

    fn written(&self) -> Vec<Written<'_>> {
        let keys = self.checked.keys.iter().map(|key| (key, "key"));
        let tags = self.checked.tags.iter().map(|tag| (tag, "tag"));
        let argument = self.function.bindings.iter().any(|binding| binding.name() == "result");
        let written = keys.chain(tags).enumerate().map(|(index, (key, kind))| {
            let of_result = !argument && key.names("result");
            let begun = match key {
                Key::Template(_, template) => template.places().next().is_some_and(|place| place.root != "result"),
                Key::Typed(_) => false,
            };
            let begun = of_result && begun;
            let variable = if begun { format!("__{kind}_{index}") } else { format!("__{kind}") };
            Written { key, kind, variable, of_result, begun }
        });
        written.collect()
    }

    /// What is known before the body runs, which takes the arguments along.
    fn before(&self, written: &Written<'_>) -> TokenStream {
        let here = self.here;
        match written.key {
            Key::Template(literal, template) if written.begun => {
                let result = Ident::new("result", here);
                self.rendering(&written.variable, Some(&result)).halves(literal, template).0
            }
            _ if written.of_result => TokenStream::new(),
            key => {
                let rendered = self.rendered(key, &written.variable);
                let (kind, variable) = (Ident::new(written.kind, here), Ident::new(&written.variable, here));
                quote_spanned!(here=> #rendered let __write = __write.#kind(#variable);)
            }
        }
    }

    /// What is known only then.
    fn after(&self, written: &Written<'_>, result: &Ident) -> TokenStream {
        let here = self.here;
        let rendered = match written.key {
            Key::Template(literal, template) => {
                let rendering = self.rendering(&written.variable, Some(result));
                if written.begun {
                    rendering.halves(literal, template).1
                } else {
                    rendering.template(literal, template)
                }
            }
            key => self.rendered(key, &written.variable),
        };
        let (kind, variable) = (Ident::new(written.kind, here), Ident::new(&written.variable, here));
        quote_spanned!(here=> #rendered __write.#kind(#variable);)
    }

    // Input:
    //     value = user
    // Output:
    //     &(user)
    //
    // Of an argument that is a reference it is what it refers to: `&*user`.
    fn borrowed(&self, value: &Expr, at: Span) -> TokenStream {
        let reference = match value {
            Expr::Path(path) if path.path.is_ident("self") => self.function.borrows_self(),
            _ => named(value, self.function)
                .and_then(|binding| binding.ty.as_ref())
                .is_some_and(|ty| matches!(output::bare(ty), Type::Reference(_))),
        };
        if reference { quote_spanned!(at=> &*#value) } else { quote_spanned!(at=> &(#value)) }
    }
}

/// A key or a tag of a writer.
struct Written<'a> {
    key: &'a Key,
    /// "key" or "tag": what the runtime is told.
    kind: &'static str,
    /// What holds it.
    variable: String,
    /// It names the result.
    of_result: bool,
    /// And arguments before that.
    begun: bool,
}
