//! Rules about values that are served while they are loaded anew.

use quote::ToTokens;
use syn::visit::Visit;
use syn::{FnArg, Lifetime, ParenthesizedGenericArguments, Type, TypeFnPtr, TypeReference};

use crate::args::{Args, Early, Ttl};
use crate::errors::{Errors, without_spaces};
use crate::item::AnnotatedFn;
use crate::output::Shape;

pub(super) fn check(args: &Args, function: &AnnotatedFn, errors: &mut Errors) {
    for_ever(args, errors);
    timeout_without_stale(args, errors);
    in_a_batch(args, errors);
    if args.background.is_some() {
        nothing_to_refresh(args, errors);
        shape(function, errors);
        borrows(function, errors);
    }
}

fn for_ever(args: &Args, errors: &mut Errors) {
    if !matches!(args.ttl, Some(Ttl::Never)) {
        return;
    }
    let what = "a value with `ttl = never` does not end, and so nothing is served or loaded past or near its end; give \
                it a `ttl`, or leave this out";
    if let Some(stale) = args.stale {
        errors.at(stale.span, what);
    }
    if let Some(Early::Beta(_, span)) = args.early {
        errors.at(span, what);
    }
    if let Some(span) = args.background {
        errors.at(span, what);
    }
}

fn timeout_without_stale(args: &Args, errors: &mut Errors) {
    if let Some(span) = args.mutex.as_ref().and_then(|mutex| mutex.stale).filter(|_| args.misses("stale")) {
        errors.at(
            span,
            "without `stale` there is no older value to serve after the wait; write `stale = \"10m\"` too, or \
             `on_timeout = load`",
        );
    }
}

/// One body has many values there, each of another age.
fn in_a_batch(args: &Args, errors: &mut Errors) {
    if args.each.is_none() {
        return;
    }
    let early = args.early.and_then(|early| match early {
        Early::Beta(_, span) => Some(("early", span)),
        Early::Off(_) => None,
    });
    let stale = args.stale.map(|time| ("stale", time.span));
    let refresh = args.background.map(|span| ("refresh", span));
    if let Some(time) = args.error_ttl {
        errors.at(
            time.span,
            "the error of a batch is about all of its ids, and a later call has others; leave `error_ttl` out here, and \
             write it at the function for a single id",
        );
    }
    for (option, span) in [stale, refresh, early].into_iter().flatten() {
        errors.at(
            span,
            format!(
                "the values of a batch are of different ages, and are not loaded anew one by one; leave `{option}` out \
                 here, and write it at the function for a single id, which shares its values with this one"
            ),
        );
    }
}

fn nothing_to_refresh(args: &Args, errors: &mut Errors) {
    if let (Some(Early::Off(span)), true) = (args.early, args.misses("stale")) {
        errors.at(
            span,
            "with `early = off` and without `stale` nothing is ever loaded anew, and `refresh = background` does \
             nothing; write `stale = \"10m\"`, or leave one of the two out",
        );
    }
}

/// The body is spawned before anybody knows the future that the function returns.
fn shape(function: &AnnotatedFn, errors: &mut Errors) {
    if matches!(function.shape, Shape::Future(_) | Shape::Boxed(_)) {
        errors.on(
            &function.sig.output,
            "a future that is returned is its caller's, and cannot be spawned too; write `async fn` for `refresh = \
             background`, or leave that out to refresh in the call that finds the value due",
        );
    }
}

/// A spawned task outlives the call that it was made in.
fn borrows(function: &AnnotatedFn, errors: &mut Errors) {
    if !matches!(function.shape, Shape::Async | Shape::Blocking) {
        return;
    }
    for argument in &function.sig.inputs {
        match argument {
            FnArg::Receiver(receiver) if function.borrows_self() => {
                errors.on(
                    receiver,
                    "a refresh in the background outlives the call and cannot borrow `self`; write \
                                     `self: Arc<Self>`, or leave `refresh = background` out",
                );
            }
            FnArg::Receiver(_) => {}
            FnArg::Typed(argument) => {
                let mut borrowed = Borrowed(None);
                borrowed.visit_type(&argument.ty);
                if let Some(instead) = borrowed.0 {
                    errors.on(
                        &argument.ty,
                        format!(
                            "a refresh in the background outlives the call and cannot borrow an argument; {instead}, \
                             or leave `refresh = background` out"
                        ),
                    );
                }
            }
        }
    }
}

/// Looks for a reference in a type, and says what to write instead.
struct Borrowed(Option<String>);

impl<'ast> Visit<'ast> for Borrowed {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        if reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static") {
            return;
        }
        let instead = match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => "write `String`".to_owned(),
            Type::Slice(slice) => format!("write `Vec<{}>`", without_spaces(&slice.elem)),
            // Its words need their spaces.
            object @ Type::TraitObject(_) => format!("write `Arc<{}>`", object.to_token_stream()),
            owned => {
                let owned = without_spaces(owned);
                format!("write `{owned}` and clone it at the call (a pool is a handle), or `Arc<{owned}>`")
            }
        };
        self.0.get_or_insert(instead);
    }

    /// What a function takes is not what it holds.
    fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast ParenthesizedGenericArguments) {}

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.0.get_or_insert_with(|| format!("write an owned type, without `{lifetime}`"));
        }
    }
}
