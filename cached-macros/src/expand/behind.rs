//! `#[write_behind]`: hand the values to the queue, or else write them now; and the worker, which calls the function
//! itself with what was queued.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{FnArg, Ident, Pat, Signature, Type, Visibility};

use crate::args::Each;
use crate::ids::Ids;
use crate::item::AnnotatedFn;
use crate::output::{self, Word, first_token};

use super::Expansion;
use super::runtime::site;

impl Expansion<'_> {
    // Input:
    //     key = "user:<user.id>", tag = "org:<user.org>", each = user in users, max_batch = 500
    // Output:
    //     static __QUEUE: Queue = Queue::new(concat!(module_path!(), "::save_users")).max_batch(500);
    //     let mut __behind = Behind::new(&__SITE, &__QUEUE, kept(Returned::<User>::new()));
    //     if __behind.asks() {
    //         for user in users.iter() {
    //             let mut __key = KeyWriter::new("user:");
    //             part(&mut __key, &user.id, "");
    //             __behind.value(user, __key);
    //             let mut __tag = KeyWriter::new("org:");
    //             part(&mut __tag, &user.org, "");
    //             __behind.tag(__tag);
    //         }
    //     }
    //     let mut __behind = behind(__behind, shape!(Result<(), Error>));
    //     if let Some(__out) = __behind.accept().await {
    //         return __out;
    //     }
    //     let __out = __behind.run(async move { … { query(pool, users).await } }).await;
    //     let __value = match __behind.settle(__out) {
    //         Ok(__value) => __value,
    //         Err(__out) => return __out,
    //     };
    //     __behind.finish().await;
    //     __behind.give(__value)
    //
    // Called by the worker, `asks` and `accept` know, and the body runs.
    pub(super) fn behind(&self, each: &Each) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let queue = self.queue();
        let kept = self.kept(each);
        let conditions = self.conditions();
        let Each { id, ids } = each;
        let key = self.checked.keys.iter().map(|key| self.rendered(key, "__key"));
        let ttl = self.ttl().map(|(at, closure)| quote_spanned!(at=> __behind.ttl(#id, #closure);));
        let tags = self.checked.tags.iter().map(|tag| {
            let tag = self.rendered(tag, "__tag");
            quote_spanned!(here=> #tag __behind.tag(__tag);)
        });
        let shape = self.acknowledged();
        let (edge, body) = (self.edge(), self.body());
        quote_spanned! {here=>
            #queue
            let mut __behind = #rt::Behind::new(&__SITE, &__QUEUE, #kept) #conditions;
            if __behind.asks() {
                for #id in #ids.iter() {
                    #(#key)*
                    __behind.value(#id, __key);
                    #ttl
                    #(#tags)*
                }
            }
            #shape
            if let #rt::Some(__out) = __behind.accept().await {
                return __out;
            }
            let __out = __behind.run(async move { #edge #body }).await;
            let __value = match __behind.settle(__out) {
                #rt::Ok(__value) => __value,
                #rt::Err(__out) => return __out,
            };
            __behind.finish().await;
            __behind.give(__value)
        }
    }

    /// What is said of the return type stands there.
    fn acknowledged(&self) -> TokenStream {
        let at = site(self.function.value.as_ref().map_or_else(Span::call_site, output::anchor));
        let rt = self.runtime.at(at);
        let shape = self.shape(at, false);
        let behind = quote_spanned!(at=> #rt::behind(__behind, #shape));
        let here = self.here;
        if self.args.behind.refuses.is_some() {
            // What is said of the error stands where it is written.
            let at = self.function.value.as_ref().and_then(output::result_of);
            let at = site(at.map_or_else(Span::call_site, |(_, error)| first_token(error)));
            let rt = self.runtime.at(at);
            let refusing = quote_spanned!(at=> #rt::refusing(__behind));
            return quote_spanned!(here=> let __behind = #behind; let mut __behind = #refusing;);
        }
        quote_spanned!(here=> let mut __behind = #behind;)
    }

    // Input:
    //     queue = "users", max_batch = 500, linger = "50ms"
    // Output:
    //     static __QUEUE: Queue = Queue::new("shop::save_users").named("users")
    //         .max_batch(500).linger(Duration::from_millis(50u64));
    fn queue(&self) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let name = format!("::{}", self.function.sig.ident.unraw());
        let options = &self.args.behind;
        let named = options.queue.iter().map(|name| name.value());
        let linger = options.linger.iter().map(|linger| linger.millis);
        let number = |number: &Option<u64>| number.map(Literal::u64_unsuffixed).into_iter();
        let (max_batch, retries) = (number(&options.max_batch), number(&options.retries));
        let high_water = number(&options.high_water);
        let keep_all = options.keep_all.then(|| quote_spanned!(here=> .keep_all()));
        let refuses = options.refuses.map(|_| quote_spanned!(here=> .refuse_when_full()));
        let accept_loss = options.accept_loss.then(|| quote_spanned!(here=> .accept_loss()));
        quote_spanned! {here=>
            static __QUEUE: #rt::Queue = #rt::Queue::new(#rt::concat!(#rt::module_path!(), #name))
                #(.named(#named))* #(.max_batch(#max_batch))* #(.linger(#rt::Duration::from_millis(#linger)))*
                #keep_all #refuses #(.retries(#retries))* #(.high_water(#high_water))* #accept_loss;
        }
    }

    /// How values of that type are stored. It is asked in both functions, in the same words and at the same place: so a
    /// type that cannot be stored is one error.
    fn kept(&self, each: &Each) -> TokenStream {
        let ty = self.value(each);
        let at = site(ty.map_or_else(Span::call_site, output::anchor));
        let rt = self.runtime.at(at);
        let returned = quote_spanned!(at=> #rt::Returned::<#ty>::new());
        quote_spanned!(at=> #rt::kept(#returned, #rt::describe!(#returned)))
    }

    /// The type of one value.
    fn value(&self, each: &Each) -> Option<&Type> {
        let argument = self.function.bindings.iter().find(|binding| binding.ident.unraw() == each.ids.unraw())?;
        Some(Ids::read(argument.ty.as_ref()?)?.1)
    }

    // Input:
    //     pub async fn save_users(pool: Pool, users: Vec<User>) -> Result<(), Error>
    // Output:
    //     pub fn save_users_worker(pool: Pool) -> WriteBehind {
    //         static __SITE: Site = …;
    //         static __QUEUE: Queue = …;
    //         let __drain = Drain::new(&__SITE, &__QUEUE);
    //         __drain.by(kept(Returned::<User>::new()), reason!(shape!(Result<(), Error>)), move |__values: Vec<User>| {
    //             let pool = along(&pool);
    //             save_users(pool, __values)
    //         })
    //     }
    pub(super) fn worker(&self, each: &Each, statics: &TokenStream) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let AnnotatedFn { attrs, vis, sig, .. } = self.function;
        let name = sig.ident.unraw();
        let worker = Ident::new(&format!("{name}_worker"), sig.ident.span());
        let cfgs = attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
        let docs = self.docs(vis, sig);
        let queue = self.queue();
        let kept = self.kept(each);
        let shape = self.shape(here, false);
        let Called { parameters, call } = self.called(each);
        let inherent = self.inherent(vis, sig);
        let cache = self.args.cache.iter().map(|cache| {
            let at = site(first_token(cache));
            quote_spanned!(at=> .cache(#cache))
        });
        quote_spanned! {here=>
            #(#cfgs)*
            #docs
            #[allow(dead_code, deprecated, reason = "it may be for another program to be at work")]
            #vis fn #worker(#(#parameters),*) -> #rt::WriteBehind {
                #statics
                #queue
                let __drain = #rt::Drain::new(&__SITE, &__QUEUE) #(#cache)*;
                __drain.by(#kept, #rt::reason!(#shape), #call)
            }
            #inherent
        }
    }

    /// In the `impl` of a trait there is room for nothing that the trait does not have, and nothing here shows that this is
    /// one. The compiler's error about it quotes a name and nothing else, so there is a name that says what to do.
    fn inherent(&self, vis: &Visibility, sig: &Signature) -> Option<TokenStream> {
        if !matches!(vis, Visibility::Inherited) || !self.in_impl() {
            return None;
        }
        let here = self.here;
        let name = format!("__{}_is_written_behind_so_put_it_into_an_impl_block_of_the_type_itself", sig.ident.unraw());
        let name = Ident::new(&name, sig.ident.span());
        Some(quote_spanned! {here=>
            #[doc(hidden)]
            #[allow(dead_code, reason = "a name and nothing else")]
            fn #name() {}
        })
    }

    fn docs(&self, vis: &Visibility, sig: &Signature) -> TokenStream {
        let here = self.here;
        if matches!(vis, Visibility::Inherited) {
            return TokenStream::new();
        }
        let name = sig.ident.unraw();
        let link = if self.in_impl() { format!("Self::{name}") } else { name.to_string() };
        let text = format!(
            " The worker of [`{name}`]({link}): spawned, it writes what was queued, in batches.\n\n Of each queue one worker \
             writes at a time, in whichever process it is, and another one takes over when it is gone."
        );
        quote_spanned!(here=> #[doc = #text])
    }

    /// Whether the function is sure to stand in an `impl` block. Without a `self` only `Self` in its signature tells.
    fn in_impl(&self) -> bool {
        let sig = &self.function.sig;
        let names_self = |word: &Word| matches!(word, Word::Ident(word, _) if word == "Self");
        sig.receiver().is_some() || output::words(sig.to_token_stream()).iter().any(names_self)
    }

    fn called(&self, each: &Each) -> Called {
        let here = self.here;
        let sig = &self.function.sig;
        let function = &sig.ident;
        let mut parameters = Vec::new();
        let mut taken = Vec::new();
        let mut arguments = Vec::new();
        let mut values = TokenStream::new();
        for (index, input) in sig.inputs.iter().enumerate() {
            let argument = match input {
                FnArg::Receiver(receiver) => {
                    let mut receiver = receiver.clone();
                    receiver.attrs = Vec::new();
                    parameters.push(receiver.to_token_stream());
                    continue;
                }
                FnArg::Typed(argument) => argument,
            };
            let ty = &*argument.ty;
            match &*argument.pat {
                Pat::Ident(name) if name.ident.unraw() == each.ids.unraw() => {
                    arguments.push(quote_spanned!(here=> __values));
                    values = quote_spanned!(here=> __values: #ty);
                }
                pattern => {
                    let ident = match pattern {
                        Pat::Ident(name) if name.subpat.is_none() => name.ident.clone(),
                        _ => Ident::new(&format!("argument_{index}"), here),
                    };
                    parameters.push(quote!(#ident: #ty));
                    // The error about an argument that cannot be taken along stands at its type.
                    let at = site(first_token(ty));
                    let rt = self.runtime.at(at);
                    let mut located = ident.clone();
                    located.set_span(ident.span().located_at(at));
                    taken.push(quote_spanned!(at=> let #ident = #rt::along(&#located);));
                    arguments.push(ident.to_token_stream());
                }
            }
        }
        let call = match self.function.receiver() {
            Some(token) => {
                let receiver = Ident::new("self", token.span);
                let at = site(token.span);
                let taken_at = self.runtime.at(at);
                let and = (!self.function.borrows_self()).then(|| quote_spanned!(at=> &));
                quote_spanned! {here=>
                    {
                        let __this = #taken_at::taken(#and #receiver);
                        move |#values| {
                            let __this = __this.one();
                            #(#taken)*
                            async move { __this.#function(#(#arguments),*).await }
                        }
                    }
                }
            }
            None => {
                let path = self.in_impl().then(|| quote_spanned!(here=> Self::));
                quote_spanned! {here=>
                    move |#values| {
                        #(#taken)*
                        #path #function(#(#arguments),*)
                    }
                }
            }
        };
        Called { parameters, call }
    }
}

/// How the worker calls the function.
struct Called {
    /// Of the function that gives the worker: all but the values.
    parameters: Vec<TokenStream>,
    /// A closure that takes the values.
    call: TokenStream,
}
