//! The static part of an annotated function: what is known of it before any call.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Expr;
use syn::ext::IdentExt;

use crate::args::{Args, Early, Time, Ttl};
use crate::check::Checked;
use crate::errors::without_spaces;
use crate::key::Key;
use crate::output::first_token;

use super::runtime::{Runtime, site as generated};

// Input:
//     #[cached(key = "user:<id>", ttl = 3600, mutex)]
//     async fn find_user(…)
// Output:
//     static __SITE: Site = Site::new(
//         concat!(module_path!(), "::find_user"), file!(), line!(), "user:<id>",
//         Policy::ttl(Duration::from_millis(3600000u64)).mutex(),
//     );
//
// No token of the user but literals and the name of a typed key: an item cannot name generics, `self` or arguments.
pub(crate) fn site(args: &Args, checked: &Checked, runtime: &Runtime) -> TokenStream {
    let here = generated(Span::call_site());
    let rt = runtime.at(here);
    let name = format!("::{}", checked.function.sig.ident.unraw());
    let template = checked.keys.iter().chain(&checked.tags).next().map(|key| template(key, runtime));
    let policy = policy(args, &rt, here);
    quote_spanned! {here=>
        static __SITE: #rt::Site = #rt::Site::new(
            #rt::concat!(#rt::module_path!(), #name),
            #rt::file!(),
            #rt::line!(),
            #template,
            #policy,
        );
    }
}

// Input:
//     key = UserKey { id }
// Output:
//     template(|UserKey { .. }| ())
//
// With parameters that are written out it is only the name: they may be those of the function.
fn template(key: &Key, runtime: &Runtime) -> TokenStream {
    let path = match key {
        Key::Template(literal, _) => return literal.value().into_token_stream(),
        Key::Typed(Expr::Struct(expr)) => &expr.path,
        Key::Typed(Expr::Path(expr)) => &expr.path,
        Key::Typed(other) => return without_spaces(other).into_token_stream(),
    };
    let parameters = path.segments.iter().any(|segment| !segment.arguments.is_none());
    if parameters || path.segments.first().is_some_and(|segment| segment.ident == "Self") {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect();
        return names.join("::").into_token_stream();
    }
    let at = generated(first_token(path));
    let rt = runtime.at(at);
    quote_spanned!(at=> #rt::template(|#path { .. }| ()))
}

fn policy(args: &Args, rt: &TokenStream, here: Span) -> TokenStream {
    let duration = |time: Time| {
        let millis = time.millis;
        quote_spanned!(here=> #rt::Duration::from_millis(#millis))
    };
    let mut policy = match &args.ttl {
        Some(Ttl::Fixed(time)) => {
            let time = duration(*time);
            quote_spanned!(here=> #rt::Policy::ttl(#time))
        }
        Some(Ttl::PerValue(_)) => quote_spanned!(here=> #rt::Policy::per_value()),
        Some(Ttl::Never) | None => quote_spanned!(here=> #rt::Policy::never()),
    };
    if let Some(mutex) = &args.mutex {
        let lease = mutex.lease.map(duration).into_iter();
        let wait = mutex.wait.map(duration).into_iter();
        let stale = mutex.stale.map(|_| quote_spanned!(here=> .stale_on_timeout()));
        policy.extend(quote_spanned!(here=> .mutex() #(.lease(#lease))* #(.wait(#wait))* #stale));
    }
    let none_ttl = args.none_ttl.map(duration).into_iter();
    let error_ttl = args.error_ttl.map(duration).into_iter();
    let stale = args.stale.map(duration).into_iter();
    let background = args.background.map(|_| quote_spanned!(here=> .in_background()));
    let early = args.early.map(|early| match early {
        Early::Beta(beta, _) => {
            let beta = Literal::f64_suffixed(beta);
            quote_spanned!(here=> .early(#beta))
        }
        Early::Off(_) => quote_spanned!(here=> .no_early()),
    });
    let version = args.version.into_iter();
    let jitter = args.jitter.map(Literal::f64_suffixed).into_iter();
    let load_timeout = args.load_timeout.map(duration).into_iter();
    let local = args.local.map(|local| match local.at_most {
        Some(time) => duration(time),
        None => quote_spanned!(here=> #rt::Duration::MAX),
    });
    let local = local.into_iter();
    policy.extend(quote_spanned! {here=>
        #(.none_ttl(#none_ttl))* #(.error_ttl(#error_ttl))* #(.stale(#stale))* #background #early #(.version(#version))* #(.jitter(#jitter))* #(.load_timeout(#load_timeout))*
        #(.local(#local))*
    });
    policy
}
