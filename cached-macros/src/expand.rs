//! Checked input → tokens. The only place with `quote!`.
//!
//! The expansion says in which order things happen; what happens is the runtime's. The signature and the attributes
//! of the user stay as they are, and the body stands in place, once.

mod key;
mod newtype;
mod runtime;
mod site;

use proc_macro2::{Group, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, ExprClosure, Path, ReturnType, Type};

use crate::args::{Args, Returns, Ttl};
use crate::check::{Checked, is_cached};
use crate::item::CachedFn;
use crate::output::{self, Shape, Start, first_token};

use self::runtime::{Runtime, site};

pub(crate) use self::key::key_in_code;
pub(crate) use self::newtype::key_part;

/// The annotated function, cached.
pub(crate) fn function(args: &Args, checked: &Checked) -> TokenStream {
    let expansion = Expansion {
        args,
        function: &checked.function,
        runtime: Runtime::new(args.runtime.as_ref()),
        here: site(Span::call_site()),
    };
    let CachedFn { attrs, vis, defaultness, sig, inner_attrs, body, .. } = &checked.function;
    let site = site::site(args, &checked.function, &expansion.runtime);
    let key = key::of_call(args, checked, &expansion.runtime);
    let statements = match checked.function.shape {
        Shape::Async => expansion.asynchronous(),
        Shape::Blocking => expansion.blocking(),
        Shape::Boxed(start) => expansion.boxed(start),
        Shape::Future(start) => expansion.future(start),
    };
    let call = expansion.call();
    let braces = self::site(body.span());
    // Inner attributes are illegal on a nested block, and they are about the whole function anyway.
    quote_spanned! {braces=>
        #(#attrs)* #vis #defaultness #sig {
            #(#inner_attrs)*
            #site
            #key
            #call
            #statements
        }
    }
}

