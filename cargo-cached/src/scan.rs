//! One source file: its syntax tree → [`Raw`] functions, the modules that it names, and its types.
//!
//! Nothing is built or expanded, so what is switched off by a `cfg` is seen too; `#[cfg(test)]` only where tests are
//! asked for.

mod attributes;
mod calls;
mod macros;

use std::collections::HashMap;
use std::rc::Rc;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, FnArg, ImplItemFn, Item, ItemFn, Pat, Signature, TraitItemFn, Type};

use self::attributes::Names;
use crate::allow::Allows;
use crate::function::{Does, Function, Key, Place, Raw};
use crate::options::Options;
use crate::tokens;
use crate::types::{self, Types};

/// Where a file stands.
#[derive(Clone, Debug)]
pub struct Site {
    pub package: Rc<str>,
    pub program: Option<Rc<str>>,
    /// As it is shown.
    pub file: Rc<str>,
    /// The path of modules that leads here, the crate's name first.
    pub module: Vec<String>,
}

/// `mod name;`
#[derive(Debug)]
pub struct Submodule {
    pub name: String,
    /// The inline modules around it.
    pub within: Vec<String>,
    /// `#[path = "…"]`
    pub path: Option<String>,
    /// That it is part of.
    pub program: Option<Rc<str>>,
}

#[derive(Default)]
pub struct Found {
    pub functions: Vec<Raw>,
    pub modules: Vec<Submodule>,
}

/// A file that cannot be read.
#[derive(Debug, serde::Serialize)]
pub struct Unread {
    pub file: String,
    /// 0: not one of its lines.
    pub line: usize,
    pub why: String,
}

/// What stands in a file. The error says where it is no Rust.
pub fn file(source: &str, site: &Site, runtimes: &[String], tests: bool, types: &mut Types) -> Result<Found, Unread> {
    let file = syn::parse_file(source).map_err(|error| {
        let line = error.span().start().line;
        Unread { file: site.file.to_string(), line, why: error.to_string() }
    })?;
    let mut scan = Scan {
        site,
        names: Names::of(&file, runtimes),
        tests,
        program: site.program.clone(),
        types,
        allows: Allows::of(source),
        path: site.module.clone(),
        inline: Vec::new(),
        own: Vec::new(),
        bindings: HashMap::new(),
        arguments: Vec::new(),
        found: Found::default(),
    };
    if !(scan.skipped(&file.attrs)) {
        scan.visit_file(&file);
    }
    Ok(scan.found)
}

struct Scan<'s> {
    site: &'s Site,
    names: Names,
    tests: bool,
    program: Option<Rc<str>>,
    types: &'s mut Types,
    allows: Allows,
    /// Modules, types and functions around what is looked at.
    path: Vec<String>,
    inline: Vec<String>,
    /// What `Self` is.
    own: Vec<Type>,
    /// `let key = key!("…");` in the function that is looked at.
    bindings: HashMap<String, Key>,
    /// Of that function.
    arguments: Vec<(String, Type)>,
    found: Found,
}

