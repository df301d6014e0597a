//! Rules about keys and tags: the names in them, and that a reader forgets no argument.

use proc_macro2::Span;
use syn::LitStr;

use crate::args::{Args, Written};
use crate::errors::{Errors, in_literal};
use crate::item::AnnotatedFn;
use crate::key::{Key, used};

use super::Excused;
use super::template::{self, Roots};

/// Keys and tags as they were written.
pub(super) struct Keys {
    pub(super) keys: Vec<Key>,
    pub(super) tags: Vec<Key>,
}

pub(super) fn of_reader(args: &Args, function: &AnnotatedFn, excused: &mut Excused, errors: &mut Errors) -> Keys {
    if args.misses("key") {
        missing(args, function, errors);
        excused.all = true;
    }
    // A key whose value cannot be read may name any argument.
    excused.all |= args.keys.is_empty();
    let roots = Roots::of(
        function,
        Err("a key is needed before there is a result: only writers have a `<result>`; name arguments here"),
    );
    let keys = keys(args, &roots, excused, errors);
    for key in &keys {
        skipped_in_key(args, key, errors);
    }
    let roots = Roots::of(
        function,
        Err("a tag is needed before there is a result: only writers have a `<result>`; name arguments here"),
    );
    let tags = tags(args, &roots, excused, errors);
    forgotten(args, &keys, &tags, excused, function, errors);
    Keys { keys, tags }
}

pub(super) fn keys(args: &Args, roots: &Roots, excused: &mut Excused, errors: &mut Errors) -> Vec<Key> {
    let mut key = |written: &Written| match written {
        Written::Template(literal) => template(literal, roots, excused, errors),
        Written::Typed(expr) => {
            if let (Some(result), Err(message)) = (used(expr, "result"), roots.result)
                && !roots.knows("result")
            {
                errors.at(result.span(), message);
            }
            Key::Typed(expr.clone())
        }
    };
    args.keys.iter().map(&mut key).collect()
}

pub(super) fn tags(args: &Args, roots: &Roots, excused: &mut Excused, errors: &mut Errors) -> Vec<Key> {
    args.tags.iter().map(|literal| template(literal, roots, excused, errors)).collect()
}

fn template(literal: &LitStr, roots: &Roots, excused: &mut Excused, errors: &mut Errors) -> Key {
    Key::Template(literal.clone(), template::check(literal, roots, excused, errors))
}

fn missing(args: &Args, function: &AnnotatedFn, errors: &mut Errors) {
    let mut example = function.sig.ident.to_string();
    for binding in &function.bindings {
        let ids = args.each.as_ref().is_some_and(|each| super::same(&each.ids, &binding.ident));
        if !super::skipped(args, binding) && !binding.transaction && !binding.made_up && !ids {
            example += &format!(":<{}>", binding.name());
        }
    }
    errors.at(
        Span::call_site(),
        format!("`key` is missing: what tells one value from another? Write a template: `key = \"{example}\"`"),
    );
}

fn skipped_in_key(args: &Args, key: &Key, errors: &mut Errors) {
    let message = |name: &str| format!("`{name}` is in the key and in `skip({name})`; remove one of the two");
    match key {
        Key::Template(literal, template) => {
            for place in template.places().filter(|place| args.skips(&place.root)) {
                errors.push(in_literal(literal, &place.range, &message(&place.root)));
            }
        }
        Key::Typed(expr) => {
            for name in &args.skip {
                let name = name.to_string();
                if let Some(written) = used(expr, &name) {
                    errors.at(written.span(), message(&name));
                }
            }
        }
    }
}

/// An argument that is not in the key would be answered with the value of another call. Not so one that is in a tag:
/// an entry is served only where its tags are those of the call.
fn forgotten(args: &Args, keys: &[Key], tags: &[Key], excused: &Excused, function: &AnnotatedFn, errors: &mut Errors) {
    for binding in &function.bindings {
        let name = binding.name();
        if args.each.as_ref().is_some_and(|each| each.names(&binding.ident)) {
            continue;
        }
        let in_key = keys.iter().chain(tags).any(|key| key.names(&name));
        if in_key || super::skipped(args, binding) || binding.transaction || excused.holds(binding) {
            continue;
        }
        if binding.made_up {
            errors.at(
                binding.ident.span(),
                "under `#[async_trait]` an argument that is a pattern has no name here; name it in the signature, \
                 then put it into the key or into `skip(…)`",
            );
            continue;
        }
        let typed = keys.iter().any(|key| matches!(key, Key::Typed(_)));
        let into = if typed { format!("put `{name}`") } else { format!("write `<{name}>`") };
        errors.at(
            binding.ident.span(),
            format!(
                "`{name}` is not part of the key, so calls that differ in it would share one value; {into} into the \
                 key, or `skip({name})` if the value does not depend on it"
            ),
        );
    }
}
