//! `#[derive(CacheKey)]`: a struct that is a key, with its template and the type of the value under it.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, Field, Fields, Generics, Ident, Item, LitStr, Meta, Path, Token, Type};

use crate::args;
use crate::check::{self, Excused, Roots};
use crate::errors::{Errors, did_you_mean, list};
use crate::template::Template;

pub(crate) struct CacheKey {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) fields: Vec<Field>,
    /// `None`: it cannot be read, which is reported.
    pub(crate) template: Option<(LitStr, Template)>,
    /// `None`: likewise.
    pub(crate) value: Option<Type>,
    /// `#[cache_key(…, crate = ::path)]`
    pub(crate) runtime: Option<Path>,
}

impl CacheKey {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Option<CacheKey> {
        let (ident, generics, attrs, fields) = match syn::parse2(tokens) {
            Ok(Item::Struct(item)) => {
                let fields = named(&item.ident, item.fields, errors);
                (item.ident, item.generics, item.attrs, fields)
            }
            Ok(Item::Enum(item)) => {
                errors.at(
                    item.enum_token.span,
                    "`CacheKey` is derived for a struct with named fields; write one struct for each kind of key",
                );
                (item.ident, item.generics, item.attrs, None)
            }
            Ok(Item::Union(item)) => {
                errors.at(
                    item.union_token.span,
                    "`CacheKey` is derived for a struct with named fields; a union does not know its value",
                );
                (item.ident, item.generics, item.attrs, None)
            }
            // The compiler derives for nothing else.
            Ok(_) => return None,
            Err(error) => {
                errors.push(error);
                return None;
            }
        };
        let mut key = CacheKey { ident, generics, fields: Vec::new(), template: None, value: None, runtime: None };
        let Some(fields) = fields else {
            // What else is wrong depends on the fields.
            return Some(key);
        };
        key.fields = fields;
        if let Some(options) = key.options(&attrs, errors) {
            key.template = options.template.map(|literal| {
                let template = key.checked(&literal, errors);
                (literal, template)
            });
            key.value = options.value;
            key.runtime = options.runtime;
        }
        Some(key)
    }

    fn options(&self, attrs: &[Attribute], errors: &mut Errors) -> Option<Options> {
        let mut attrs = attrs.iter().filter(|attr| attr.path().is_ident("cache_key"));
        let Some(attr) = attrs.next() else {
            errors.at(
                self.ident.span(),
                format!("a typed key has a template and the type of its value; write `{}` here", self.example()),
            );
            return None;
        };
        if let Some(second) = attrs.next() {
            errors.on(second.path(), "this key has two templates; remove one of the two attributes");
        }
        let tokens = match &attr.meta {
            Meta::List(list) => list.tokens.clone(),
            _ => TokenStream::new(),
        };
        let options = Options::parse(tokens, errors);
        if options.template.is_none() && !options.mistaken {
            errors.on(attr.path(), format!("the template is missing; write `{}`", self.example()));
        } else if options.value.is_none() && !options.mistaken {
            errors.on(
                attr.path(),
                format!("which type is stored under this key? Write `value = {}` behind the template", self.stored()),
            );
        }
        Some(options)
    }

    fn checked(&self, literal: &LitStr, errors: &mut Errors) -> Template {
        let roots = Roots {
            noun: "field",
            owner: "struct",
            names: self.names().collect(),
            receiver: Err("a place in this template begins with a field; leave `self.` out"),
            result: Err("a key is needed before there is a result; name a field here"),
            made_up: false,
        };
        let mut excused = Excused::default();
        let template = check::template(literal, &roots, &mut excused, errors);
        self.forgotten(&template, &excused, errors);
        template
    }

