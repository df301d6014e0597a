//! `#[derive(KeyPart)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::{Generics, Type};

use crate::newtype::Newtype;
use crate::output::{self, Word};

use super::runtime::{Runtime, site};

// Input:
//     struct Id<T>(T);
// Output:
//     impl<T> KeyPart for Id<T> where T: KeyPart {
//         fn write(&self, key: &mut KeyWriter) {
//             KeyPart::write(&self.0, key)
//         }
//     }
//
// Without its one field, which is an error by itself, the type gets an implementation that writes nothing: its uses are
// no errors.
pub(crate) fn key_part(newtype: &Newtype) -> TokenStream {
    let Newtype { ident, field, .. } = newtype;
    let at = site(field.as_ref().map_or_else(|| ident.span(), |(_, ty)| output::anchor(ty)));
    let rt = Runtime::new(newtype.runtime.as_ref()).at(at);
    let mut generics = newtype.generics.clone();
    let write = field.as_ref().map(|(member, ty)| {
        if names_a_parameter(ty, &generics) {
            let bound = syn::parse_quote_spanned!(at=> #ty: #rt::KeyPart);
            generics.make_where_clause().predicates.push(bound);
        }
        quote_spanned!(at=> #rt::KeyPart::write(&self.#member, __key))
    });
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    quote_spanned! {at=>
        #[automatically_derived]
        impl #impl_generics #rt::KeyPart for #ident #type_generics #where_clause {
            fn write(&self, __key: &mut #rt::KeyWriter) {
                #write
            }
        }
    }
}

/// A bound on a concrete type would be one error more when it does not hold.
pub(super) fn names_a_parameter(ty: &Type, generics: &Generics) -> bool {
    output::words(ty.to_token_stream()).iter().any(|word| match word {
        Word::Ident(name, _) => generics.type_params().any(|param| param.ident == name),
        _ => false,
    })
}
