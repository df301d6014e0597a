//! The argument that holds the ids of a batch, by its written type.

use syn::{GenericArgument, PathArguments, Type};

use crate::output::{bare, last_segment};

/// How the body wants them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ids {
    /// `&[Id]`
    Slice,
    /// `&Vec<Id>`
    Borrowed,
    /// `Vec<Id>`
    Owned,
}

impl Ids {
    /// With the type of one.
    pub(crate) fn read(ty: &Type) -> Option<(Ids, &Type)> {
        let Type::Reference(reference) = bare(ty) else {
            return Some((Ids::Owned, of_vec(ty)?));
        };
        if reference.mutability.is_some() {
            return None;
        }
        match bare(&reference.elem) {
            Type::Slice(slice) => Some((Ids::Slice, bare(&slice.elem))),
            other => Some((Ids::Borrowed, of_vec(other)?)),
        }
    }
}

fn of_vec(ty: &Type) -> Option<&Type> {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Vec")?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(id)) if arguments.args.len() == 1 => Some(bare(id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Ids;

    #[test]
    fn types() {
        for (ty, expected) in [
            ("&[i64]", Some((Ids::Slice, "i64"))),
            ("&'a [&'a str]", Some((Ids::Slice, "&'astr"))),
            ("(&[(u8, u8)])", Some((Ids::Slice, "(u8,u8)"))),
            ("&Vec<Id>", Some((Ids::Borrowed, "Id"))),
            ("Vec<crate::Id>", Some((Ids::Owned, "crate::Id"))),
            ("std::vec::Vec<Option<Id>>", Some((Ids::Owned, "Option<Id>"))),
            ("&mut [i64]", None),
            ("&mut Vec<i64>", None),
            ("&[i64; 3]", None),
            ("Box<[i64]>", None),
            ("HashSet<i64>", None),
            ("&i64", None),
            ("Vec", None),
        ] {
            let parsed = syn::parse_str(ty).unwrap();
            let read = Ids::read(&parsed).map(|(ids, id)| (ids, crate::errors::without_spaces(id)));
            assert_eq!(read, expected.map(|(ids, id)| (ids, id.to_owned())), "{ty}");
        }
    }
}
