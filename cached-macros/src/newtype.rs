//! `#[derive(KeyPart)]`: a struct around one field, written into keys as that field is.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Fields, Generics, Ident, Item, Member, Meta, Path, Token, Type};

use crate::args;
use crate::errors::{Errors, without_spaces};

pub(crate) struct Newtype {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    /// `None`: there is not one, which is reported.
    pub(crate) field: Option<(Member, Type)>,
    /// `#[key_part(crate = ::path)]`
    pub(crate) runtime: Option<Path>,
}

impl Newtype {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Option<Newtype> {
        let (ident, generics, attrs, field) = match syn::parse2(tokens) {
            Ok(Item::Struct(item)) => {
                let field = only_field(&item.ident, &item.fields, errors);
                (item.ident, item.generics, item.attrs, field)
            }
            Ok(Item::Enum(item)) => {
                errors.at(
                    item.enum_token.span,
                    "`KeyPart` is derived for a struct with one field; for an enum write `<name|hash>` in the key, or \
                     implement `KeyPart` by a number or a text",
                );
                (item.ident, item.generics, item.attrs, None)
            }
            Ok(Item::Union(item)) => {
                errors.at(
                    item.union_token.span,
                    "`KeyPart` is derived for a struct with one field; a union does not know its value, write a \
                     getter into the key: `<name.id()>`",
                );
                (item.ident, item.generics, item.attrs, None)
            }
            // The compiler derives for nothing else.
            Ok(_) => return None,
            Err(error) => {
                errors.push(error);
                return None;
            }
        };
        let mut runtime = None;
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("key_part")) {
            match option(attr) {
                Ok(path) => runtime = Some(path),
                Err(error) => {
                    errors.push(error);
                    return None;
                }
            }
        }
        Some(Newtype { ident, generics, field, runtime })
    }
}

fn only_field(ident: &Ident, fields: &Fields, errors: &mut Errors) -> Option<(Member, Type)> {
    let mut pairs = fields.members().zip(fields);
    if let (Some((member, field)), None) = (pairs.next(), pairs.next()) {
        return Some((member, field.ty.clone()));
    }
    let places: Vec<String> = fields.members().map(|member| format!("<id.{}>", without_spaces(member))).collect();
    let message = if places.is_empty() {
        "`KeyPart` writes the one field of a struct, and this one has none; leave it out of the key".to_owned()
    } else {
        format!(
            "`KeyPart` is derived for a struct with one field; write the fields of this one into the key, as in \
             \"{}\", or all of it as `<id|hash>`",
            places.join(":")
        )
    };
    errors.at(ident.span(), message);
    None
}

/// `#[key_part(crate = ::my::path)]`
fn option(attr: &Attribute) -> syn::Result<Path> {
    let parser = |input: ParseStream| {
        let word = input.call(Ident::parse_any)?;
        if word != "crate" || !input.peek(Token![=]) {
            return Err(syn::Error::new(word.span(), ONLY_OPTION));
        }
        input.parse::<Token![=]>()?;
        args::absolute(input.parse()?)
    };
    match &attr.meta {
        Meta::List(list) if !list.tokens.is_empty() => parser.parse2(list.tokens.clone()),
        meta => Err(syn::Error::new_spanned(meta, ONLY_OPTION)),
    }
}

const ONLY_OPTION: &str = "the only option here is `crate`; write `#[key_part(crate = ::my::path)]`";
