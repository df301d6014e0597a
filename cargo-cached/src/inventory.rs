//! All functions of a workspace, each with what is known from the others: the templates of typed keys, what stands in
//! places, what is stored.

use std::collections::HashMap;
use std::path::Path;

use syn::{Expr, Type};

use crate::function::{self, Does, Function, Key, Raw};
use crate::scan::Unread;
use crate::template::{self, Segment, Spot};
use crate::tokens;
use crate::types::{self, Known, Types};
use crate::workspace::Workspace;

pub struct Inventory {
    pub functions: Vec<Function>,
    pub types: Types,
    pub unread: Vec<Unread>,
    pub root: std::path::PathBuf,
}

/// Told in columns of their own, or not worth a word.
const TOLD: [&str; 7] = ["key", "tag", "ttl", "version", "crate", "value", "returns"];

/// Types without a capital letter. In `()` and `[u8; 4]`, too.
const PRIMITIVE: [&str; 17] = [
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "bool",
    "char", "()",
];

impl Inventory {
    /// Scans a workspace; see [`Workspace::scan`].
    pub fn read(manifest: Option<&Path>, all: bool) -> Result<Self, String> {
        let Workspace { root, functions: raw, types, unread } = Workspace::scan(manifest, all)?;
        // Their own first: the keys of others are by them.
        let (typed, raw): (Vec<Raw>, Vec<Raw>) = raw.into_iter().partition(|raw| raw.function.does == Does::TypedKey);
        let mut functions = Vec::new();
        let mut known: HashMap<String, Key> = HashMap::new();
        for mut raw in typed {
            let mut keys = std::mem::take(&mut raw.function.keys);
            keys.iter_mut().for_each(|key| places(key, &raw, None, &types));
            known.extend(keys.iter().map(|key| (raw.function.name.clone(), key.clone())));
            raw.function.value = stored(raw.answer.as_ref(), true, &raw, &types);
            raw.function.keys = keys;
            functions.push(raw.function);
        }
        functions.extend(raw.into_iter().filter_map(|raw| resolved(raw, &known, &types)));
        let mut seen = std::collections::HashSet::new();
        // A file that several programs share is shown once, unless they are told apart by it.
        functions
            .retain(|function| seen.insert((function.place.clone(), function.does as u8, function.program.clone())));
        functions.sort_by(|a, b| (&a.place, &a.name).cmp(&(&b.place, &b.name)));
        Ok(Self { functions, types, unread, root })
    }

    /// The functions that may meet this one at run time. Those of an example are a program of its own.
    pub fn beside<'i>(&'i self, function: &'i Function) -> impl Iterator<Item = &'i Function> {
        self.functions.iter().filter(move |other| {
            other.program.is_none() || function.program.is_none() || other.program == function.program
        })
    }

    /// Who gives readers of this function's keys something newer.
    pub fn renewers<'i>(&'i self, function: &'i Function) -> impl Iterator<Item = &'i Function> {
        self.beside(function).filter(|other| {
            other.does.renews()
                && (!std::ptr::eq(*other, function))
                && (any_meets(&other.keys, &function.keys) || any_meets(&other.tags, &function.tags))
        })
    }

    /// Who reads what this function stores or invalidates.
    pub fn readers<'i>(&'i self, function: &'i Function) -> impl Iterator<Item = &'i Function> {
        self.beside(function).filter(|other| {
            other.does.reads()
                && (!std::ptr::eq(*other, function))
                && (any_meets(&other.keys, &function.keys) || any_meets(&other.tags, &function.tags))
        })
    }
}

fn any_meets(some: &[Key], others: &[Key]) -> bool {
    some.iter().any(|one| others.iter().any(|other| meets(one, other)))
}

/// Whether both may be the same key: by the struct, or by what they render to.
pub fn meets(one: &Key, other: &Key) -> bool {
    if one.typed.is_some() && one.typed == other.typed {
        return true;
    }
    match (&one.segments, &other.segments) {
        (Some(one), Some(other)) => template::meet(one, other),
        _ => false,
    }
}

