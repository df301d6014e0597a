//! Checked input → tokens. The only place with `quote!`.
//!
//! The expansion says in which order things happen; what happens is the runtime's. The signature and the attributes
//! of the user stay as they are, and the body stands in place, once.

mod behind;
mod cache_key;
mod each;
mod key;
mod newtype;
mod reader;
mod runtime;
mod schema;
mod site;
mod take;
mod writer;

use proc_macro2::{Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprClosure, Path, ReturnType, Signature, Type};

use crate::args::{Args, Returns, Ttl};
use crate::attribute::Attribute;
use crate::check::Checked;
use crate::item::AnnotatedFn;
use crate::key::Key;
use crate::output::{Shape, Start, first_token};

use self::key::Rendering;
use self::runtime::{Runtime, site};

pub(crate) use self::cache_key::cache_key;
pub(crate) use self::key::key_in_code;
pub(crate) use self::newtype::key_part;
pub(crate) use self::schema::cache_schema;

/// The annotated function, around which the cache stands.
pub(crate) fn function(args: &Args, checked: &Checked) -> TokenStream {
    let expansion = Expansion {
        args,
        checked,
        function: &checked.function,
        runtime: Runtime::new(args.runtime.as_ref()),
        here: site(Span::call_site()),
    };
    let sig = &checked.function.sig;
    let site = site::site(args, checked, &expansion.runtime);
    if let (Attribute::WriteBehind, Some(each)) = (args.attribute, &args.each) {
        let worker = expansion.worker(each, &site);
        let function = within(checked, sig, &[site, expansion.behind(each)]);
        return quote!(#function #worker);
    }
    if let Some(each) = &args.each {
        let sig = take::unmutated(sig);
        return within(checked, &sig, &[site, expansion.batch_call(each), expansion.batch(each)]);
    }
    let call = if args.attribute.writes() { expansion.write() } else { expansion.call() };
    let statements = match checked.function.shape {
        Shape::Async => expansion.asynchronous(),
        Shape::Blocking => expansion.blocking(),
        Shape::Boxed(start) => expansion.boxed(start),
        Shape::Future(start) => expansion.future(start),
    };
    within(checked, sig, &[site, call, statements])
}

/// The function as it was, with these statements for its body.
fn within(checked: &Checked, sig: &Signature, statements: &[TokenStream]) -> TokenStream {
    let AnnotatedFn { attrs, vis, defaultness, inner_attrs, body, .. } = &checked.function;
    let braces = site(body.span());
    // Inner attributes are illegal on a nested block, and they are about the whole function anyway.
    quote_spanned! {braces=>
        #(#attrs)* #vis #defaultness #sig {
            #(#inner_attrs)*
            #(#statements)*
        }
    }
}

