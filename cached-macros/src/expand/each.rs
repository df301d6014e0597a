//! A batch: ask the cache for every id, run the body for those that are missing, and store what it gave one by one.

use proc_macro2::{Group, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::{Expr, GenericArgument, Ident, Lifetime, PathArguments, ReturnType, Type, TypeParamBound};

use crate::args::{Each, Ttl};
use crate::ids::Ids;
use crate::item::Binding;
use crate::key::used;
use crate::output::{self, Shape, first_token};

use super::runtime::site;
use super::{Expansion, take, unlinted};

impl Expansion<'_> {
    // Input:
    //     key = "user:<id>", tag = "org:<org>", when = org > 0, each = id in ids
    // Output:
    //     let mut __batch = Batch::new(&__SITE).when(org > 0);
    //     let __each = each(&ids[..], shape!(share Result<HashMap<i64, User>, Error>));
    //     for id in ids.iter() {
    //         let mut __key = KeyWriter::new("user:");
    //         part(&mut __key, &id, "");
    //         __batch.key(__key);
    //         let mut __tag = KeyWriter::new("org:");
    //         part(&mut __tag, &org, "");
    //         __batch.tag(__tag);
    //     }
    pub(super) fn batch_call(&self, each: &Each) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let conditions = self.conditions();
        let bypass = self.bypass();
        let told_apart = self.told_apart(each);
        let Each { id, .. } = each;
        let ids = self.ids(each).map(|binding| &binding.ident);
        let key = self.checked.keys.iter().map(|key| self.rendered(key, "__key"));
        let tags = self.checked.tags.iter().map(|tag| {
            let tag = self.rendered(tag, "__tag");
            quote_spanned!(here=> #tag __batch.tag(__tag);)
        });
        quote_spanned! {here=>
            let mut __batch = #rt::Batch::new(&__SITE) #conditions #bypass;
            #told_apart
            for #id in #ids.iter() {
                #(#key)*
                __batch.key(__key);
                #(#tags)*
            }
        }
    }

    /// What tells the values apart. It stands where the collection is written, and so does its error; what it asks of
    /// the ids stands where those are.
    fn told_apart(&self, each: &Each) -> TokenStream {
        let here = self.here;
        let value = self.function.value.as_ref();
        let at = site(value.map_or_else(Span::call_site, output::collection));
        let rt = self.runtime.at(at);
        let shape = self.shape(at, self.shares());
        let binding = self.ids(each);
        let at_id = binding.and_then(|binding| Some(output::anchor(Ids::read(binding.ty.as_ref()?)?.1)));
        let at_id = site(at_id.unwrap_or(at));
        let ids = binding.map(|binding| located(&binding.ident, at_id));
        let ids = quote_spanned!(at_id=> &#ids[..]);
        let told_apart = match &self.args.by {
            None => quote_spanned!(at=> #rt::each(#ids, #shape)),
            Some(by) => {
                let by = unlinted(by);
                quote_spanned!(at=> #rt::each_by(#ids, #shape, #by))
            }
        };
        quote_spanned!(here=> let __each = #told_apart;)
    }

    fn ids(&self, each: &Each) -> Option<&Binding> {
        self.function.bindings.iter().find(|binding| each.ids.unraw() == binding.ident.unraw())
    }

    pub(super) fn batch(&self, each: &Each) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let body = self.body();
        match self.function.shape {
            Shape::Async => {
                let edge = self.edge();
                // With its own arguments inside, the future is `Send` where it was. What is left is `self`, which a
                // second run needs again.
                let own = self.function.shares_self().then(|| quote_spanned!(here=> move));
                self.batch_awaited(each, &quote_spanned!(here=> async #own { #edge #body }))
            }
            Shape::Blocking => self.batch_blocking(each, &body),
            Shape::Boxed(_) | Shape::Future(_) => {
                let arrow = self.short_arrow();
                let statements = self.batch_awaited(each, &quote_spanned!(here=> (|| #arrow #body)()));
                quote_spanned!(here=> #rt::Box::pin(async move { #statements }))
            }
        }
    }

    // Input:
    //     async fn find_users(pool: &Pool, filter: Filter, ids: &[i64]) -> Result<HashMap<i64, User>, Error> {
    //         query(pool, filter, ids).await
    //     }
    // Output:
    //     let mut __slots = gathering(open_batch(__batch).await, describe!(__each.stored()), __each);
    //     while let Some(__missing) = __slots.missing().await {
    //         let __out = {
    //             let filter = again(&filter);
    //             let ids = &__missing[..];
    //             __slots.load(async move { … { query(pool, filter, ids).await } }).await
    //         };
    //         if let Err(__out) = __slots.settle(__out) {
    //             return __out;
    //         }
    //         __slots.fill().await;
    //     }
    //     __slots.give()
    //
    // A second round comes where another process had the lease of some ids and failed. So the body takes no argument
    // along for good.
    fn batch_awaited(&self, each: &Each, future: &TokenStream) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let slots = self.slots(&quote_spanned!(here=> #rt::open_batch(__batch).await));
        let taken = self.taken(each);
        let settled = self.batch_settled();
        quote_spanned! {here=>
            #slots
            while let #rt::Some(__missing) = __slots.missing().await {
                let __out = {
                    #taken
                    __slots.load(#future).await
                };
                #settled
                __slots.fill().await;
            }
            __slots.give()
        }
    }

    fn batch_blocking(&self, each: &Each, body: &Group) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let slots = self.slots(&quote_spanned!(here=> #rt::open_batch_blocking(__batch)));
        let taken = self.taken(each);
        let arrow = self.arrow();
        let settled = self.batch_settled();
        quote_spanned! {here=>
            #slots
            while let #rt::Some(__missing) = __slots.missing_blocking() {
                let __out = {
                    #taken
                    __slots.run(|| #arrow #body)
                };
                #settled
                __slots.fill_blocking();
            }
            __slots.give()
        }
    }

    /// Only a value has to be storable. That is asked where its type is written, and the error stands there.
    fn slots(&self, opened: &TokenStream) -> TokenStream {
        let here = self.here;
        let at = site(self.function.value.as_ref().map_or_else(Span::call_site, output::element));
        let rt = self.runtime.at(at);
        let gathering = quote_spanned!(at=> #rt::gathering(#opened, #rt::describe!(__each.stored()), __each));
        quote_spanned!(here=> let mut __slots = #gathering;)
    }

    /// What this run of the body has: its own of every argument, and the missing ids for all of them.
    fn taken(&self, each: &Each) -> TokenStream {
        let here = self.here;
        let ids = self.ids(each);
        let ids = ids.and_then(|binding| {
            let ident = &binding.ident;
            let mutability = take::mutability(&self.function.sig, ident);
            let missing = match Ids::read(binding.ty.as_ref()?)?.0 {
                Ids::Slice => quote_spanned!(here=> &__missing[..]),
                Ids::Borrowed => quote_spanned!(here=> &__missing),
                Ids::Owned => quote_spanned!(here=> __missing),
            };
            let used = take::used(ident, &[]);
            Some(quote_spanned!(here=> let #mutability #ident = #missing; #used))
        });
        let known = |name: &str| self.uses(name);
        let arguments = take::arguments(&self.function.sig, &each.ids, known, &self.runtime);
        quote_spanned!(here=> #arguments #ids)
    }

    /// Whether an option uses the argument, so that the body need not.
    fn uses(&self, name: &str) -> bool {
        let ttl = match &self.args.ttl {
            Some(Ttl::PerValue(closure)) => Some(closure),
            _ => None,
        };
        let closures = ttl.into_iter().chain(&self.args.unless).chain(&self.args.by);
        let closures = closures.map(|closure| Expr::Closure(closure.clone()));
        let mut exprs = self.args.when.iter().chain(&self.args.cache).cloned().chain(closures);
        exprs.any(|expr| used(&expr, name).is_some())
            || self.checked.keys.iter().chain(&self.checked.tags).any(|key| key.names(name))
    }

    // Input:
    //     ttl = |user| user.ttl, unless = |user| user.draft
    // Output:
    //     if let Err(__out) = __slots.settle(__out) {
    //         return __out;
    //     }
    //     __slots.ttl(|user| user.ttl);
    //     __slots.unless(|user| user.draft);
    fn batch_settled(&self) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let ttl = match &self.args.ttl {
            Some(Ttl::PerValue(closure)) => {
                let at = site(first_token(&closure.body));
                let closure = unlinted(closure);
                quote_spanned!(at=> __slots.ttl(#closure);)
            }
            _ => TokenStream::new(),
        };
        let unless = self.args.unless.as_ref().map(unlinted);
        let unless = unless.iter().map(|closure| quote_spanned!(here=> __slots.unless(#closure);));
        quote_spanned! {here=>
            if let #rt::Err(__out) = __slots.settle(__out) {
                return __out;
            }
            #ttl
            #(#unless)*
        }
    }

    // Input:
    //     fn find(…) -> Pin<Box<dyn Future<Output = Vec<Option<User>>> + Send + 'async_trait>>
    // Output:
    //     -> Pin<Box<dyn Future<Output = Vec<Option<User>>> + Send + '_>>
    //
    // What the body returns lives as long as the missing ids do, and not as long as the caller's.
    fn short_arrow(&self) -> TokenStream {
        let mut output = self.function.sig.output.clone();
        if let ReturnType::Type(_, ty) = &mut output {
            shorten(ty);
        }
        output.into_token_stream()
    }
}

fn shorten(ty: &mut Type) {
    let elided = |lifetime: &mut Lifetime| {
        if lifetime.ident != "static" {
            lifetime.ident = Ident::new("_", lifetime.ident.span());
        }
    };
    match ty {
        Type::Group(group) => shorten(&mut group.elem),
        Type::Paren(paren) => shorten(&mut paren.elem),
        Type::TraitObject(object) => {
            for bound in &mut object.bounds {
                if let TypeParamBound::Lifetime(lifetime) = bound {
                    elided(lifetime);
                }
            }
        }
        Type::Path(path) => {
            let Some(segment) = path.path.segments.last_mut() else { return };
            let outer = segment.ident == "Pin" || segment.ident == "Box";
            let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { return };
            for argument in &mut arguments.args {
                match argument {
                    GenericArgument::Lifetime(lifetime) => elided(lifetime),
                    GenericArgument::Type(ty) if outer => shorten(ty),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// The user's own name, shown elsewhere.
fn located(ident: &Ident, at: Span) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(ident.span().located_at(at));
    ident
}
