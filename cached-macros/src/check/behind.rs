//! Rules about `#[write_behind]`: the body runs later, in a worker, with the values of many calls. So it takes the values
//! by themselves, and everything else is the worker's own.

mod arguments;

use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{GenericParam, Ident, ReceiverKind, Type};

use crate::args::Args;
use crate::attribute::Attribute;
use crate::errors::{Errors, in_literal, without_spaces};
use crate::ids::Ids;
use crate::item::{AnnotatedFn, Binding};
use crate::key::{Key, used};
use crate::output::{self, Shape};

use self::arguments::arguments;
use super::key::{self, Keys};
use super::template::Roots;
use super::{Excused, each, same};

pub(super) fn check(args: &Args, function: &mut AnnotatedFn, errors: &mut Errors) -> Keys {
    let nothing = Keys { keys: Vec::new(), tags: Vec::new() };
    if in_a_trait(function, errors) {
        return nothing;
    }
    asynchronous(function, errors);
    safe(function, errors);
    generic(function, errors);
    receiver(function, errors);
    returned(args, function, errors);
    only_writer(args, function, errors);
    super::missing_ttl(args, errors);
    let mut excused = Excused { names: Vec::new(), all: args.skip_unreadable || each::unreadable(args) };
    super::skipped_twice(args, errors);
    super::skipped_unknown(args, function, &mut excused, errors);
    let values = values(args, function, &mut excused, errors);
    arguments(args, function, &excused, errors);
    cache(args, errors);
    if let Some(each) = &args.each {
        each::named_twice(each, args, function, errors);
        let ident = each.id.clone();
        function
            .bindings
            .insert(0, Binding { ident, cfgs: Vec::new(), ty: values, transaction: false, made_up: false });
    }
    // What one of the values is called is unknown, and so is what a key may name.
    if args.each.is_none() {
        if args.misses("key") {
            missing_key(args, errors);
        }
        return nothing;
    }
    let keys = keys(args, function, &mut excused, errors);
    each::in_key(args, &keys.keys, &excused, errors);
    keys
}

fn keys(args: &Args, function: &AnnotatedFn, excused: &mut Excused, errors: &mut Errors) -> Keys {
    if args.misses("key") {
        missing_key(args, errors);
    }
    excused.all |= args.keys.is_empty();
    let result = "the body runs after the call, so there is no `<result>`; name the value that `each` names";
    let mut roots = Roots::of(function, Err(result));
    let keys = key::keys(args, &roots, excused, errors);
    roots.result = Err(result);
    let tags = key::tags(args, &roots, excused, errors);
    for written in keys.iter().chain(&tags) {
        of_the_value(written, args, function, errors);
    }
    Keys { keys, tags }
}

fn missing_key(args: &Args, errors: &mut Errors) {
    let example = match &args.each {
        Some(each) => format!("{0}:<{0}.id>", plain(&each.id)),
        None => "user:<user.id>".to_owned(),
    };
    errors.at(
        Span::call_site(),
        format!(
            "`key` is missing: under which key do readers find one of the values? Write the template that they have: \
             `key = \"{example}\"`"
        ),
    );
}

/// What else a key named would be the worker's, and not the call's.
fn of_the_value(key: &Key, args: &Args, function: &AnnotatedFn, errors: &mut Errors) {
    let message = |name: &str| {
        format!(
            "a key is made of the value alone: the worker writes the values of many calls, with one `{name}` of its \
             own; put what the key needs of `{name}` into the value, and name it there"
        )
    };
    let mut others: Vec<String> = function.bindings.iter().map(Binding::name).collect();
    others.extend(function.receiver().map(|_| "self".to_owned()));
    // Of the argument with all of them it is said elsewhere.
    others.retain(|name| !args.each.as_ref().is_some_and(|each| plain(&each.id) == *name || plain(&each.ids) == *name));
    match key {
        Key::Template(literal, template) => {
            for place in template.places().filter(|place| others.contains(&place.root)) {
                errors.push(in_literal(literal, &place.range, &message(&place.root)));
            }
        }
        Key::Typed(expr) => {
            for name in &others {
                if let Some(written) = used(expr, name) {
                    errors.at(written.span(), message(name));
                }
            }
        }
    }
}

/// Beside a method of a trait there is no room for its worker. What `#[async_trait]` leaves behind shows that it is one;
/// else the compiler says that the worker is no method of that trait.
fn in_a_trait(function: &AnnotatedFn, errors: &mut Errors) -> bool {
    let found = function.sig.generics.lifetimes().any(|param| param.lifetime.ident == "async_trait");
    if found {
        let name = function.sig.ident.unraw();
        errors.at(
            function.sig.ident.span(),
            format!(
                "`{}` adds `{name}_worker` beside this method, and a trait has no room for it; put the annotated \
                 method into an `impl` block of the type itself, and call it from here",
                Attribute::WriteBehind
            ),
        );
    }
    found
}

fn asynchronous(function: &AnnotatedFn, errors: &mut Errors) {
    match function.shape {
        Shape::Async => {}
        Shape::Blocking => errors.at(
            function.sig.fn_token.span,
            "the body runs in a worker, which is a task: write `async fn`, and what blocks into \
             `tokio::task::spawn_blocking`",
        ),
        Shape::Boxed(_) | Shape::Future(_) => errors.on(
            &function.sig.output,
            "the body runs in the worker, and not when the function is called; write `async fn`, with what the future \
             ends with",
        ),
    }
}

fn safe(function: &AnnotatedFn, errors: &mut Errors) {
    if let Some(word) = function.sig.safety.to_token_stream().into_iter().next() {
        errors.at(
            word.span(),
            "the worker calls this function, and cannot know that it may; remove `unsafe`, or the attribute",
        );
    }
}

