//! `#[derive(CacheSchema)]`: what serde reads and writes of a type, as words and other types.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Field, Fields, Generics, Ident, Item, Lit, Meta, Path, Token, Type};

use crate::args;
use crate::errors::Errors;

pub(crate) struct Schema {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    pub(crate) parts: Vec<Part>,
    /// `#[cache_schema(crate = ::path)]`
    pub(crate) runtime: Option<Path>,
}

/// One step of a description.
pub(crate) enum Part {
    Word(String),
    /// Which describes itself.
    Type(Box<Type>),
}

impl Schema {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Option<Schema> {
        let (ident, generics, attrs, kind) = match syn::parse2(tokens) {
            Ok(Item::Struct(item)) => (item.ident, item.generics, item.attrs, Kind::Struct(item.fields)),
            Ok(Item::Enum(item)) => {
                let variants = item.variants.into_iter().map(|it| (it.ident, it.attrs, it.fields)).collect();
                (item.ident, item.generics, item.attrs, Kind::Enum(variants))
            }
            Ok(Item::Union(item)) => {
                errors.at(
                    item.union_token.span,
                    "`CacheSchema` is derived for structs and enums, as serde's traits are; implement it by hand for a \
                     union",
                );
                (item.ident, item.generics, item.attrs, Kind::Struct(Fields::Unit))
            }
            // The compiler derives for nothing else.
            Ok(_) => return None,
            Err(error) => {
                errors.push(error);
                return None;
            }
        };
        let mut schema =
            Schema { ident, generics, parts: Vec::new(), runtime: Options::of(&attrs, false, errors).runtime };
        let serde = Serde::of(&attrs);
        // What is read and what is written instead of the type itself.
        let read = serde.ty("from").or_else(|| serde.ty("try_from"));
        let written = serde.ty("into");
        let replaced = read.is_some() && written.is_some();
        for (word, ty) in [("from", read), ("into", written)] {
            if let Some(ty) = ty {
                schema.word(word);
                schema.parts.push(Part::Type(Box::new(ty)));
            }
        }
        match kind {
            _ if replaced => {}
            Kind::Struct(fields) => {
                schema.word(format!("struct {}", serde.text()));
                schema.fields(fields, errors);
            }
            Kind::Enum(variants) => {
                schema.word(format!("enum {} {}", variants.len(), serde.text()));
                for (ident, attrs, fields) in variants {
                    let (options, serde) = (Options::of(&attrs, true, errors), Serde::of(&attrs));
                    schema.word(format!("{} {}", ident.unraw(), serde.text()));
                    // A variant that stays out still counts in the numbers of the others.
                    if !serde.skipped() {
                        let opaque = options.opaque || serde.by_function();
                        schema.fields_as(fields, opaque, errors);
                    }
                }
            }
        }
        Some(schema)
    }

    fn word(&mut self, word: impl Into<String>) {
        self.parts.push(Part::Word(word.into()));
    }

    fn fields(&mut self, fields: Fields, errors: &mut Errors) {
        self.fields_as(fields, false, errors);
    }

    fn fields_as(&mut self, fields: Fields, opaque: bool, errors: &mut Errors) {
        let kind = match fields {
            Fields::Named(_) => "fields",
            Fields::Unnamed(_) => "places",
            Fields::Unit => "unit",
        };
        let fields: Vec<(Field, Options, Serde)> = fields
            .into_iter()
            .map(|field| {
                let (options, serde) = (Options::of(&field.attrs, true, errors), Serde::of(&field.attrs));
                (field, options, serde)
            })
            .filter(|(.., serde)| !serde.skipped())
            .collect();
        self.word(format!("{kind} {}", fields.len()));
        for (field, options, serde) in fields {
            let name = field.ident.map(|ident| ident.unraw().to_string()).unwrap_or_default();
            self.word(format!("{name} {}", serde.text()));
            // How functions of the user write it, only its type says.
            if opaque || options.opaque || serde.by_function() {
                self.word(text(field.ty.to_token_stream()));
            } else {
                self.parts.push(Part::Type(Box::new(field.ty)));
            }
        }
    }
}