    /// A field that is not in the template would let two keys share one value.
    fn forgotten(&self, template: &Template, excused: &Excused, errors: &mut Errors) {
        for ident in self.fields.iter().filter_map(|field| field.ident.as_ref()) {
            let name = ident.unraw().to_string();
            if !template.places().any(|place| place.root == name) && !excused.names(&name) {
                errors.at(
                    ident.span(),
                    format!(
                        "`{name}` is not part of the key, so keys that differ in it would share one value; write \
                         `<{name}>` into the template, or remove the field"
                    ),
                );
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = String> {
        self.fields.iter().filter_map(|field| field.ident.as_ref()).map(|ident| ident.unraw().to_string())
    }

    /// `#[cache_key("user:<id>", value = User)]`, for `UserKey { id }`.
    fn example(&self) -> String {
        let stored = self.stored();
        let places: String = self.names().map(|name| format!(":<{name}>")).collect();
        format!("#[cache_key(\"{}{places}\", value = {stored})]", stored.to_lowercase())
    }

    fn stored(&self) -> String {
        let name = self.ident.unraw().to_string();
        match name.strip_suffix("Key") {
            Some(stored) if !stored.is_empty() => stored.to_owned(),
            _ => "User".to_owned(),
        }
    }
}

fn named(ident: &Ident, fields: Fields, errors: &mut Errors) -> Option<Vec<Field>> {
    match fields {
        Fields::Named(fields) => Some(fields.named.into_iter().collect()),
        Fields::Unit => Some(Vec::new()),
        Fields::Unnamed(_) => {
            errors.at(
                ident.span(),
                "the places of a typed key are named fields; write `struct UserKey { id: i64 }`, and `#[derive(KeyPart)]` \
                 for a newtype that stands in keys",
            );
            None
        }
    }
}

const OPTIONS: [&str; 2] = ["value", "crate"];

/// `"user:<id>", value = User, crate = ::my::path`
#[derive(Default)]
struct Options {
    template: Option<LitStr>,
    value: Option<Type>,
    runtime: Option<Path>,
    /// Something cannot be read, so nothing counts as missing.
    mistaken: bool,
}

impl Options {
    fn parse(tokens: TokenStream, errors: &mut Errors) -> Options {
        let mut options = Options::default();
        let parser = |input: ParseStream| {
            while !input.is_empty() {
                options.read(input)?;
                if !input.is_empty() {
                    let missing = input.error("a comma is missing between the options");
                    input.parse::<Token![,]>().map_err(|_| missing)?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
            options.mistaken = true;
        }
        options
    }

    fn read(&mut self, input: ParseStream) -> syn::Result<()> {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            return match self.template.replace(literal) {
                None => Ok(()),
                Some(first) => Err(syn::Error::new(first.span(), "a key has one template; remove one of the two")),
            };
        }
        let Ok(word) = input.call(Ident::parse_any) else {
            return Err(input.error("a template or an option is missing here; write `\"user:<id>\", value = User`"));
        };
        let name = word.to_string();
        match name.as_str() {
            "value" => {
                assigned(&word, "value = User", input)?;
                let value = input.parse().map_err(|error| {
                    syn::Error::new(error.span(), "`value` is the type that is stored; write `value = User`")
                })?;
                once(&word, self.value.replace(value).is_some())
            }
            "crate" => {
                assigned(&word, "crate = ::my::path", input)?;
                let path = args::absolute(args::ungrouped(input.parse::<Expr>()?))?;
                once(&word, self.runtime.replace(path).is_some())
            }
            _ => Err(syn::Error::new(word.span(), unknown(&name))),
        }
    }
}

fn assigned(word: &Ident, example: &str, input: ParseStream) -> syn::Result<()> {
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        if !input.is_empty() && !input.peek(Token![,]) {
            return Ok(());
        }
    }
    Err(syn::Error::new(word.span(), format!("`{word}` takes a value; write `{example}`")))
}

fn once(word: &Ident, again: bool) -> syn::Result<()> {
    if again {
        return Err(syn::Error::new(word.span(), format!("`{word}` is set twice; remove one of the two")));
    }
    Ok(())
}

fn unknown(word: &str) -> String {
    match word {
        "key" | "template" => {
            "the template stands first, without a name; write `\"user:<id>\", value = User`".to_owned()
        }
        "type" | "ty" | "of" | "stores" => "the type that is stored is `value = User`".to_owned(),
        "ttl" | "version" | "tag" | "prefix" => {
            format!("`{word}` is for the function that stores the value; the options of a key are {}", list(OPTIONS))
        }
        _ => match did_you_mean(word, OPTIONS) {
            Some(meant) => {
                format!("there is no option `{word}`, did you mean `{meant}`? The options are {}", list(OPTIONS))
            }
            None => format!("there is no option `{word}`; the options are {}", list(OPTIONS)),
        },
    }
}
