//! The attributes for functions: one reads, the others write.

use std::fmt;

use syn::Path;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Attribute {
    Cached,
    Invalidate,
    WriteThrough,
    WriteBehind,
}

impl Attribute {
    pub(crate) const ALL: [Attribute; 4] =
        [Attribute::Cached, Attribute::Invalidate, Attribute::WriteThrough, Attribute::WriteBehind];

    /// The attribute that stands on a function, by the names it goes under.
    pub(crate) fn of(attr: &syn::Attribute, runtime: Option<&Path>) -> Option<Attribute> {
        let path = attr.path();
        let mut segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let name = segments.pop()?;
        let module = |path: &Path| path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>();
        let ours = segments.is_empty()
            || segments == ["cached_runtime"]
            || segments == ["cached_macros"]
            || runtime.is_some_and(|runtime| segments == module(runtime));
        Attribute::ALL.into_iter().find(|attribute| ours && attribute.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Attribute::Cached => "cached",
            Attribute::Invalidate => "invalidate",
            Attribute::WriteThrough => "write_through",
            Attribute::WriteBehind => "write_behind",
        }
    }

    pub(crate) fn writes(self) -> bool {
        self != Attribute::Cached
    }
}

/// As people write it.
impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#[{}]", self.name())
    }
}
