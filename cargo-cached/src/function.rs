//! What the scan finds: annotated functions, and calls of the cache by hand.

use std::fmt;
use std::rc::Rc;

use syn::{Expr, Type};

use crate::options::{Options, Ttl};
use crate::template::Segment;

/// Something that reads, stores or invalidates: one attribute of a function, or one call in code.
#[derive(Debug)]
pub struct Function {
    pub does: Does,
    /// `shop::users::Users::find`
    pub name: String,
    pub package: Rc<str>,
    /// The example, test or bench that it is part of; none for libraries and binaries, which belong together.
    pub program: Option<Rc<str>>,
    pub place: Place,
    pub keys: Vec<Key>,
    pub tags: Vec<Key>,
    pub ttl: Option<Ttl>,
    pub version: u32,
    /// The options that are not told elsewhere, as written.
    pub options: Vec<String>,
    /// What is stored, by its name; none where that cannot be seen.
    pub value: Option<String>,
    /// The lints that a comment lets pass.
    pub allowed: Vec<String>,
}

impl Function {
    /// Whether a comment lets such a finding pass.
    pub fn allows(&self, lint: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == lint)
    }
}

/// By which attribute or call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    Cached,
    Invalidate,
    WriteThrough,
    WriteBehind,
    /// `#[derive(CacheKey)]`, which says what is stored under it.
    TypedKey,
    /// `cache.get_or_load(…)`
    GetOrLoad,
    /// `cache.get(…)`
    Get,
    /// `cache.put(…)`
    Put,
    /// `cache.invalidate(…)`, `cache.invalidate_tag(…)`
    CallInvalidate,
}

impl Does {
    /// By the attribute's name.
    pub fn attribute(name: &str) -> Option<Self> {
        Some(match name {
            "cached" => Self::Cached,
            "invalidate" => Self::Invalidate,
            "write_through" => Self::WriteThrough,
            "write_behind" => Self::WriteBehind,
            _ => return None,
        })
    }

    pub fn is_attribute(self) -> bool {
        matches!(self, Self::Cached | Self::Invalidate | Self::WriteThrough | Self::WriteBehind)
    }

    pub fn stores(self) -> bool {
        !matches!(self, Self::Invalidate | Self::CallInvalidate | Self::TypedKey | Self::Get)
    }

    pub fn reads(self) -> bool {
        matches!(self, Self::Cached | Self::GetOrLoad | Self::Get)
    }

    /// Whether readers of the key get something newer by it.
    pub fn renews(self) -> bool {
        matches!(self, Self::Invalidate | Self::CallInvalidate | Self::WriteThrough | Self::WriteBehind | Self::Put)
    }
}

impl fmt::Display for Does {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cached => "cached",
            Self::Invalidate => "invalidate",
            Self::WriteThrough => "write_through",
            Self::WriteBehind => "write_behind",
            Self::TypedKey => "typed key",
            Self::GetOrLoad => "get_or_load",
            Self::Get => "get",
            Self::Put => "put",
            Self::CallInvalidate => "invalidate()",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub file: Rc<str>,
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A key or a tag.
#[derive(Clone, Debug)]
pub struct Key {
    pub line: usize,
    /// As written; of a typed key `UserKey`.
    pub written: String,
    /// The struct's name.
    pub typed: Option<String>,
    /// None where it cannot be read.
    pub segments: Option<Vec<Segment>>,
}

/// A function before anything is known of the rest of the workspace.
pub struct Raw {
    pub function: Function,
    pub attribute: Options,
    /// The arguments by name, and fields of a typed key; `Self` as `self`.
    pub arguments: Vec<(String, Type)>,
    /// What a call ends up with.
    pub answer: Option<Type>,
    /// Names of type parameters: what they are differs from call to call.
    pub generics: Vec<String>,
}

impl Raw {
    pub fn argument(&self, name: &str) -> Option<&Type> {
        self.arguments.iter().find(|(argument, _)| argument == name).map(|(_, ty)| ty)
    }
}

/// The key of `key = …` or of a call: a template, `key!("…")`, or a typed key.
pub fn key(expr: &Expr, line: usize) -> Option<Key> {
    let template = |text: String| Key { line, segments: crate::template::segments(&text), written: text, typed: None };
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            syn::Lit::Str(text) => Some(template(text.value())),
            _ => None,
        },
        Expr::Macro(call) if call.mac.path.segments.last().is_some_and(|segment| segment.ident == "key") => {
            syn::parse2::<syn::LitStr>(call.mac.tokens.clone()).ok().map(|text| template(text.value()))
        }
        Expr::Reference(inner) => key(&inner.expr, line),
        Expr::Paren(inner) => key(&inner.expr, line),
        Expr::Group(inner) => key(&inner.expr, line),
        Expr::Struct(typed) => named(&typed.path, line),
        Expr::Path(typed) => named(&typed.path, line),
        Expr::MethodCall(call) if call.method == "clone" || call.method == "to_key" => key(&call.receiver, line),
        _ => None,
    }
}

/// `UserKey`, and neither `KEY` nor `key`.
fn named(path: &syn::Path, line: usize) -> Option<Key> {
    let name = path.segments.last()?.ident.to_string();
    let of_a_type = name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase);
    of_a_type.then(|| Key { line, written: name.clone(), typed: Some(name), segments: None })
}
