//! Rules about writers: what becomes old, what is stored, and that nothing happens before the commit.

use proc_macro2::Span;
use syn::{Expr, Type};

use crate::args::Args;
use crate::attribute::Attribute;
use crate::errors::Errors;
use crate::item::{AnnotatedFn, Binding};
use crate::output;

use super::Excused;
use super::key::{self, Keys};
use super::template::Roots;

pub(super) fn check(args: &Args, function: &AnnotatedFn, errors: &mut Errors) -> Keys {
    write_in_a_transaction(args, function, errors);
    hidden_until_commit(args, errors);
    if super::each::unreadable(args) {
        return Keys { keys: Vec::new(), tags: Vec::new() };
    }
    match args.attribute {
        Attribute::WriteThrough => {
            super::missing_ttl(args, errors);
            missing_key(args, function, errors);
            stored_result(args, function, errors);
            stored_borrow(args, function, errors);
            write_through(args, function, errors)
        }
        _ => {
            missing_key_and_tag(args, function, errors);
            invalidate(args, function, errors)
        }
    }
}

fn invalidate(args: &Args, function: &AnnotatedFn, errors: &mut Errors) -> Keys {
    let result = match &function.value {
        Some(value) if !output::is_unit(output::cached(value)) => Ok(()),
        _ => Err("this function returns nothing, so there is no `<result>`; name arguments here"),
    };
    let roots = Roots::of(function, result);
    let keys = key::keys(args, &roots, &mut Excused::default(), errors);
    let keys = Keys { keys, tags: key::tags(args, &roots, &mut Excused::default(), errors) };
    if result.is_ok() {
        result_is_an_argument(function, &keys, errors);
    }
    keys
}

fn write_through(args: &Args, function: &AnnotatedFn, errors: &mut Errors) -> Keys {
    let roots = Roots::of(
        function,
        Err("a `<result>` is known only after the write, when an older value could overwrite a newer one; name \
             arguments, or write `#[invalidate(key = …)]` and let the next read store it"),
    );
    let keys = key::keys(args, &roots, &mut Excused::default(), errors);
    let roots = Roots::of(
        function,
        Err("the state of a value's tags is read before the write, when there is no `<result>`; name arguments here"),
    );
    Keys { keys, tags: key::tags(args, &roots, &mut Excused::default(), errors) }
}

/// Readers would store the row as it was before the commit, with nobody left to invalidate it.
fn write_in_a_transaction(args: &Args, function: &AnnotatedFn, errors: &mut Errors) {
    if args.has("after_commit") {
        return;
    }
    for binding in function.bindings.iter().filter(|binding| binding.transaction) {
        errors.at(
            binding.ident.span(),
            "what is written inside of a transaction is not there before its commit, and until then readers would \
             store the old value again; write `after_commit`, and the invalidation waits for the `scope.commit()` of \
             `cache.transaction()`",
        );
    }
}

fn hidden_until_commit(args: &Args, errors: &mut Errors) {
    if let (Some(two_phase), Some(_)) = (args.two_phase, args.after_commit) {
        errors.at(
            two_phase,
            "`two_phase` hides the value while this function runs, and with `after_commit` it would have to stay \
             hidden until a commit that may never come; remove one of the two",
        );
    }
}

fn missing_key(args: &Args, function: &AnnotatedFn, errors: &mut Errors) {
    if args.misses("key") {
        errors.at(
            Span::call_site(),
            format!(
                "`key` is missing: under which key do readers find the value? Write the template that they have: \
                 `key = \"{}\"`",
                example(function)
            ),
        );
    }
}

fn missing_key_and_tag(args: &Args, function: &AnnotatedFn, errors: &mut Errors) {
    if args.misses("key") && args.misses("tag") {
        errors.at(
            Span::call_site(),
            format!(
                "nothing is invalidated here: write the key that readers of the value have, `key = \"{}\"`, or \
                 `tag = \"…\"` for all values with a tag",
                example(function)
            ),
        );
    }
}

/// A key made of an argument: rather of a number or a text than of a row, and hardly of a pool.
fn example(function: &AnnotatedFn) -> String {
    let candidates = || function.bindings.iter().filter(|binding| !binding.transaction && !binding.made_up);
    let plain = |binding: &&Binding| match binding.ty.as_ref().map(output::bare) {
        Some(Type::Reference(reference)) => is_text(&reference.elem),
        _ => true,
    };
    if let Some(binding) = candidates().find(plain) {
        return format!("user:<{}>", binding.name());
    }
    match candidates().next_back().map(Binding::name) {
        Some(name) => format!("{name}:<{name}.id>"),
        None => "users".to_owned(),
    }
}

fn is_text(ty: &Type) -> bool {
    matches!(output::bare(ty), Type::Path(path) if path.path.is_ident("str"))
}

/// Both could be meant.
fn result_is_an_argument(function: &AnnotatedFn, keys: &Keys, errors: &mut Errors) {
    if !keys.keys.iter().chain(&keys.tags).any(|key| key.names("result")) {
        return;
    }
    for binding in function.bindings.iter().filter(|binding| binding.name() == "result") {
        errors.at(
            binding.ident.span(),
            "`result` in a key could be this argument or what the function returns; give the argument another name",
        );
    }
}

/// `value = result`
fn stored_result(args: &Args, function: &AnnotatedFn, errors: &mut Errors) {
    if let Some(value) = &args.value
        && named(value, function).is_none()
        && matches!(value, Expr::Path(path) if path.path.is_ident("result"))
    {
        errors.on(value, "what is returned is stored without being named; leave `value` out");
    }
}

/// Readers decode an owned value.
fn stored_borrow(args: &Args, function: &AnnotatedFn, errors: &mut Errors) {
    let argument = args.value.as_ref().and_then(|value| Some((value, named(value, function)?)));
    if let Some((value, binding)) = argument
        && let Some(owned) = owned(binding)
    {
        errors.on(value, format!("readers get an owned value out of the cache; write `value = {owned}`"));
    }
}

/// How an owned value is made of an argument that is a slice or a text.
pub(super) fn owned(binding: &Binding) -> Option<String> {
    let Type::Reference(reference) = output::bare(binding.ty.as_ref()?) else {
        return None;
    };
    let ident = &binding.ident;
    match output::bare(&reference.elem) {
        Type::Slice(_) => Some(format!("{ident}.to_vec()")),
        text if is_text(text) => Some(format!("{ident}.to_owned()")),
        _ => None,
    }
}

/// The argument that an expression is, with nothing around it.
pub(crate) fn named<'a>(value: &Expr, function: &'a AnnotatedFn) -> Option<&'a Binding> {
    let Expr::Path(path) = value else {
        return None;
    };
    let ident = path.path.get_ident()?;
    function.bindings.iter().find(|binding| super::same(&binding.ident, ident))
}
