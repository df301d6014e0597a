//! `each = id in ids`.

use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Ident, Pat, Token};

/// A batch: one value for each of many ids.
pub(crate) struct Each {
    /// What one id is called in the key.
    pub(crate) id: Ident,
    /// The argument that holds all of them.
    pub(crate) ids: Ident,
}

const EXAMPLE: &str = "write `each = id in ids`";

impl Each {
    /// Whether this is one of its two names.
    pub(crate) fn names(&self, ident: &Ident) -> bool {
        [&self.id, &self.ids].into_iter().any(|name| name.unraw() == ident.unraw())
    }

    pub(super) fn parse(name: &Ident, input: ParseStream) -> syn::Result<Each> {
        if !input.peek(Token![=]) {
            return Err(syn::Error::new(name.span(), format!("`each` takes a value; {EXAMPLE}")));
        }
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(name.span(), format!("the value of `each` is missing; {EXAMPLE}")));
        }
        let id = id(input)?;
        if !input.peek(Token![in]) {
            return Err(syn::Error::new(
                id.span(),
                format!("`each` takes a name for one id, and the argument with all of them; write `each = id in {id}`"),
            ));
        }
        input.parse::<Token![in]>()?;
        Ok(Each { id, ids: ids(input)? })
    }
}

/// A new name.
fn id(input: ParseStream) -> syn::Result<Ident> {
    let ahead = input.fork();
    if ahead.parse::<Ident>().is_ok() && (ahead.is_empty() || ahead.peek(Token![,]) || ahead.peek(Token![in])) {
        return input.parse();
    }
    let ahead = input.fork();
    if let Ok(pattern) = ahead.call(Pat::parse_single)
        && ahead.peek(Token![in])
    {
        return Err(syn::Error::new_spanned(
            &pattern,
            "one id has a name here, not a pattern; write `each = id in ids`, and name its parts in the key: `<id.0>`, \
             `<id.name>`",
        ));
    }
    Err(input.error(format!("`each` takes a name for one id, and the argument with all of them; {EXAMPLE}")))
}

/// The name of an argument, whole.
fn ids(input: ParseStream) -> syn::Result<Ident> {
    let ahead = input.fork();
    let named = ahead.call(Ident::parse_any).is_ok_and(|name| name != "self");
    // Behind a comma that is missing the next option begins.
    if named && (ahead.is_empty() || ahead.peek(Token![,]) || ahead.peek(Ident::peek_any)) {
        return input.call(Ident::parse_any);
    }
    Err(input.error(format!("the ids of a batch are an argument, and nothing around its name; {EXAMPLE}")))
}
