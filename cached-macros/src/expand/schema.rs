//! `#[derive(CacheSchema)]`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Generics, Type, WherePredicate};

use crate::output::{self, Word};
use crate::schema::{Part, Schema};

use super::runtime::{Runtime, site};

// Input:
//     #[serde(rename_all = "camelCase")]
//     struct Page<T> { items: Vec<T>, next: Option<u64> }
// Output:
//     impl<T> CacheSchema for Page<T> where T: CacheSchema {
//         fn describe(__schema: &mut SchemaWriter) {
//             if __schema.begin::<Self>() {
//                 __schema.word("struct rename_all = \"camelCase\"");
//                 __schema.word("fields 2");
//                 __schema.word("items ");
//                 <Vec<T> as CacheSchema>::describe(__schema);
//                 __schema.word("next ");
//                 <Option<u64> as CacheSchema>::describe(__schema);
//             }
//         }
//     }
pub(crate) fn cache_schema(schema: &Schema) -> TokenStream {
    let Schema { ident, parts, .. } = schema;
    let here = site(Span::call_site());
    let runtime = Runtime::new(schema.runtime.as_ref());
    let rt = runtime.at(here);
    let mut generics = schema.generics.clone();
    let types = parts.iter().filter_map(|part| match part {
        Part::Type(ty) => Some(&**ty),
        Part::Word(_) => None,
    });
    let bounds: Vec<WherePredicate> = types.flat_map(|ty| bounds(ty, &schema.generics, &runtime)).collect();
    if !bounds.is_empty() {
        generics.make_where_clause().predicates.extend(bounds);
    }
    let statements = parts.iter().map(|part| match part {
        Part::Word(word) => quote_spanned!(here=> __schema.word(#word);),
        Part::Type(ty) => {
            let at = site(output::anchor(ty));
            let rt = runtime.at(at);
            quote_spanned!(at=> <#ty as #rt::CacheSchema>::describe(__schema);)
        }
    });
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    quote_spanned! {here=>
        #[automatically_derived]
        impl #impl_generics #rt::CacheSchema for #ident #type_generics #where_clause {
            fn describe(__schema: &mut #rt::SchemaWriter) {
                if __schema.begin::<Self>() {
                    #(#statements)*
                }
            }
        }
    }
}

/// What has to describe itself so that this type does: its parameters. Bounds on the types themselves would be endless for
/// those that contain each other; only what belongs to a parameter (`T::Item`) leaves no choice.
fn bounds(ty: &Type, generics: &Generics, runtime: &Runtime) -> Vec<WherePredicate> {
    let at = site(output::anchor(ty));
    let rt = runtime.at(at);
    let words = output::words(ty.to_token_stream());
    let is = |word: &Word, ident: &Ident| matches!(word, Word::Ident(name, _) if ident == name);
    if words.iter().any(|word| matches!(word, Word::Ident(name, _) if name == "PhantomData")) {
        return Vec::new();
    }
    let parameters = generics.type_params().map(|param| &param.ident);
    let named: Vec<&Ident> = parameters.filter(|param| words.iter().any(|word| is(word, param))).collect();
    let of_parameter = |pair: &[Word]| match pair {
        [word, Word::PathSeparator] => named.iter().any(|param| is(word, param)),
        _ => false,
    };
    if words.windows(2).any(of_parameter) {
        return vec![syn::parse_quote_spanned!(at=> #ty: #rt::CacheSchema)];
    }
    named.into_iter().map(|param| syn::parse_quote_spanned!(at=> #param: #rt::CacheSchema)).collect()
}
