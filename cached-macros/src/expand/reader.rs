//! `#[cached]`: ask the cache, else run the body and store what it gave.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

use crate::output::{self, Shape};

use super::Expansion;
use super::runtime::site;

impl Expansion<'_> {
    // Input:
    //     key = "user:<id>", tag = "org:<org>", cache = self.cache.clone(), when = id > 0
    // Output:
    //     let mut __key = KeyWriter::new("user:");
    //     part(&mut __key, &id, "");
    //     let __call = Call::new(&__SITE, __key).cache(self.cache.clone()).when(id > 0);
    //     let mut __tag = KeyWriter::new("org:");
    //     part(&mut __tag, &org, "");
    //     let __call = __call.tag(__tag);
    pub(super) fn call(&self) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let key = self.checked.keys.iter().map(|key| self.rendered(key, "__key"));
        let local = self.local(self.is_plain(), &quote_spanned!(here=> hit_plainly(&__SITE, &__key)));
        let tags = self.checked.tags.iter().map(|tag| {
            let tag = self.rendered(tag, "__tag");
            quote_spanned!(here=> #tag let __call = __call.tag(__tag);)
        });
        let conditions = self.conditions();
        let bypass = self.bypass();
        quote_spanned! {here=>
            #(#key)*
            #local
            let __call = #rt::Call::new(&__SITE, __key) #conditions #bypass;
            #(#tags)*
        }
    }

    /// Whether there is nothing to say of a call but its key, and a hit can be returned from where that is written.
    fn is_plain(&self) -> bool {
        matches!(self.function.shape, Shape::Async | Shape::Blocking)
            && self.args.cache.is_none()
            && self.args.when.is_none()
            && self.checked.tags.is_empty()
            && self.bypass().is_none()
    }

    /// What is read inside of a transaction is not committed, and what is cached may be older than the transaction.
    pub(super) fn bypass(&self) -> Option<TokenStream> {
        let inside = self.args.bypass_in_transaction.filter(|_| self.function.in_transaction());
        inside.map(|word| {
            let at = site(word);
            quote_spanned!(at=> .when(false))
        })
    }

    // Output:
    //     let mut __slot = typed(open(__call).await, shape!(share Result<User, Error>));
    //     if let Some(__out) = __slot.hit().await {
    //         return __out;
    //     }
    //     let __out = __slot.load(…).await;
    //     …
    //     __slot.fill().await;
    //     __slot.give(__value)
    //
    // With `refresh = background` what comes after the hit is a closure, for this call or for a task:
    //     let __load = in_background(&__slot, move |mut __slot| async move { … });
    //     match __slot.hit().await {
    //         Some(__out) => {
    //             __slot.refresh(__load);
    //             __out
    //         }
    //         None => __load(__slot).await,
    //     }
    pub(super) fn read_awaited(&self, future: &TokenStream) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let slot = self.slot(&quote_spanned!(here=> #rt::open(__call).await));
        let settled = self.settled("__slot");
        if let Some(word) = self.args.background {
            // An error about what cannot be spawned is shown at the word that asks for it.
            let at = site(word);
            let rt_at = self.runtime.at(at);
            let load = quote_spanned! {here=>
                let __out = __slot.load(#future).await;
                #settled
                __slot.fill().await;
                __slot.give(__value)
            };
            let load = quote_spanned!(at=> #rt_at::in_background(&__slot, move |mut __slot| async move { #load }));
            return quote_spanned! {here=>
                #slot
                let __load = #load;
                match __slot.hit().await {
                    #rt::Some(__out) => {
                        __slot.refresh(__load);
                        __out
                    }
                    #rt::None => __load(__slot).await,
                }
            };
        }
        quote_spanned! {here=>
            #slot
            if let #rt::Some(__out) = __slot.hit().await {
                return __out;
            }
            let __out = __slot.load(#future).await;
            #settled
            __slot.fill().await;
            __slot.give(__value)
        }
    }

    pub(super) fn read_blocking(&self, closure: &TokenStream) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let slot = self.slot(&quote_spanned!(here=> #rt::open_blocking(__call)));
        let settled = self.settled("__slot");
        if let Some(word) = self.args.background {
            let at = site(word);
            let rt_at = self.runtime.at(at);
            let in_background = quote_spanned!(at=> #rt_at::in_background_blocking);
            return quote_spanned! {here=>
                #slot
                let __load = #in_background(&__slot, move |mut __slot| {
                    let __out = __slot.run(#closure);
                    #settled
                    __slot.fill_blocking();
                    __slot.give(__value)
                });
                match __slot.hit_blocking() {
                    #rt::Some(__out) => {
                        __slot.refresh_blocking(__load);
                        __out
                    }
                    #rt::None => __load(__slot),
                }
            };
        }
        quote_spanned! {here=>
            #slot
            if let #rt::Some(__out) = __slot.hit_blocking() {
                return __out;
            }
            let __out = __slot.run(#closure);
            #settled
            __slot.fill_blocking();
            __slot.give(__value)
        }
    }

    // Output, with `local`:
    //     let __local = local_tier!(shape!(share Result<User, Error>));
    //     if let Some(__out) = __local.hit(&__call) {
    //         return __out;
    //     }
    //     let mut __slot = __local.slot(open(__call).await);
    //
    // Of a call with a key and nothing else the hit stands before it: `__local.hit_plainly(&__SITE, &__key)`.
    fn local(&self, here_it_stands: bool, hit: &TokenStream) -> Option<TokenStream> {
        self.args.local.filter(|_| here_it_stands)?;
        let here = self.here;
        let value = &self.function.value;
        let at = site(value.as_ref().map_or_else(Span::call_site, output::anchor));
        let (rt, rt_at) = (self.runtime.at(here), self.runtime.at(at));
        let shape = self.shape(at, self.shares());
        let local = quote_spanned!(at=> #rt_at::local_tier!(#shape));
        Some(quote_spanned! {here=>
            let __local = #local;
            if let #rt::Some(__out) = __local.#hit {
                return __out;
            }
        })
    }

    /// The one call that asks something of the types. It stands where the type is written, and so does its error.
    fn slot(&self, opened: &TokenStream) -> TokenStream {
        let here = self.here;
        let value = &self.function.value;
        let at = site(value.as_ref().map_or_else(Span::call_site, output::anchor));
        let rt = self.runtime.at(at);
        let shape = self.shape(at, self.shares());
        let remembers = self.args.error_ttl.is_some();
        if self.args.local.is_some() {
            let local = self.local(!self.is_plain(), &quote_spanned!(here=> hit(&__call)));
            let mut slot = quote_spanned!(here=> __local.slot(#opened));
            if remembers {
                slot = quote_spanned!(at=> #rt::remembering(#slot));
            }
            return quote_spanned!(here=> #local let mut __slot = #slot;);
        }
        let mut typed = quote_spanned!(at=> #rt::typed(#opened, #shape));
        if remembers {
            typed = quote_spanned!(at=> #rt::remembering(#typed));
        }
        quote_spanned!(here=> let mut __slot = #typed;)
    }
    /// Whether waiters may get a clone of the error.
    pub(super) fn shares(&self) -> bool {
        let value = self.function.value.as_ref();
        value.is_some_and(|value| output::surely_owned(value, &self.function.sig))
    }
}
