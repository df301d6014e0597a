//! What the worker takes along in place of the caller: all arguments but the values.

use quote::ToTokens;
use syn::{FnArg, Pat, PatType, Type};

use crate::args::{Args, Each};
use crate::check::{Excused, same, skipped};
use crate::errors::{Errors, without_spaces};
use crate::ids::Ids;
use crate::item::{AnnotatedFn, Binding};
use crate::output::{self, Word};

pub(super) fn arguments(args: &Args, function: &AnnotatedFn, excused: &Excused, errors: &mut Errors) {
    for input in &function.sig.inputs {
        let FnArg::Typed(argument) = input else { continue };
        if let Some(cfg) = argument.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
            errors.on(
                cfg,
                "the worker calls this function with all of its arguments; put the condition on two functions",
            );
        }
        let is_values = |each: &Each| matches!(&*argument.pat, Pat::Ident(name) if same(&name.ident, &each.ids));
        if args.each.as_ref().is_some_and(is_values) || (args.each.is_none() && Ids::read(&argument.ty).is_some()) {
            continue;
        }
        let named = |binding: &&Binding| matches!(&*argument.pat, Pat::Ident(name) if name.ident == binding.ident);
        match function.bindings.iter().filter(|binding| binding.transaction).find(named) {
            Some(binding) => errors.at(
                binding.ident.span(),
                "the body runs in a worker, when the caller's transaction is long over; take a pool, and begin the \
                 transaction in the body",
            ),
            None => owned(argument, errors),
        }
    }
    for binding in &function.bindings {
        let values = args.each.as_ref().is_some_and(|each| each.names(&binding.ident));
        if values || skipped(args, binding) || binding.transaction || excused.holds(binding) {
            continue;
        }
        let name = binding.name();
        errors.at(
            binding.ident.span(),
            format!(
                "the worker writes the values of many calls, with one `{name}` of its own; put it into the values if \
                 it differs from call to call, or `skip({name})` if the worker's is as good"
            ),
        );
    }
}

/// The worker outlives every call.
fn owned(argument: &PatType, errors: &mut Errors) {
    let ty = output::bare(&argument.ty);
    if let Some(word) = output::words(ty.to_token_stream()).iter().find_map(|word| match word {
        Word::Ident(word, span) if word == "impl" => Some(*span),
        _ => None,
    }) {
        errors.at(word, "one queue has one worker, with arguments of one type; name the type instead of `impl …`");
        return;
    }
    let instead = match ty {
        Type::Reference(reference) if is_static(reference) => return,
        Type::Reference(reference) if reference.mutability.is_some() => {
            "take what it can be had from, such as a pool in place of a connection, and write its owned type".to_owned()
        }
        Type::Reference(reference) => match output::bare(&reference.elem) {
            Type::Slice(slice) => format!("write `Vec<{}>`", without_spaces(&slice.elem)),
            Type::Path(path) if path.path.is_ident("str") => "write `String`".to_owned(),
            Type::TraitObject(object) => format!("write `Arc<{}>`", object.to_token_stream()),
            elem => {
                let elem = without_spaces(elem);
                format!("write `{elem}`: a pool or a client is cheap to clone; of anything else `Arc<{elem}>`")
            }
        },
        _ if borrows(ty) => "write an owned type, without a lifetime".to_owned(),
        _ => return,
    };
    errors.on(ty, format!("the worker runs the body after the call, so it cannot borrow from the caller; {instead}"));
}

fn is_static(reference: &syn::TypeReference) -> bool {
    reference.mutability.is_none()
        && reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static")
        && !borrows(&reference.elem)
}

fn borrows(ty: &Type) -> bool {
    output::words(ty.to_token_stream()).iter().any(|word| matches!(word, Word::Lifetime(_)))
        || ty.to_token_stream().to_string().replace("& 'static", "").contains('&')
}