/// What could not be expanded. The item comes first: editors take names and types from it, and nothing else is
/// reported as missing.
pub(crate) fn failure(item: &TokenStream, runtime: Option<&Path>, error: &syn::Error) -> TokenStream {
    let parts = |input: ParseStream| Ok((input.call(syn::Attribute::parse_outer)?, input.parse::<TokenStream>()?));
    let errors = error.to_compile_error();
    let Ok((attrs, rest)) = parts.parse2(item.clone()) else {
        return quote!(#item #errors);
    };
    // Another attribute of ours would report the same mistakes again.
    let attrs = attrs.iter().filter(|attr| Attribute::of(attr, runtime).is_none());
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
    checked: &'a Checked,
    function: &'a AnnotatedFn,
    runtime: Runtime,
    /// For tokens that stand for nothing that the user wrote.
    here: Span,
}

/// The shapes of functions. What stands around the body differs between readers and writers: `reader`, `writer`.
impl Expansion<'_> {
    // Input:
    //     async fn find_user(pool: &Pool, id: i64) -> Result<User, Error> {
    //         query(id).fetch(pool).await
    //     }
    // Output:
    //     …
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
        self.awaited(&quote_spanned!(here=> async move { #edge #body }))
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
        let (before, future) = self.started(start, &quote_spanned!(here=> move || #arrow #body));
        let statements = self.awaited(&future);
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
        let (before, future) = self.started(start, &quote_spanned!(here=> move || #body));
        let statements = self.awaited(&future);
        quote_spanned! {here=>
            #before
            async move { #statements }
        }
    }

    fn started(&self, start: Start, closure: &TokenStream) -> (TokenStream, TokenStream) {
        let here = self.here;
        match start {
            Start::OnMiss => (quote_spanned!(here=> let __body = #closure;), quote_spanned!(here=> __body())),
            Start::AtCall => (quote_spanned!(here=> let __body = (#closure)();), quote_spanned!(here=> __body)),
        }
    }

    // Input:
    //     fn find_user(conn: &mut Connection, id: i64) -> QueryResult<User> {
    //         users.find(id).first(conn)
    //     }
    // Output:
    //     …
    //     let __out = __slot.run(move || -> QueryResult<User> { users.find(id).first(conn) });
    //     …
    fn blocking(&self) -> TokenStream {
        let here = self.here;
        let body = self.body();
        let arrow = self.arrow();
        let closure = quote_spanned!(here=> move || #arrow #body);
        if self.args.attribute.writes() { self.write_blocking(&closure) } else { self.read_blocking(&closure) }
    }

    /// What every function that can wait has around its body.
    fn awaited(&self, future: &TokenStream) -> TokenStream {
        if self.args.attribute.writes() { self.write_awaited(future) } else { self.read_awaited(future) }
    }
}

/// What readers and writers have in common.
impl Expansion<'_> {
    /// `let mut __key = …;`
    fn rendered(&self, key: &Key, variable: &str) -> TokenStream {
        match key {
            Key::Template(literal, template) => self.rendering(variable, None).template(literal, template),
            Key::Typed(expr) => self.typed(expr, variable),
        }
    }

    fn rendering<'a>(&'a self, variable: &'a str, result: Option<&'a Ident>) -> Rendering<'a> {
        Rendering { function: self.function, runtime: &self.runtime, variable, result }
    }

    // Input:
    //     key = UserKey { id }
    // Output:
    //     let __key = key_of(shape!(Result<User, Error>), &UserKey { id });
    //
    // The shape tells which type is stored, and the key which one it is for. With `value = user` that is the type of
    // `user`, and where nothing is stored any key will do.
    fn typed(&self, expr: &Expr, variable: &str) -> TokenStream {
        let at = site(first_token(expr));
        let rt = self.runtime.at(at);
        let variable = Ident::new(variable, at);
        let key = match (self.args.attribute, &self.args.value) {
            (Attribute::Invalidate, _) => quote_spanned!(at=> any_key(&#expr)),
            (_, Some(_)) => quote_spanned!(at=> key_of_value(__stored, &#expr)),
            (Attribute::WriteBehind, _) => {
                let value = self.args.each.as_ref().map(|each| &each.id);
                quote_spanned!(at=> key_of_value(#value, &#expr))
            }
            (Attribute::Cached, None) if self.args.each.is_some() => quote_spanned!(at=> key_of_each(&__each, &#expr)),
            (_, None) => {
                let shape = self.shape(at, false);
                quote_spanned!(at=> key_of(#shape, &#expr))
            }
        };
        quote_spanned!(at=> let #variable = #rt::#key;)
    }

    // Input:
    //     cache = self.cache.clone(), when = id > 0
    // Output:
    //     .cache(self.cache.clone()).when(id > 0)
    fn conditions(&self) -> TokenStream {
        // An error about an expression is shown there, not at the attribute.
        let cache = self.args.cache.iter().map(|cache| {
            let at = site(first_token(cache));
            quote_spanned!(at=> .cache(#cache))
        });
        let when = self.args.when.iter().map(|when| {
            let at = site(first_token(when));
            quote_spanned!(at=> .when(#when))
        });
        quote!(#(#cache)* #(#when)*)
    }

    // Input:
    //     async fn find_user(id: i64) -> Result<User, Error>
    // Output:
    //     shape!(share Result<User, Error>)
    fn shape(&self, at: Span, share: bool) -> TokenStream {
        let rt = self.runtime.at(at);
        let unit = quote_spanned!(at=> ());
        let value = self.function.value.as_ref().map_or(unit, ToTokens::to_token_stream);
        let words = match (share, self.args.returns) {
            (_, Some(Returns::Value)) => quote_spanned!(at=> value),
            (true, Some(Returns::Result)) => quote_spanned!(at=> share result),
            (false, Some(Returns::Result)) => quote_spanned!(at=> result),
            (true, None) => quote_spanned!(at=> share),
            (false, None) => TokenStream::new(),
        };
        quote_spanned!(at=> #rt::shape!(#words #value))
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
    fn settled(&self, variable: &str) -> TokenStream {
        let here = self.here;
        let rt = self.runtime.at(here);
        let slot = Ident::new(variable, here);
        // A value that was given has been asked already.
        let returned = self.args.value.is_none();
        let ttl = self.ttl().filter(|_| returned);
        let ttl = ttl.map(|(at, closure)| quote_spanned!(at=> let __out = #slot.ttl(__out, #closure);));
        let unless = self.args.unless.as_ref().filter(|_| returned).map(unlinted);
        let unless = unless.iter().map(|closure| quote_spanned!(here=> let __out = #slot.unless(__out, #closure);));
        quote_spanned! {here=>
            #ttl
            #(#unless)*
            let __value = match #slot.settle(__out) {
                #rt::Ok(__value) => __value,
                #rt::Err(__out) => return __out,
            };
        }
    }

    /// The closure that tells a value's time to live, and where errors about it are shown.
    fn ttl(&self) -> Option<(Span, ExprClosure)> {
        match &self.args.ttl {
            Some(Ttl::PerValue(closure)) => Some((site(first_token(&closure.body)), unlinted(closure))),
            _ => None,
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
