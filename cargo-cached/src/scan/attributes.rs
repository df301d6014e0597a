//! Which attributes are ours, under whatever name, and behind `cfg_attr`.

use std::collections::HashMap;

use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, File, Ident, Item, Lit, LitStr, Meta, Path, Token, Type, UseTree};

use crate::function::Does;
use crate::options::Options;

/// The names that our attributes have in one file.
pub struct Names {
    runtimes: Vec<String>,
    /// `use cached_runtime::cached as memo;`
    renamed: HashMap<String, Does>,
    /// `use cached::proc_macro::cached;`: another crate's.
    foreign: Vec<String>,
}

impl Names {
    pub fn of(file: &File, runtimes: &[String]) -> Self {
        let mut names = Self { runtimes: runtimes.to_vec(), renamed: HashMap::new(), foreign: Vec::new() };
        for item in &file.items {
            if let Item::Use(item) = item {
                names.imports(&item.tree, &mut Vec::new());
            }
        }
        names
    }

    fn imports(&mut self, tree: &UseTree, path: &mut Vec<String>) {
        match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                self.imports(&tree.tree, path);
                path.pop();
            }
            UseTree::Group(tree) => tree.items.iter().for_each(|tree| self.imports(tree, path)),
            UseTree::Name(name) => {
                let foreign = path.first().is_some_and(|first| first == "cached" && !self.is_runtime(first));
                if foreign {
                    self.foreign.push(name.ident.to_string());
                }
            }
            UseTree::Rename(name) => {
                let ours = path.first().is_none_or(|first| first != "cached" || self.is_runtime(first));
                if let Some(does) = Does::attribute(&name.ident.to_string()).filter(|_| ours && !path.is_empty()) {
                    self.renamed.insert(name.rename.to_string(), does);
                } else if path.is_empty() && self.is_runtime(&name.ident.to_string()) {
                    self.runtimes.push(name.rename.to_string());
                }
            }
            UseTree::Glob(_) => {}
        }
    }

    fn is_runtime(&self, name: &str) -> bool {
        self.runtimes.iter().any(|runtime| runtime == name)
    }

    fn does(&self, path: &Path) -> Option<Does> {
        let last = path.segments.last()?.ident.to_string();
        let does = Does::attribute(&last);
        if path.segments.len() == 1 {
            return self.renamed.get(&last).copied().or(does).filter(|_| !self.foreign.contains(&last));
        }
        let first = path.segments.first()?.ident.to_string();
        does.filter(|_| first != "cached" || self.is_runtime(&first))
    }

    /// Ours among a function's attributes: what it does, its options, and its line.
    pub fn of_function(&self, attrs: &[Attribute]) -> Vec<(Does, Options, usize)> {
        let mut found = Vec::new();
        for meta in attrs.iter().flat_map(metas) {
            if let Some(does) = self.does(meta.path()) {
                let options = match &meta {
                    Meta::List(list) => Options::parse(list.tokens.clone()),
                    _ => Options::default(),
                };
                found.push((does, options, meta.span().start().line));
            }
        }
        found
    }
}

/// The attribute, or those that `cfg_attr` makes of it.
fn metas(attr: &Attribute) -> Vec<Meta> {
    unconditional(attr.meta.clone())
}

fn unconditional(meta: Meta) -> Vec<Meta> {
    if !meta.path().is_ident("cfg_attr") {
        return vec![meta];
    }
    let Meta::List(list) = &meta else { return Vec::new() };
    let parser = |input: ParseStream| {
        input.parse::<Meta>()?;
        input.parse::<Token![,]>()?;
        Punctuated::<Meta, Token![,]>::parse_terminated(input)
    };
    let metas = parser.parse2(list.tokens.clone()).into_iter().flatten();
    metas.flat_map(unconditional).collect()
}

/// `#[path = "…"]`
pub fn path(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(named) = attr.meta.clone() else { return None };
    match named.value {
        Expr::Lit(lit) if named.path.is_ident("path") => match lit.lit {
            Lit::Str(path) => Some(path.value()),
            _ => None,
        },
        _ => None,
    }
}

/// `#[cache_key("user:<id>", value = User)]`: the template, the type, and the line.
pub fn cache_key(attrs: &[Attribute]) -> Option<(String, Option<Type>, usize)> {
    let list = attrs.iter().flat_map(metas).find(|meta| meta.path().is_ident("cache_key"))?;
    let Meta::List(list) = &list else { return None };
    let parser = |input: ParseStream| {
        let template: LitStr = input.parse()?;
        let mut value = None;
        while input.parse::<Token![,]>().is_ok() && !input.is_empty() {
            let name = <Ident as syn::ext::IdentExt>::parse_any(input)?;
            input.parse::<Token![=]>()?;
            if name == "value" {
                value = Some(input.parse::<Type>()?);
            } else {
                input.parse::<Expr>()?;
            }
        }
        Ok((template.value(), value))
    };
    let (template, value) = parser.parse2(list.tokens.clone()).ok()?;
    Some((template, value, list.path.span().start().line))
}