enum Kind {
    Struct(Fields),
    Enum(Vec<(Ident, Vec<Attribute>, Fields)>),
}

/// What serde is told about a type, a variant or a field.
struct Serde(Vec<Meta>);

/// Which do not change what is read or written.
const WITHOUT_EFFECT: [&str; 5] = ["bound", "borrow", "crate", "expecting", "getter"];

impl Serde {
    fn of(attrs: &[Attribute]) -> Serde {
        let lists = attrs.iter().filter(|attr| attr.path().is_ident("serde")).filter_map(|attr| match &attr.meta {
            // What cannot be read is serde's to report.
            Meta::List(list) => Punctuated::<Meta, Token![,]>::parse_terminated.parse2(list.tokens.clone()).ok(),
            _ => None,
        });
        Serde(lists.flatten().filter(|meta| !WITHOUT_EFFECT.iter().any(|name| meta.path().is_ident(name))).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|meta| meta.path().is_ident(name))
    }

    fn skipped(&self) -> bool {
        self.has("skip") || (self.has("skip_serializing") && self.has("skip_deserializing"))
    }

    fn by_function(&self) -> bool {
        ["with", "serialize_with", "deserialize_with"].iter().any(|name| self.has(name))
    }

    /// The type in `from = "Type"`.
    fn ty(&self, name: &str) -> Option<Type> {
        let meta = self.0.iter().find(|meta| meta.path().is_ident(name))?;
        match &meta.require_name_value().ok()?.value {
            Expr::Lit(lit) => match &lit.lit {
                Lit::Str(ty) => ty.parse().ok(),
                _ => None,
            },
            _ => None,
        }
    }

    /// All of it, in one order.
    fn text(&self) -> String {
        let mut all: Vec<String> = self.0.iter().map(|meta| text(meta.to_token_stream())).collect();
        all.sort_unstable();
        all.join(", ")
    }
}

/// The same text for the same tokens, whichever compiler prints them.
fn text(tokens: TokenStream) -> String {
    let words = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => {
            let inner = text(group.stream());
            match group.delimiter() {
                Delimiter::Parenthesis => format!("( {inner} )"),
                Delimiter::Bracket => format!("[ {inner} ]"),
                Delimiter::Brace => format!("{{ {inner} }}"),
                // Around what a `macro_rules!` passes on.
                Delimiter::None => inner,
            }
        }
        token => token.to_string(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// `#[cache_schema(…)]`
#[derive(Default)]
struct Options {
    runtime: Option<Path>,
    opaque: bool,
}

impl Options {
    fn of(attrs: &[Attribute], inside: bool, errors: &mut Errors) -> Options {
        let mut options = Options::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("cache_schema")) {
            let read = |input: ParseStream| options.read(input, inside);
            let result = match &attr.meta {
                Meta::List(list) if !list.tokens.is_empty() => read.parse2(list.tokens.clone()),
                meta => Err(syn::Error::new_spanned(meta, only_option(inside))),
            };
            if let Err(error) = result {
                errors.push(error);
            }
        }
        options
    }

    fn read(&mut self, input: ParseStream, inside: bool) -> syn::Result<()> {
        let word = input.call(Ident::parse_any)?;
        if inside && word == "opaque" {
            self.opaque = true;
            return Ok(());
        }
        if inside || word != "crate" || !input.peek(Token![=]) {
            return Err(syn::Error::new(word.span(), only_option(inside)));
        }
        input.parse::<Token![=]>()?;
        self.runtime = Some(args::absolute(input.parse()?)?);
        Ok(())
    }
}

fn only_option(inside: bool) -> &'static str {
    if inside {
        "the only option here is `opaque`, of a type that does not describe itself; write `#[cache_schema(opaque)]`"
    } else {
        "the only option here is `crate`; write `#[cache_schema(crate = ::my::path)]`, and `#[cache_schema(opaque)]` at a \
         field"
    }
}
