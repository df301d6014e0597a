//! Rules about the key: its template, the names in it, and that no argument is forgotten.

use proc_macro2::Span;
use syn::LitStr;
use syn::ext::IdentExt;

use crate::args::Args;
use crate::errors::{Errors, did_you_mean, in_literal, list};
use crate::item::{Binding, CachedFn};
use crate::template::Template;

use super::Excused;

/// Where a name was written that is no argument.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum In {
    Template,
    Skip,
}

pub(super) fn check(args: &Args, function: &CachedFn, excused: &mut Excused, errors: &mut Errors) -> Option<Template> {
    if args.misses("key") {
        missing(args, function, errors);
        return None;
    }
    let literal = args.key.as_ref()?;
    let (template, mistakes) = Template::parse(&literal.value());
    for mistake in &mistakes {
        errors.push(in_literal(literal, &mistake.range, &mistake.message));
    }
    // A place that cannot be read may name any argument.
    excused.all |= !mistakes.is_empty();
    braces(&template, literal, function, excused, errors);
    names(&template, literal, function, excused, errors);
    skipped_in_key(args, &template, literal, errors);
    forgotten(args, &template, excused, function, errors);
    Some(template)
}

/// The template of `key!`: its names are for the compiler to find.
pub(crate) fn template_in_code(literal: &LitStr, errors: &mut Errors) -> Template {
    let (template, mistakes) = Template::parse(&literal.value());
    for mistake in &mistakes {
        errors.push(in_literal(literal, &mistake.range, &mistake.message));
    }
    template
}

fn missing(args: &Args, function: &CachedFn, errors: &mut Errors) {
    let mut example = function.sig.ident.to_string();
    for binding in &function.bindings {
        if !super::skipped(args, binding) && !binding.transaction && !binding.made_up {
            example += &format!(":<{}>", binding.name());
        }
    }
    errors.at(
        Span::call_site(),
        format!("`key` is missing: what tells one value from another? Write a template: `key = \"{example}\"`"),
    );
}

/// `{id}`: the habit from `format!`, which would give every argument the same key.
fn braces(template: &Template, literal: &LitStr, function: &CachedFn, excused: &mut Excused, errors: &mut Errors) {
    for braced in &template.braced {
        if function.bindings.iter().any(|binding| binding.name() == braced.root) {
            let inner = &braced.inner;
            let message = format!("braces are text in a key; write `<{inner}>` for the argument");
            errors.push(in_literal(literal, &braced.range, &message));
            excused.excuse(Some(braced.root.clone()));
        }
    }
}

fn names(template: &Template, literal: &LitStr, function: &CachedFn, excused: &mut Excused, errors: &mut Errors) {
    for place in template.places() {
        let root = place.root.as_str();
        if function.bindings.iter().any(|binding| binding.name() == root) {
            continue;
        }
        let (message, meant) = match root {
            "self" if function.receiver().is_some() => continue,
            "self" => ("this function has no `self`; a place begins with an argument".to_owned(), None),
            "result" => (
                "a key is needed before there is a result: only writers have a `<result>`; name arguments here"
                    .to_owned(),
                None,
            ),
            _ => unknown(root, function, In::Template),
        };
        errors.push(in_literal(literal, &place.range, &message));
        excused.excuse(meant);
        if function.bindings.iter().any(|binding| binding.made_up) {
            // Every name of the pattern is missing, and naming the argument mends them all.
            return;
        }
    }
}

/// What to say about a name that is no argument, and which argument was probably meant.
pub(super) fn unknown(name: &str, function: &CachedFn, place: In) -> (String, Option<String>) {
    if function.bindings.iter().any(|binding| binding.made_up) {
        let message = format!(
            "no argument is named `{name}`: `#[async_trait]` takes patterns apart inside of the body; name the \
             argument in the signature, and use it here"
        );
        return (message, None);
    }
    let mut names: Vec<String> = function.bindings.iter().map(Binding::name).collect();
    if place == In::Template && function.receiver().is_some() {
        names.push("self".to_owned());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let meant = did_you_mean(name, names.iter().copied());
    let message = match (meant, place) {
        _ if names.is_empty() => format!("no argument is named `{name}`; this function has none"),
        (Some(meant), In::Template) => {
            format!("no argument is named `{name}`, did you mean `<{meant}>`? The names are {}", list(names))
        }
        (Some(meant), In::Skip) => {
            format!("no argument is named `{name}`, did you mean `{meant}`? The names are {}", list(names))
        }
        (None, _) => format!("no argument is named `{name}`; the names are {}", list(names)),
    };
    (message, meant.map(str::to_owned))
}

fn skipped_in_key(args: &Args, template: &Template, literal: &LitStr, errors: &mut Errors) {
    for place in template.places() {
        if args.skip.iter().any(|name| name.unraw() == place.root) {
            let name = &place.root;
            errors.push(in_literal(
                literal,
                &place.range,
                &format!("`{name}` is in the key and in `skip({name})`; remove one of the two"),
            ));
        }
    }
}

/// An argument that is not in the key would be answered with the value of another call.
fn forgotten(args: &Args, template: &Template, excused: &Excused, function: &CachedFn, errors: &mut Errors) {
    for binding in &function.bindings {
        let name = binding.name();
        let in_key = template.places().any(|place| place.root == name);
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
        errors.at(
            binding.ident.span(),
            format!(
                "`{name}` is not part of the key, so calls that differ in it would share one value; write `<{name}>` \
                 into the key, or `skip({name})` if the value does not depend on it"
            ),
        );
    }
}
