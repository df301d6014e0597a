//! Rules about templates: their syntax, and the names in them.

use syn::LitStr;

use crate::errors::{Errors, did_you_mean, in_literal, list};
use crate::item::{AnnotatedFn, Binding};
use crate::template::{Place, Template};

use super::Excused;

/// What the places of a template may begin with.
pub(crate) struct Roots {
    /// What the names are: "argument", "field".
    pub(crate) noun: &'static str,
    /// What has them: "function", "struct".
    pub(crate) owner: &'static str,
    pub(crate) names: Vec<String>,
    /// Whether `self` may be written, and if not, why.
    pub(crate) receiver: Result<(), &'static str>,
    /// Whether `result` may be written, and if not, why.
    pub(crate) result: Result<(), &'static str>,
    /// `#[async_trait]` has taken patterns apart, so their names are gone.
    pub(crate) made_up: bool,
}

/// Where a name was written that is none.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum In {
    Template,
    Skip,
}

impl Roots {
    pub(crate) fn of(function: &AnnotatedFn, result: Result<(), &'static str>) -> Roots {
        Roots {
            noun: "argument",
            owner: "function",
            names: function.bindings.iter().map(Binding::name).collect(),
            receiver: match function.receiver() {
                Some(_) => Ok(()),
                None => Err("this function has no `self`; a place begins with an argument"),
            },
            result,
            made_up: function.bindings.iter().any(|binding| binding.made_up),
        }
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// What to say about a name that is none, and which one was probably meant.
    pub(crate) fn unknown(&self, name: &str, place: In) -> (String, Option<String>) {
        if self.made_up {
            let message = format!(
                "no argument is named `{name}`: `#[async_trait]` takes patterns apart inside of the body; name the \
                 argument in the signature, and use it here"
            );
            return (message, None);
        }
        let (noun, owner) = (self.noun, self.owner);
        let others = [("self", self.receiver.is_ok()), ("result", self.result.is_ok())];
        let others = others.into_iter().filter(|(_, written)| *written && place == In::Template).map(|(name, _)| name);
        let names: Vec<&str> = self.names.iter().map(String::as_str).chain(others).collect();
        let meant = did_you_mean(name, names.iter().copied());
        let message = match (meant, place) {
            _ if names.is_empty() => format!("no {noun} is named `{name}`; this {owner} has none"),
            (Some(meant), In::Template) => {
                format!("no {noun} is named `{name}`, did you mean `<{meant}>`? The names are {}", list(names))
            }
            (Some(meant), In::Skip) => {
                format!("no {noun} is named `{name}`, did you mean `{meant}`? The names are {}", list(names))
            }
            (None, _) => format!("no {noun} is named `{name}`; the names are {}", list(names)),
        };
        (message, meant.map(str::to_owned))
    }
}

pub(crate) fn check(literal: &LitStr, roots: &Roots, excused: &mut Excused, errors: &mut Errors) -> Template {
    let (template, mistakes) = Template::parse(&literal.value());
    for mistake in &mistakes {
        errors.push(in_literal(literal, &mistake.range, &mistake.message));
    }
    // A place that cannot be read may name any argument.
    excused.all |= !mistakes.is_empty();
    braces(&template, literal, roots, excused, errors);
    names(&template, literal, roots, excused, errors);
    template
}

/// The template of `key!`: its names are for the compiler to find.
pub(crate) fn template_in_code(literal: &LitStr, errors: &mut Errors) -> Template {
    let (template, mistakes) = Template::parse(&literal.value());
    for mistake in &mistakes {
        errors.push(in_literal(literal, &mistake.range, &mistake.message));
    }
    template
}

/// `{id}`: the habit from `format!`, which would give every argument the same key.
fn braces(template: &Template, literal: &LitStr, roots: &Roots, excused: &mut Excused, errors: &mut Errors) {
    for braced in &template.braced {
        let result = braced.root == "result" && roots.result.is_ok();
        if roots.knows(&braced.root) || result {
            let inner = &braced.inner;
            let what = if result { "result" } else { roots.noun };
            let message = format!("braces are text in a template; write `<{inner}>` for the {what}");
            errors.push(in_literal(literal, &braced.range, &message));
            excused.excuse(Some(braced.root.clone()));
        }
    }
}

fn names(template: &Template, literal: &LitStr, roots: &Roots, excused: &mut Excused, errors: &mut Errors) {
    for place in template.places() {
        let Some((message, meant)) = name(place, roots) else {
            continue;
        };
        errors.push(in_literal(literal, &place.range, &message));
        excused.excuse(meant);
        if roots.made_up {
            // Every name of the pattern is missing, and naming the argument mends them all.
            return;
        }
    }
}

fn name(place: &Place, roots: &Roots) -> Option<(String, Option<String>)> {
    match place.root.as_str() {
        known if roots.knows(known) => None,
        "self" => roots.receiver.err().map(|message| (message.to_owned(), None)),
        "result" => roots.result.err().map(|message| (message.to_owned(), None)),
        unknown => Some(roots.unknown(unknown, In::Template)),
    }
}
