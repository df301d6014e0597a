//! Findings about keys and tags.

use super::{Findings, Lint};
use crate::duration;
use crate::function::{Does, Function, Key};
use crate::inventory::{Inventory, meets};
use crate::options::Ttl;
use crate::template::Segment;

/// A key that is neither a template nor a typed key: of a macro's variable, mostly.
pub fn unreadable(function: &Function, findings: &mut Findings) {
    for key in function.keys.iter().chain(&function.tags) {
        if key.segments.is_none() && key.typed.is_none() {
            findings.add(
                Lint::Unreadable,
                function,
                key.line,
                format!(
                    "the key `{}` of `{}` cannot be read here, so nothing was checked about it",
                    key.written, function.name
                ),
                "write a template, `key = \"user:<id>\"`, or allow it with `// cached: allow(unreadable)`".to_owned(),
            );
        }
    }
}

pub fn two_types(function: &Function, inventory: &Inventory, findings: &mut Findings) {
    let Some(value) = &function.value else { return };
    for key in &function.keys {
        // Once for each pair, at the later one.
        let other = inventory.beside(function).take_while(|other| !std::ptr::eq(*other, function)).find_map(|other| {
            let theirs = other.value.as_ref().filter(|theirs| *theirs != value)?;
            // Of one typed key the compiler sees to it.
            let same = |their: &Key| key.typed.is_some() && key.typed == their.typed;
            let met = other.keys.iter().find(|their| meets(key, their) && !same(their))?;
            Some((other, theirs, met))
        });
        let Some((other, theirs, met)) = other else { continue };
        let also = if met.written == key.written {
            String::new()
        } else {
            format!(", whose key `{}` may be the same", met.written)
        };
        findings.add(
            Lint::TwoTypes,
            function,
            key.line,
            format!(
                "`{}` holds `{value}` here and `{theirs}` for `{}` ({}){also}: each replaces what the other stored",
                key.written, other.name, other.place
            ),
            format!("give one of them a key of its own, such as `{}`", own_key(key, value)),
        );
    }
}

/// `"order:<id>"`, for an `Order` under `"user:<id>"`.
fn own_key(key: &Key, value: &str) -> String {
    let mut word = String::new();
    for letter in value.chars().filter(|letter| letter.is_alphanumeric()) {
        if letter.is_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.extend(letter.to_lowercase());
    }
    let places: String = key
        .segments
        .iter()
        .flatten()
        .filter_map(|segment| match segment {
            Segment::Place(spot) if spot.hash => Some(format!(":<{}|hash>", spot.written())),
            Segment::Place(spot) => Some(format!(":<{}>", spot.written())),
            Segment::Text(_) => None,
        })
        .collect();
    let own = format!("{word}{places}");
    if own == key.written { format!("{word}-2{places}") } else { own }
}

pub fn no_reader(function: &Function, inventory: &Inventory, findings: &mut Findings) {
    let what = match function.does {
        Does::Invalidate | Does::CallInvalidate => "invalidates",
        Does::WriteThrough | Does::WriteBehind => "stores under",
        _ => return,
    };
    let deletes = what == "invalidates";
    let served = |other: &&Function| other.does.reads() || (deletes && other.does.stores());
    let readers = || inventory.beside(function).filter(served);
    for key in &function.keys {
        let read = readers().any(|other| other.keys.iter().any(|their| meets(key, their)));
        if (key.segments.is_some() || key.typed.is_some()) && !read {
            let instead = nearest(key, readers().flat_map(|other| other.keys.iter().map(move |key| (key, other))));
            let message = format!("`{}` {what} the key `{}`, which no function reads", function.name, key.written);
            findings.add(Lint::NoReader, function, key.line, message, instead);
        }
    }
    for tag in function.tags.iter().filter(|_| deletes) {
        let carried = readers().any(|other| other.tags.iter().any(|their| meets(tag, their)));
        if tag.segments.is_some() && !carried {
            let instead = nearest(tag, readers().flat_map(|other| other.tags.iter().map(move |tag| (tag, other))));
            let message =
                format!("`{}` invalidates the tag `{}`, which no function carries", function.name, tag.written);
            findings.add(Lint::NoReader, function, tag.line, message, instead);
        }
    }
}

/// The key that was most likely meant.
fn nearest<'f>(key: &Key, others: impl Iterator<Item = (&'f Key, &'f Function)>) -> String {
    let same = |other: &Key| other.written.chars().zip(key.written.chars()).take_while(|(a, b)| a == b).count();
    let nearest = others.max_by_key(|(other, _)| same(other)).filter(|(other, _)| same(other) >= 3);
    match nearest {
        Some((other, function)) => {
            format!("write `{}`, as `{}` does ({}), or remove it", other.written, function.name, function.place)
        }
        None => "write it as its reader does, or remove it".to_owned(),
    }
}

pub fn never_invalidated(function: &Function, inventory: &Inventory, long: u64, findings: &mut Findings) {
    let lives = match function.ttl {
        Some(Ttl::Never) => "for ever".to_owned(),
        Some(Ttl::Millis(millis)) if millis > long => {
            format!("for {}", duration::show(std::time::Duration::from_millis(millis)))
        }
        _ => return,
    };
    let readable = function.keys.iter().any(|key| key.segments.is_some());
    if function.does != Does::Cached || !readable || inventory.renewers(function).next().is_some() {
        return;
    }
    let key = function.keys.first().map_or("", |key| &key.written);
    findings.add(
        Lint::NeverInvalidated,
        function,
        function.place.line,
        format!("`{}` keeps `{key}` {lives}, and nothing ever invalidates it", function.name),
        format!(
            "write `#[cached_runtime::invalidate(key = …)]` with this key on what changes the row, or a ttl of {} at most",
            duration::show(std::time::Duration::from_millis(long))
        ),
    );
}

pub fn unbounded_text(function: &Function, findings: &mut Findings) {
    let in_a_key = matches!(function.does, Does::Cached | Does::WriteThrough | Does::WriteBehind | Does::TypedKey);
    if !in_a_key {
        return;
    }
    for key in function.keys.iter().chain(&function.tags) {
        for segment in key.segments.iter().flatten() {
            let Segment::Place(spot) = segment else { continue };
            let Some(ty) = &spot.unbounded else { continue };
            let place = spot.written();
            findings.add(
                Lint::UnboundedText,
                function,
                key.line,
                format!("`<{place}>` in `{}` is a `{ty}` of any length, and so is the key", key.written),
                format!(
                    "write `<{place}|hash>`; or a newtype that bounds it, with `#[derive(KeyPart)]`; or allow it with \
                     `// cached: allow(unbounded-text)`"
                ),
            );
        }
    }
}
