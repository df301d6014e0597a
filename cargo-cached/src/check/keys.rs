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

/// Once for each that differs from one before it that does not.
pub fn two_types(inventory: &Inventory, findings: &mut Findings) {
    let mut agreed: Vec<&Function> = Vec::new();
    // What others may rely on first.
    let (shared, apart): (Vec<&Function>, Vec<&Function>) =
        inventory.functions.iter().partition(|function| function.program.is_none());
    for function in shared.into_iter().chain(apart) {
        let other = differing(function, &agreed, inventory);
        if let Some((key, other, met)) = other {
            differs(function, key, other, met, findings);
        } else if !function.allows(Lint::TwoTypes.name()) {
            agreed.push(function);
        }
    }
}

/// One that stores another type under a key that may be the same; with both keys.
fn differing<'f>(
    function: &'f Function,
    agreed: &[&'f Function],
    inventory: &'f Inventory,
) -> Option<(&'f Key, &'f Function, &'f Key)> {
    let value = function.value.as_ref()?;
    let others = inventory.beside(function).filter(|other| agreed.iter().any(|agreed| std::ptr::eq(*agreed, *other)));
    let others = others.filter(|other| other.value.as_ref().is_some_and(|theirs| theirs != value));
    let mut pairs = others.flat_map(|other| {
        let keys = function.keys.iter().flat_map(|key| other.keys.iter().map(move |their| (key, their)));
        keys.map(move |(key, their)| (key, other, their))
    });
    // Of one typed key the compiler sees to it.
    pairs.find(|(key, _, their)| meets(key, their) && (key.typed.is_none() || key.typed != their.typed))
}

fn differs(function: &Function, key: &Key, other: &Function, met: &Key, findings: &mut Findings) {
    let (Some(value), Some(theirs)) = (&function.value, &other.value) else { return };
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
    let nearest = others.map(|(other, function)| (distance(&other.written, &key.written), other, function));
    let nearest = nearest.min_by_key(|(distance, ..)| *distance);
    let nearest = nearest.filter(|(distance, ..)| distance * 2 <= key.written.len()).map(|(_, other, of)| (other, of));
    match nearest {
        Some((other, function)) => {
            format!("write `{}`, as `{}` does ({}), or remove it", other.written, function.name, function.place)
        }
        None => "write it as its reader does, or remove it".to_owned(),
    }
}

/// How many letters have to be added, removed or replaced.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, theirs) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *theirs);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
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
    let key = function.keys.first().map_or("", |key| key.written.as_str());
    let typed = function.keys.first().is_some_and(|key| key.typed.is_some());
    let of_it = if typed { format!("{key} {{ … }}") } else { format!("\"{key}\"") };
    findings.add(
        Lint::NeverInvalidated,
        function,
        function.place.line,
        format!("`{}` keeps `{key}` {lives}, and nothing ever invalidates it", function.name),
        format!(
            "write `#[invalidate(key = {of_it})]` on what changes the row, or a ttl of {} at most",
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
