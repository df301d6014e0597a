//! `#[derive(KeyPart)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};

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
pub(crate) fn key_part(newtype: &Newtype) -> TokenStream {
    let Newtype { ident, member, ty, .. } = newtype;
    let runtime = Runtime::new(newtype.runtime.as_ref());
    let at = site(output::anchor(ty));
    let rt = runtime.at(at);
    let mut generics = newtype.generics.clone();
    if names_a_parameter(newtype) {
        let bound = syn::parse_quote_spanned!(at=> #ty: #rt::KeyPart);
        generics.make_where_clause().predicates.push(bound);
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    quote_spanned! {at=>
        #[automatically_derived]
        impl #impl_generics #rt::KeyPart for #ident #type_generics #where_clause {
            fn write(&self, __key: &mut #rt::KeyWriter) {
                #rt::KeyPart::write(&self.#member, __key)
            }
        }
    }
}

/// A bound on a concrete type would be one error more when it does not hold.
fn names_a_parameter(newtype: &Newtype) -> bool {
    output::words(newtype.ty.to_token_stream())
        .iter()
        .any(|word| match word {
            Word::Ident(name, _) => newtype.generics.type_params().any(|param| param.ident == name),
            _ => false,
        })
}
