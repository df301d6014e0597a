//! Every rule about what may be cached and how, one function per rule. Each error says what to write instead; a rule
//! that builds on an earlier one is not asked where that one failed, so that one mistake is one error.

mod behind;
mod each;
mod freshness;
mod key;
mod output;
mod signature;
mod template;
mod writer;

use proc_macro2::Span;
use syn::Ident;
use syn::ext::IdentExt;

use crate::args::Args;
use crate::attribute::Attribute;
use crate::errors::Errors;
use crate::item::{Annotated, AnnotatedFn, Binding};
use crate::key::Key;

use self::key::Keys;
use self::template::In;

pub(crate) use self::template::{Roots, check as template, template_in_code};
pub(crate) use self::writer::named;

/// A function that passed every rule, with what the expansion needs of it.
pub(crate) struct Checked {
    pub(crate) function: AnnotatedFn,
    pub(crate) keys: Vec<Key>,
    pub(crate) tags: Vec<Key>,
}

pub(crate) fn check(args: &Args, annotated: Annotated, errors: &mut Errors) -> Option<Checked> {
    let mut function = match annotated {
        Annotated::Function(function) => *function,
        Annotated::Bodiless(semicolon) => {
            signature::without_body(args.attribute, semicolon, errors);
            return None;
        }
        Annotated::Other(word) => {
            signature::not_a_function(args.attribute, &word, errors);
            return None;
        }
    };
    signature::constant(&function, errors);
    signature::variadic(&function, errors);
    signature::annotated_twice(&function, args, errors);
    signature::hidden_names(&function, errors);
    output::check(&function, args, errors);
    let Keys { keys, tags } = match args.attribute {
        Attribute::Cached => reader(args, &mut function, errors),
        Attribute::WriteBehind => behind::check(args, &mut function, errors),
        Attribute::Invalidate | Attribute::WriteThrough => writer::check(args, &function, errors),
    };
    Some(Checked { function, keys, tags })
}

fn reader(args: &Args, function: &mut AnnotatedFn, errors: &mut Errors) -> Keys {
    missing_ttl(args, errors);
    lease_outlives_load(args, errors);
    freshness::check(args, function, errors);
    let mut excused = Excused { names: Vec::new(), all: args.skip_unreadable };
    each::check(args, function, &mut excused, errors);
    skipped_twice(args, errors);
    skipped_unknown(args, function, &mut excused, errors);
    read_in_a_transaction(args, function, &excused, errors);
    if each::unreadable(args) {
        return Keys { keys: Vec::new(), tags: Vec::new() };
    }
    let keys = key::of_reader(args, function, &mut excused, errors);
    each::in_key(args, &keys.keys, &excused, errors);
    keys
}

/// Arguments that seem to be forgotten because of a mistake that is reported already.
#[derive(Default)]
pub(crate) struct Excused {
    names: Vec<String>,
    /// Nobody knows which.
    all: bool,
}

impl Excused {
    fn excuse(&mut self, meant: Option<String>) {
        self.all |= meant.is_none();
        self.names.extend(meant);
    }

    fn holds(&self, binding: &Binding) -> bool {
        self.names(&binding.name())
    }

    pub(crate) fn names(&self, name: &str) -> bool {
        self.all || self.names.iter().any(|excused| excused == name)
    }
}

fn missing_ttl(args: &Args, errors: &mut Errors) {
    if args.misses("ttl") {
        errors.at(
            Span::call_site(),
            "`ttl` is missing: how long may a value be served? Write `ttl = 3600` (seconds), `ttl = \"1h30m\"` or \
             `ttl = never`",
        );
    }
}

fn lease_outlives_load(args: &Args, errors: &mut Errors) {
    /// The runtime's, where `load_timeout` is absent.
    const LOAD_TIMEOUT: u64 = 30_000;
    let Some(lease) = args.mutex.as_ref().and_then(|mutex| mutex.lease) else {
        return;
    };
    if args.has("load_timeout") && args.load_timeout.is_none() {
        return;
    }
    let load_timeout = args.load_timeout.map_or(LOAD_TIMEOUT, |time| time.millis);
    if lease.millis > load_timeout {
        let default = if args.load_timeout.is_none() { " by default" } else { "" };
        errors.at(
            lease.span,
            format!(
                "the lease is longer than `load_timeout` ({}{default}), which ends it; make the lease shorter (it is \
                 renewed while the load runs) or `load_timeout` longer",
                readable(load_timeout)
            ),
        );
    }
}

fn readable(millis: u64) -> String {
    if millis.is_multiple_of(1_000) { format!("{}s", millis / 1_000) } else { format!("{millis}ms") }
}

fn skipped_twice(args: &Args, errors: &mut Errors) {
    for (index, name) in args.skip.iter().enumerate() {
        if args.skip.iter().take(index).any(|earlier| same(earlier, name)) {
            errors.at(name.span(), format!("`{name}` is skipped twice; remove one of the two"));
        }
    }
}

fn skipped_unknown(args: &Args, function: &AnnotatedFn, excused: &mut Excused, errors: &mut Errors) {
    for name in &args.skip {
        if name == "self" {
            errors.at(name.span(), "`self` is part of no key unless a place names it; remove it here");
        } else if !function.bindings.iter().any(|binding| same(&binding.ident, name)) {
            let roots = Roots::of(function, Err(""));
            let (message, meant) = roots.unknown(&name.unraw().to_string(), In::Skip);
            errors.at(name.span(), message);
            excused.excuse(meant);
        }
    }
}

fn read_in_a_transaction(args: &Args, function: &AnnotatedFn, excused: &Excused, errors: &mut Errors) {
    if args.has("bypass_in_transaction") {
        return;
    }
    for binding in &function.bindings {
        if binding.transaction && !skipped(args, binding) && !excused.holds(binding) {
            let name = binding.name();
            errors.at(
                binding.ident.span(),
                format!(
                    "a read inside of a transaction would put uncommitted rows into the cache; write \
                     `bypass_in_transaction` to read past the cache, call the function outside of the transaction \
                     with a pool, or write `skip({name})` if you know that nothing uncommitted can be read here"
                ),
            );
        }
    }
}

fn skipped(args: &Args, binding: &Binding) -> bool {
    args.skip.iter().any(|name| same(name, &binding.ident))
}

/// The same name, with or without `r#`.
fn same(one: &Ident, other: &Ident) -> bool {
    one.unraw() == other.unraw()
}