impl Scan<'_> {
    fn skipped(&self, attrs: &[Attribute]) -> bool {
        !self.tests && is_of_tests(attrs)
    }

    fn within(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.path.push(name);
        visit(self);
        self.path.pop();
    }

    fn function(&mut self, attrs: &[Attribute], sig: &Signature, body: Option<&Block>) {
        if self.skipped(attrs) {
            return;
        }
        let arguments = self.arguments_of(sig);
        let line = sig.fn_token.span().start().line;
        let first = attrs.first().map_or(line, |attr| attr.span().start().line);
        let name = sig.ident.unraw().to_string();
        for (does, options, at) in self.names.of_function(attrs) {
            let place = Place { file: Rc::clone(&self.site.file), line: at };
            let allowed = self.allows.between(first, line);
            let generics = sig.generics.type_params().map(|param| param.ident.to_string()).collect();
            let function = self.blank(does, format!("{}::{name}", self.path.join("::")), place, allowed);
            self.found.functions.push(Raw {
                function,
                attribute: options,
                arguments: arguments.clone(),
                answer: types::answer(sig).map(|answer| self.without_self(answer)),
                generics,
            });
        }
        let Some(body) = body else { return };
        let outer = (std::mem::take(&mut self.bindings), std::mem::replace(&mut self.arguments, arguments));
        self.within(name, |scan| scan.visit_block(body));
        (self.bindings, self.arguments) = outer;
    }

    /// Nothing but who and where.
    fn blank(&self, does: Does, name: String, place: Place, allowed: Vec<String>) -> Function {
        Function {
            does,
            name,
            package: Rc::clone(&self.site.package),
            program: self.program.clone(),
            place,
            keys: Vec::new(),
            tags: Vec::new(),
            ttl: None,
            version: 1,
            options: Vec::new(),
            value: None,
            allowed,
        }
    }

    fn arguments_of(&self, sig: &Signature) -> Vec<(String, Type)> {
        let own = self.own.last().map(|own| ("self".to_owned(), own.clone()));
        let named = sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(argument) => match &*argument.pat {
                Pat::Ident(name) => Some((name.ident.unraw().to_string(), (*argument.ty).clone())),
                _ => None,
            },
            FnArg::Receiver(_) => None,
        });
        own.into_iter().chain(named).collect()
    }

    /// With the type in place of `Self`.
    fn without_self(&self, ty: Type) -> Type {
        let Some(own) = self.own.last() else { return ty };
        let tokens = replaced(ty.to_token_stream(), &own.to_token_stream());
        syn::parse2(tokens).unwrap_or(ty)
    }

    fn typed_key(&mut self, item: &syn::ItemStruct) {
        let Some((template, value, line)) = attributes::cache_key(&item.attrs) else { return };
        let fields =
            item.fields.iter().filter_map(|field| Some((field.ident.as_ref()?.unraw().to_string(), field.ty.clone())));
        let struct_line = item.struct_token.span.start().line;
        let place = Place { file: Rc::clone(&self.site.file), line: struct_line };
        let allowed = self.allows.between(line, struct_line);
        let mut function = self.blank(Does::TypedKey, item.ident.to_string(), place, allowed);
        function.keys.push(Key {
            line,
            segments: crate::template::segments(&template),
            written: template,
            typed: Some(item.ident.to_string()),
        });
        self.found.functions.push(Raw {
            function,
            attribute: Options::default(),
            arguments: fields.collect(),
            answer: value,
            generics: item.generics.type_params().map(|param| param.ident.to_string()).collect(),
        });
    }
}

/// `#[cfg(test)]`
fn is_of_tests(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| {
        attr.path().is_ident("cfg") && attr.meta.require_list().is_ok_and(|list| is_for_tests(&list.tokens))
    })
}

/// `test`, and not `not(test)`.
fn is_for_tests(condition: &TokenStream) -> bool {
    let text = tokens::plain(condition);
    text == "test" || text.starts_with("all(test")
}

fn replaced(tokens: TokenStream, own: &TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            proc_macro2::TokenTree::Ident(word) if word == "Self" => own.clone(),
            proc_macro2::TokenTree::Group(group) => {
                proc_macro2::TokenTree::Group(proc_macro2::Group::new(group.delimiter(), replaced(group.stream(), own)))
                    .into()
            }
            token => token.into(),
        })
        .collect()
}

impl<'ast> Visit<'ast> for Scan<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if matches!(item, Item::Struct(_) | Item::Enum(_) | Item::Type(_)) {
            self.types.add(item.clone());
        }
        visit::visit_item(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if !self.skipped(&item.attrs) {
            self.typed_key(item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(&item.attrs, &item.sig, Some(&item.block));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(&item.attrs, &item.sig, Some(&item.block));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        self.function(&item.attrs, &item.sig, item.default.as_ref());
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if self.skipped(&item.attrs) {
            return;
        }
        let name = types::words(&tokens::plain(&item.self_ty.to_token_stream())).into_iter().next();
        self.own.push((*item.self_ty).clone());
        self.within(name.unwrap_or_else(|| "_".to_owned()), |scan| visit::visit_item_impl(scan, item));
        self.own.pop();
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if !self.skipped(&item.attrs) {
            self.within(item.ident.to_string(), |scan| visit::visit_item_trait(scan, item));
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if self.skipped(&item.attrs) {
            return;
        }
        let name = item.ident.unraw().to_string();
        let outer = self.program.clone();
        if outer.is_none() && is_of_tests(&item.attrs) {
            self.program = Some(format!("tests of {}", self.site.package).into());
        }
        if item.content.is_some() {
            self.inline.push(name.clone());
            self.within(name, |scan| visit::visit_item_mod(scan, item));
            self.inline.pop();
        } else {
            let path = item.attrs.iter().find_map(attributes::path);
            let within = self.inline.clone();
            self.found.modules.push(Submodule { name, within, path, program: self.program.clone() });
        }
        self.program = outer;
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.mac.path.is_ident("macro_rules") {
            self.within(item.ident.as_ref().map_or_else(String::new, |name| format!("{name}!")), |scan| {
                macros::rules(&item.mac.tokens).into_iter().for_each(|tokens| scan.tokens(tokens));
            });
        } else {
            self.visit_macro(&item.mac);
        }
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        self.binding(local);
        visit::visit_local(self, local);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.call(call);
        visit::visit_expr_method_call(self, call);
    }
}
