//! `#[derive(CacheKey)]`.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::ext::IdentExt;

use crate::cache_key::CacheKey;
use crate::output;

use super::key;
use super::newtype::names_a_parameter;
use super::runtime::{Runtime, site};

// Input:
//     #[cache_key("user:<id>", value = User)]
//     struct UserKey { id: i64 }
// Output:
//     impl ToKey for UserKey {
//         fn to_key(&self) -> Key {
//             let mut __key = KeyWriter::new("user:");
//             part(&mut __key, &self.id, "");
//             __key.finish()
//         }
//     }
//     impl KeyOf<User> for UserKey {}
//     impl CacheKey for UserKey {
//         const TEMPLATE: &'static str = "user:<id>";
//         type Value = User;
//         fn describe() -> Option<Describe> { describe!(Returned::<User>::new()) }
//     }
//
// With a mistake, which is an error by itself, the type is a key of whatever is asked for: its uses are no errors.
pub(crate) fn cache_key(cache_key: &CacheKey) -> TokenStream {
    let CacheKey { ident, fields, template, value, runtime, .. } = cache_key;
    let here = site(ident.span());
    let runtime = Runtime::new(runtime.as_ref());
    let rt = runtime.at(here);
    let mut generics = cache_key.generics.clone();
    let (text, statements) = match template {
        Some((literal, template)) => {
            let parts = template.places().filter(|place| place.steps.is_empty() && !place.hash);
            for place in parts {
                let field =
                    fields.iter().find(|field| field.ident.as_ref().is_some_and(|name| name.unraw() == place.root));
                if let Some(field) = field.filter(|field| names_a_parameter(&field.ty, &generics)) {
                    let ty = &field.ty;
                    let at = site(output::anchor(ty));
                    let rt = runtime.at(at);
                    let bound = syn::parse_quote_spanned!(at=> #ty: #rt::KeyPart);
                    generics.make_where_clause().predicates.push(bound);
                }
            }
            (literal.value(), key::of_fields(fields, literal, template, &runtime))
        }
        None => (String::new(), quote_spanned!(here=> let __key = #rt::KeyWriter::new("");)),
    };
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let key_of = match value {
        Some(value) => quote_spanned! {here=>
            #[automatically_derived]
            impl #impl_generics #rt::KeyOf<#value> for #ident #type_generics #where_clause {}
        },
        None => {
            let mut generics = cache_key.generics.clone();
            generics.params.push(syn::parse_quote_spanned!(here=> __V));
            let (impl_generics, ..) = generics.split_for_impl();
            quote_spanned!(here=> impl #impl_generics #rt::KeyOf<__V> for #ident #type_generics #where_clause {})
        }
    };
    let stored = value.as_ref().map_or_else(|| quote_spanned!(here=> ()), |value| quote_spanned!(here=> #value));
    quote_spanned! {here=>
        #[automatically_derived]
        impl #impl_generics #rt::ToKey for #ident #type_generics #where_clause {
            fn to_key(&self) -> #rt::Key {
                #statements
                __key.finish()
            }
        }
        #key_of
        #[automatically_derived]
        impl #impl_generics #rt::CacheKey for #ident #type_generics #where_clause {
            const TEMPLATE: &'static str = #text;
            type Value = #stored;
            fn describe() -> #rt::Option<#rt::Describe> {
                #rt::describe!(#rt::Returned::<#stored>::new())
            }
        }
    }
}