/// A queue is one for all of the program, and holds values of one type.
fn generic(function: &AnnotatedFn, errors: &mut Errors) {
    for param in &function.sig.generics.params {
        let message = match param {
            GenericParam::Lifetime(_) => {
                "what is written later cannot be borrowed from the caller; take owned arguments, and remove this lifetime"
            }
            GenericParam::Type(_) | GenericParam::Const(_) => {
                "one queue holds the values of one type; write a function for each type, whose body calls the generic one"
            }
        };
        errors.on(param, message);
    }
}

fn receiver(function: &AnnotatedFn, errors: &mut Errors) {
    let Some(receiver) = function.sig.receiver() else {
        return;
    };
    let exclusive = match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_some(),
        ReceiverKind::Typed(_, ty) => {
            matches!(output::bare(ty), Type::Reference(reference) if reference.mutability.is_some())
        }
        _ => false,
    };
    if exclusive {
        errors.on(receiver, "the worker has a clone of `self`, and shares it; write `&self` or `self: Arc<Self>`");
    }
}

/// Whoever calls has an answer before there is anything to return.
fn returned(args: &Args, function: &AnnotatedFn, errors: &mut Errors) {
    let value = function.value.as_ref().filter(|value| !output::is_unit(value));
    let Some(value) = value else {
        if let Some(refuses) = args.behind.refuses {
            errors.at(
                refuses,
                "this function cannot return an error; write `on_full = write_through`, or return `Result<(), E>` with \
                 an `E` that is `From<cached_runtime::Error>`",
            );
        }
        return;
    };
    let message = "the call returns before the body has run, so there is nothing to return; write `Result<(), E>`, or \
                   leave the return type out";
    if let Some((ok, _)) = output::result_of(value) {
        if !output::is_unit(ok) {
            errors.on(ok, message);
        }
    // What a name stands for, the compiler knows.
    } else if !matches!(output::bare(value), Type::Path(_) | Type::Macro(_) | Type::Never(_) | Type::ImplTrait(_)) {
        errors.on(value, message);
    }
}

/// Another writer would remove, or overwrite, what waits in the queue.
fn only_writer(args: &Args, function: &AnnotatedFn, errors: &mut Errors) {
    for attr in &function.attrs {
        let other = Attribute::of(attr, args.runtime.as_ref());
        if let Some(other) = other.filter(|other| other.writes()) {
            let message = if other == Attribute::WriteBehind {
                "this function is written behind twice; remove one of the two attributes".to_owned()
            } else {
                format!(
                    "`{other}` is about a write that has ended, and here the body runs after the call; remove one of \
                     the two attributes"
                )
            };
            errors.on(attr.path(), message);
        }
    }
}

/// The type of one value, where it can be seen.
fn values(args: &Args, function: &AnnotatedFn, excused: &mut Excused, errors: &mut Errors) -> Option<Type> {
    let Some(each) = &args.each else {
        if args.misses("each") {
            missing_each(args, function, errors);
            excused.all = true;
        }
        return None;
    };
    if let Some(skipped) = args.skip.iter().find(|name| same(name, &each.ids)) {
        errors.at(skipped.span(), format!("`{}` are the values; remove it here", plain(&each.ids)));
    }
    let ty = each::argument(each, args, function, excused, errors)?;
    match Ids::read(ty) {
        Some((Ids::Owned, value)) => Some(value.clone()),
        Some((_, value)) => {
            let value = without_spaces(value);
            errors.on(
                ty,
                format!("the values are written after the call, so they cannot be borrowed; write `Vec<{value}>`"),
            );
            None
        }
        None => {
            errors.on(ty, "the body writes a batch: its values are a `Vec` of them; write `Vec<…>` here");
            None
        }
    }
}

fn missing_each(args: &Args, function: &AnnotatedFn, errors: &mut Errors) {
    let candidates = || {
        let bindings =
            function.bindings.iter().filter(|binding| !super::skipped(args, binding) && !binding.transaction);
        bindings.filter_map(|binding| Some((binding, binding.ty.as_ref()?)))
    };
    let list = candidates().find(|(_, ty)| Ids::read(ty).is_some());
    let message = match (list, candidates().next_back()) {
        (Some((binding, _)), _) => {
            let values = binding.name();
            let value = values.strip_suffix('s').filter(|value| !value.is_empty()).unwrap_or("value");
            format!(
                "`each` is missing: what is one of the values called in the key? Write `each = {value} in {values}`"
            )
        }
        (None, Some((binding, ty))) => {
            let value = binding.name();
            let ty = without_spaces(output::bare(ty)).trim_start_matches('&').to_owned();
            format!(
                "`each` is missing: the body writes the values of many calls at once; take `{value}s: Vec<{ty}>`, and \
                 write `each = {value} in {value}s`"
            )
        }
        (None, None) => {
            "`each` is missing: the body writes the values of many calls at once; take `users: Vec<User>`, \
                         and write `each = user in users`"
                .to_owned()
        }
    };
    errors.at(Span::call_site(), message);
}

/// It is asked again where the worker begins, without any values.
fn cache(args: &Args, errors: &mut Errors) {
    let (Some(cache), Some(each)) = (&args.cache, &args.each) else {
        return;
    };
    for name in [&each.ids, &each.id] {
        if let Some(written) = used(cache, &plain(name)) {
            errors.at(
                written.span(),
                "the worker uses this cache too, and has no values yet; name `self` or an argument that is skipped",
            );
        }
    }
}

/// Without `r#`.
fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}