/// `None`: a call about a key that is not known to be one.
fn resolved(mut raw: Raw, typed: &HashMap<String, Key>, types: &Types) -> Option<Function> {
    let each = raw.attribute.each();
    if raw.function.does.is_attribute() {
        raw.function.keys = keys(&raw, "key");
        raw.function.tags = keys(&raw, "tag");
        raw.function.ttl = raw.attribute.ttl();
        raw.function.version = raw.attribute.version();
        let told = |name: &str| TOLD.contains(&name);
        raw.function.options = raw.attribute.iter().filter(|it| !told(&it.name)).map(|it| it.written()).collect();
        raw.function.value = value(&raw, each.is_some(), types);
    } else {
        raw.function.value = stored(raw.answer.as_ref(), true, &raw, types);
    }
    let id = each.and_then(|(id, ids)| Some((id, raw.argument(&ids).and_then(types::element).cloned()?)));
    let mut keys = std::mem::take(&mut raw.function.keys);
    let mut tags = std::mem::take(&mut raw.function.tags);
    for key in keys.iter_mut().chain(&mut tags) {
        match key.typed.as_ref().map(|name| (name, typed.get(name))) {
            None => places(key, &raw, id.as_ref(), types),
            Some((_, Some(known))) => {
                key.segments.clone_from(&known.segments);
                // Where its text is unbounded is said at the struct.
                for segment in key.segments.iter_mut().flatten() {
                    if let Segment::Place(spot) = segment {
                        spot.unbounded = None;
                    }
                }
            }
            Some((_, None)) if raw.function.does.is_attribute() => {}
            Some(_) => return None,
        }
    }
    (raw.function.keys, raw.function.tags) = (keys, tags);
    Some(raw.function)
}

/// The keys or tags of an attribute. One that is no template stays as it is written.
fn keys(raw: &Raw, option: &str) -> Vec<Key> {
    let read = |written: &crate::options::Opt| {
        let expr = written.expr();
        let key = expr.and_then(|expr| function::key(&expr, written.line));
        key.unwrap_or_else(|| Key {
            line: written.line,
            written: written.value.as_ref().map(tokens::plain).unwrap_or_default(),
            typed: None,
            segments: None,
        })
    };
    raw.attribute.all(option).map(read).collect()
}

/// What an annotated function stores.
fn value(raw: &Raw, each: bool, types: &Types) -> Option<String> {
    if raw.function.does == Does::Invalidate {
        return None;
    }
    let whole = raw.attribute.word("returns").as_deref() == Some("value");
    if raw.function.does == Does::WriteBehind {
        let (_, items) = raw.attribute.each()?;
        return stored(raw.argument(&items).and_then(types::element), true, raw, types);
    }
    if let Some(value) = raw.attribute.get("value") {
        let mut expr = value.expr()?;
        while let Expr::Reference(inner) = expr {
            expr = *inner.expr;
        }
        let Expr::Path(path) = &expr else { return None };
        return stored(raw.argument(&path.path.get_ident()?.to_string()), true, raw, types);
    }
    if each {
        let value = types.stored_each(raw.answer.as_ref()?, whole)?;
        return (!generic(&value, raw)).then_some(value);
    }
    stored(raw.answer.as_ref(), whole, raw, types)
}

fn stored(ty: Option<&Type>, whole: bool, raw: &Raw, types: &Types) -> Option<String> {
    let name = types.stored(ty?, whole);
    // What is not named cannot be compared.
    let unknown = name.is_empty() || name == "_" || name.contains("impl ") || name.ends_with("Result");
    // As a type is not called: a macro's variable.
    let variable = types::words(&name).is_empty() && !PRIMITIVE.iter().any(|primitive| name.contains(primitive));
    let alias = types::words(&name).iter().any(|word| types.is_alias(word));
    (!unknown && !variable && !alias && !generic(&name, raw)).then_some(name)
}

fn generic(name: &str, raw: &Raw) -> bool {
    let words = types::words(name);
    raw.generics.iter().any(|generic| words.contains(generic)) || words.iter().any(|word| word == "Self")
}

/// Fills in what may stand in a key's places.
fn places(key: &mut Key, raw: &Raw, id: Option<&(String, Type)>, types: &Types) {
    for segment in key.segments.iter_mut().flatten() {
        let Segment::Place(spot) = segment else { continue };
        if spot.hash {
            continue;
        }
        if let Some(Known { letters, unbounded }) = known(spot, raw, id, types) {
            (spot.letters, spot.unbounded) = (letters, unbounded);
        }
    }
}

fn known(spot: &Spot, raw: &Raw, id: Option<&(String, Type)>, types: &Types) -> Option<Known> {
    let mut ty = match id.filter(|(name, _)| *name == spot.root) {
        Some((_, ty)) => ty,
        None => raw.argument(&spot.root)?,
    };
    for step in &spot.steps {
        ty = types.field(ty, step)?;
    }
    // Of a type parameter nothing is known.
    let words = types::words(&tokens::plain(&quote::ToTokens::to_token_stream(ty)));
    (!raw.generics.iter().any(|generic| words.contains(generic))).then(|| types.part(ty))
}
