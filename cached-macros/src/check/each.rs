//! Rules about batches: the ids are an argument, one of them is in the key, and the body can run more than once.

use syn::ext::IdentExt;
use syn::{Ident, Type};

use crate::args::{Args, Each};
use crate::attribute::Attribute;
use crate::errors::{Errors, in_literal};
use crate::ids::Ids;
use crate::item::{AnnotatedFn, Binding};
use crate::key::{Key, used};
use crate::output::{Shape, Start};

use super::template::{In, Roots};
use super::{Excused, same};

/// Adds the name of one id to those that a key may name.
pub(super) fn check(args: &Args, function: &mut AnnotatedFn, excused: &mut Excused, errors: &mut Errors) {
    let Some(each) = &args.each else {
        if let Some(by) = args.by.as_ref().filter(|_| args.misses("each")) {
            errors.on(
                by,
                "`by` says which id a value of a batch has, and this is no batch: write `each = id in ids`, or leave \
                 `by` out",
            );
        }
        return;
    };
    local(args, errors);
    shape(function, errors);
    receiver(function, errors);
    named_twice(each, args, function, errors);
    let id = ids(each, args, function, excused, errors);
    // First, so that of two names that may have been meant it is this one.
    let ident = each.id.clone();
    let binding = Binding { ident, cfgs: Vec::new(), ty: id, transaction: false, made_up: false };
    function.bindings.insert(0, binding);
}

/// What a batch has many of.
fn one(args: &Args) -> &'static str {
    if args.attribute == Attribute::WriteBehind { "value" } else { "id" }
}

/// What one id is called is unknown, and so is what a key may name.
pub(super) fn unreadable(args: &Args) -> bool {
    args.each.is_none() && !args.misses("each")
}

/// A local hit answers a whole call, and of a batch it would be parts.
fn local(args: &Args, errors: &mut Errors) {
    if let Some(local) = args.local {
        errors.at(
            local.span,
            "a batch is not kept in the process in this version; leave `local` out here, and write it at the function \
             for a single id, which shares its entries with the batch",
        );
    }
}

/// The body is told what is missing, and called again where another process failed to load its part.
fn shape(function: &AnnotatedFn, errors: &mut Errors) {
    if matches!(function.shape, Shape::Future(_) | Shape::Boxed(Start::AtCall)) {
        errors.on(
            &function.sig.output,
            "the body of a batch is called when it is known which ids are missing, and this future exists before; \
             write `async fn`, with the type of the value",
        );
    }
}

/// The future of a boxed body takes `self` along, and the next one needs it again.
fn receiver(function: &AnnotatedFn, errors: &mut Errors) {
    if let (Shape::Boxed(_), Some(receiver), false) = (function.shape, function.sig.receiver(), function.shares_self())
    {
        errors.on(
            receiver,
            "the body of a batch may run more than once, and here it takes `self` along when it first does; write \
             `&self`",
        );
    }
}

pub(super) fn named_twice(each: &Each, args: &Args, function: &AnnotatedFn, errors: &mut Errors) {
    let id = &each.id;
    if function.bindings.iter().any(|binding| same(&binding.ident, id)) {
        errors.at(id.span(), format!("`{id}` is an argument; give one of the {}s a name of its own", one(args)));
    }
}

/// The type of one id, where it can be seen.
fn ids(each: &Each, args: &Args, function: &AnnotatedFn, excused: &mut Excused, errors: &mut Errors) -> Option<Type> {
    let ty = argument(each, args, function, excused, errors)?;
    let read = Ids::read(ty).map(|(_, id)| id.clone());
    if read.is_none() {
        errors.on(ty, "the ids of a batch are a `&[Id]`, a `&Vec<Id>` or a `Vec<Id>`; write one of these types");
    }
    read
}

/// The type of the argument that holds all of them.
pub(super) fn argument<'a>(
    each: &Each,
    args: &Args,
    function: &'a AnnotatedFn,
    excused: &mut Excused,
    errors: &mut Errors,
) -> Option<&'a Type> {
    let ids = &each.ids;
    let Some(binding) = function.bindings.iter().find(|binding| same(&binding.ident, ids)) else {
        let (message, meant) = Roots::of(function, Err("")).unknown(&plain(ids), In::Skip);
        errors.at(ids.span(), message);
        excused.excuse(meant);
        return None;
    };
    if binding.ty.is_none() {
        let one = one(args);
        errors.at(
            ids.span(),
            format!("`{ids}` is a part of an argument; the {one}s of a batch are an argument themselves"),
        );
    }
    binding.ty.as_ref()
}

/// A value is stored for one id: its key names that one, and not the others.
pub(super) fn in_key(args: &Args, keys: &[Key], excused: &Excused, errors: &mut Errors) {
    let Some(Each { id, ids }) = args.each.as_ref().filter(|each| !same(&each.id, &each.ids)) else {
        return;
    };
    if let Some(skipped) = args.skip.iter().find(|name| same(name, ids)) {
        errors.at(skipped.span(), format!("`{ids}` stands in the key, as `{id}`; remove it here"));
    }
    for key in keys {
        all_in_key(key, id, ids, args, errors);
    }
    let named = keys.iter().any(|key| key.names(&plain(id)) || key.names(&plain(ids)));
    if keys.is_empty() || named || excused.names(&plain(id)) || excused.names(&plain(ids)) {
        return;
    }
    let typed = keys.iter().any(|key| matches!(key, Key::Typed(_)));
    let into = if typed { format!("put `{id}`") } else { format!("write `<{}>`", plain(id)) };
    errors.at(
        id.span(),
        format!(
            "`{id}` is not part of the key, so all {}s of a call would share one {}; {into} into the key",
            one(args),
            if args.attribute == Attribute::WriteBehind { "entry" } else { "value" }
        ),
    );
}

fn all_in_key(key: &Key, id: &Ident, ids: &Ident, args: &Args, errors: &mut Errors) {
    let message = |instead: &str| {
        format!(
            "a key is for one {}, and `{ids}` are all of them: another list would find none of these values; write \
             {instead}",
            one(args)
        )
    };
    match key {
        Key::Template(literal, template) => {
            for place in template.places().filter(|place| place.root == plain(ids)) {
                errors.push(in_literal(literal, &place.range, &message(&format!("`<{}>`", plain(id)))));
            }
        }
        Key::Typed(expr) => {
            if let Some(written) = used(expr, &plain(ids)) {
                errors.at(written.span(), message(&format!("`{id}`")));
            }
        }
    }
}

/// Without `r#`.
fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}