/// What could not be expanded. The item comes first: editors take names and types from it, and nothing else is
/// reported as missing.
pub(crate) fn failure(item: &TokenStream, runtime: Option<&Path>, error: &syn::Error) -> TokenStream {
    let parts = |input: ParseStream| Ok((input.call(Attribute::parse_outer)?, input.parse::<TokenStream>()?));
    let errors = error.to_compile_error();
    let Ok((attrs, rest)) = parts.parse2(item.clone()) else {
        return quote!(#item #errors);
    };
    // Another `#[cached]` would report the same mistakes again.
    let attrs = attrs.iter().filter(|attr| !is_cached(attr, runtime));
    quote!(#(#attrs)* #rest #errors)
}

/// A closure that no lint calls redundant: the options take no path in its place.
fn unlinted(closure: &ExprClosure) -> ExprClosure {
    let mut closure = closure.clone();
    for bar in [&mut closure.inputs_begin, &mut closure.inputs_end] {
        bar.span = site(bar.span);
    }
    closure
}

struct Expansion<'a> {
    args: &'a Args,
    function: &'a CachedFn,
    runtime: Runtime,
    /// For tokens that stand for nothing that the user wrote.
    here: Span,
}

impl Expansion<'_> {
    // Input:
    //     cache = self.cache.clone(), when = id > 0
    // Output:
    //     let __call = Call::new(&__SITE, __key).cache(self.cache.clone()).when(id > 0);
    fn call(&self) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        // An error about an expression is shown there, not at the attribute.
        let cache = self.args.cache.iter().map(|cache| {
            let at = site(first_token(cache));
            quote_spanned!(at=> .cache(#cache))
        });
        let when = self.args.when.iter().map(|when| {
            let at = site(first_token(when));
            quote_spanned!(at=> .when(#when))
        });
        quote_spanned!(here=> let __call = #rt::Call::new(&__SITE, __key) #(#cache)* #(#when)*;)
    }

    // Input:
    //     async fn find_user(pool: &Pool, id: i64) -> Result<User, Error> {
    //         query(id).fetch(pool).await
    //     }
    // Output:
    //     let mut __slot = typed(open(__call).await, shape!(share Result<User, Error>));
    //     if let Some(__out) = __slot.hit().await {
    //         return __out;
    //     }
    //     let __out = __slot.load(async move {
    //         if let Some(__out) = None::<Result<User, Error>> {
    //             return __out;
    //         }
    //         { query(id).fetch(pool).await }
    //     }).await;
    //     …
    fn asynchronous(&self) -> TokenStream {
        let here = self.here;
        let edge = self.edge();
        let body = self.body();
        let load = quote_spanned!(here=> let __out = __slot.load(async move { #edge #body }).await;);
        self.awaited(&load)
    }

    // Input:
    //     fn find_user(&self, id: i64) -> Pin<Box<dyn Future<Output = User> + Send + '_>> {
    //         Box::pin(async move { self.query(id).await })
    //     }
    // Output:
    //     let __body = move || -> Pin<Box<dyn Future<Output = User> + Send + '_>> {
    //         Box::pin(async move { self.query(id).await })
    //     };
    //     Box::pin(async move {
    //         …
    //         let __out = __slot.load(__body()).await;
    //         …
    //     })
    //
    // With a future that names no lifetime, `__body` is called before the block, which then holds what it gave.
    fn boxed(&self, start: Start) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let body = self.body();
        let arrow = self.arrow();
        let closure = quote_spanned!(here=> move || #arrow #body);
        let (before, load) = self.started(start, &closure);
        let statements = self.awaited(&load);
        quote_spanned! {here=>
            #before
            #rt::Box::pin(async move { #statements })
        }
    }

    // Input:
    //     fn find_user(&self, id: i64) -> impl Future<Output = User> {
    //         async move { self.query(id).await }
    //     }
    // Output:
    //     let __body = (move || { async move { self.query(id).await } })();
    //     async move {
    //         …
    //         let __out = __slot.load(__body).await;
    //         …
    //     }
    fn future(&self, start: Start) -> TokenStream {
        let here = self.here;
        let body = self.body();
        let closure = quote_spanned!(here=> move || #body);
        let (before, load) = self.started(start, &closure);
        let statements = self.awaited(&load);
        quote_spanned! {here=>
            #before
            async move { #statements }
        }
    }

    fn started(&self, start: Start, closure: &TokenStream) -> (TokenStream, TokenStream) {
        let here = self.here;
        match start {
            Start::OnMiss => (
                quote_spanned!(here=> let __body = #closure;),
                quote_spanned!(here=> let __out = __slot.load(__body()).await;),
            ),
            Start::AtCall => (
                quote_spanned!(here=> let __body = (#closure)();),
                quote_spanned!(here=> let __out = __slot.load(__body).await;),
            ),
        }
    }

    // Input:
    //     fn find_user(conn: &mut Connection, id: i64) -> QueryResult<User> {
    //         users.find(id).first(conn)
    //     }
    // Output:
    //     let mut __slot = typed(open_blocking(__call), shape!(share QueryResult<User>));
    //     if let Some(__out) = __slot.hit_blocking() {
    //         return __out;
    //     }
    //     let __out = __slot.run(move || -> QueryResult<User> { users.find(id).first(conn) });
    //     …
    fn blocking(&self) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let body = self.body();
        let arrow = self.arrow();
        let slot = self.slot(&quote_spanned!(here=> #rt::open_blocking(__call)));
        let settled = self.settled();
        quote_spanned! {here=>
            #slot
            if let #rt::Some(__out) = __slot.hit_blocking() {
                return __out;
            }
            let __out = __slot.run(move || #arrow #body);
            #settled
            __slot.fill_blocking();
            __slot.give(__value)
        }
    }

    /// What every function that can wait has around its load.
    fn awaited(&self, load: &TokenStream) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let slot = self.slot(&quote_spanned!(here=> #rt::open(__call).await));
        let settled = self.settled();
        quote_spanned! {here=>
            #slot
            if let #rt::Some(__out) = __slot.hit().await {
                return __out;
            }
            #load
            #settled
            __slot.fill().await;
            __slot.give(__value)
        }
    }

    /// The one call that asks something of the types. It stands where the type is written, and so does its error.
    fn slot(&self, opened: &TokenStream) -> TokenStream {
        let here = self.here;
        let value = &self.function.value;
        let at = site(value.as_ref().map_or_else(Span::call_site, output::anchor));
        let rt = self.runtime.at(at);
        let share = value.as_ref().is_some_and(|value| output::surely_owned(value, &self.function.sig));
        let words = match (share, self.args.returns) {
            (_, Some(Returns::Value)) => quote_spanned!(at=> value),
            (true, Some(Returns::Result)) => quote_spanned!(at=> share result),
            (false, Some(Returns::Result)) => quote_spanned!(at=> result),
            (true, None) => quote_spanned!(at=> share),
            (false, None) => TokenStream::new(),
        };
        let typed = quote_spanned!(at=> #rt::typed(#opened, #rt::shape!(#words #value)));
        quote_spanned!(here=> let mut __slot = #typed;)
    }

    // Input:
    //     ttl = |user| user.ttl, unless = |user| user.draft
    // Output:
    //     let __out = __slot.ttl(__out, |user| user.ttl);
    //     let __out = __slot.unless(__out, |user| user.draft);
    //     let __value = match __slot.settle(__out) {
    //         Ok(__value) => __value,
    //         Err(__out) => return __out,
    //     };
    //
    // `__out` is passed on and never borrowed: a borrowed local counts as held across the await that follows, and
    // then the error type would have to be `Send`.
    fn settled(&self) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let ttl = match &self.args.ttl {
            Some(Ttl::PerValue(closure)) => {
                let at = site(first_token(&closure.body));
                let closure = unlinted(closure);
                quote_spanned!(at=> let __out = __slot.ttl(__out, #closure);)
            }
            _ => TokenStream::new(),
        };
        let unless = self.args.unless.as_ref().map(unlinted);
        let unless = unless.iter().map(|closure| quote_spanned!(here=> let __out = __slot.unless(__out, #closure);));
        quote_spanned! {here=>
            #ttl
            #(#unless)*
            let __value = match __slot.settle(__out) {
                #rt::Ok(__value) => __value,
                #rt::Err(__out) => return __out,
            };
        }
    }

    /// Tells the type of the `async` block, so that `?`, `into()` and coercions in the body resolve as they did.
    /// Spanned as the user's own tokens: as ours, an error would explain the attribute and not the mismatch.
    fn edge(&self) -> TokenStream {
        let Some(value) = &self.function.value else {
            return TokenStream::new();
        };
        let at = first_token(value);
        let rt = self.runtime.at(at);
        quote_spanned! {at=>
            if let #rt::Some(__out) = #rt::None::<#value> {
                return __out;
            }
        }
    }

    /// The body, in braces that count as generated: in the user's, lints would find them superfluous.
    fn body(&self) -> Group {
        let mut body = self.function.body.clone();
        body.set_span(site(body.span()));
        body
    }

    fn arrow(&self) -> TokenStream {
        match &self.function.sig.output {
            ReturnType::Type(arrow, ty) => {
                let ty: &Type = ty;
                quote!(#arrow #ty)
            }
            ReturnType::Default => ReturnType::Default.to_token_stream(),
        }
    }
}
