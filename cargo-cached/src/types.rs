//! Types as they are written: what a function stores, and what stands in a key. What a type *is* only the compiler
//! knows, so whatever cannot be seen here is unknown, and nothing is said of it.

use std::collections::HashMap;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Fields, GenericArgument, Item, PathArguments, PathSegment, ReturnType, Signature, Type, TypeParamBound};

use crate::letters::Letters;
use crate::tokens::plain;

/// The structs, enums and aliases of the workspace, by name.
#[derive(Default)]
pub struct Types {
    items: HashMap<String, Vec<Item>>,
}

/// How many types are looked through on the way to another: one that contains itself has no end.
const DEEPEST: usize = 16;

/// What is known of a place's type.
pub struct Known {
    pub letters: Letters,
    /// The type, where nothing bounds how long its text gets.
    pub unbounded: Option<String>,
}

impl Types {
    pub fn add(&mut self, item: Item) {
        let name = match &item {
            Item::Struct(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Type(item) => &item.ident,
            _ => return,
        };
        self.items.entry(name.to_string()).or_default().push(item);
    }

    /// The one of this name; none where there are several, for nobody knows here which is meant.
    pub fn find(&self, name: &str) -> Option<&Item> {
        match &self.items.get(name)?[..] {
            [item] => Some(item),
            _ => None,
        }
    }

    /// Whether it is, or may be, an alias that was not looked through: `type Maybe<T> = Option<T>;`.
    pub fn is_alias(&self, name: &str) -> bool {
        self.items.get(name).is_some_and(|items| items.iter().any(|item| matches!(item, Item::Type(_))))
    }

    /// Of `type Row = User;` the `User`.
    fn unaliased<'t>(&'t self, mut ty: &'t Type) -> &'t Type {
        for _ in 0..DEEPEST {
            ty = bare(ty);
            let Some(segment) = last(ty).filter(|segment| segment.arguments.is_none()) else { return ty };
            match self.find(&segment.ident.to_string()) {
                Some(Item::Type(alias)) if alias.generics.params.is_empty() => ty = &alias.ty,
                _ => return ty,
            }
        }
        ty
    }

    /// The type of a field, reached through references, pointers and an `Option`.
    pub fn field<'t>(&'t self, ty: &'t Type, step: &str) -> Option<&'t Type> {
        let mut ty = self.unaliased(ty);
        for _ in 0..DEEPEST {
            let Some(inner) = pointee(ty).or_else(|| inside(ty, &["Option"])) else { break };
            ty = self.unaliased(inner);
        }
        if let Type::Tuple(tuple) = ty {
            return tuple.elems.get(step.parse::<usize>().ok()?);
        }
        let Item::Struct(item) = self.find(&last(ty)?.ident.to_string())? else { return None };
        match &item.fields {
            Fields::Named(fields) => {
                fields.named.iter().find(|field| field.ident.as_ref().is_some_and(|ident| ident == step))
            }
            Fields::Unnamed(fields) => fields.unnamed.iter().nth(step.parse().ok()?),
            Fields::Unit => None,
        }
        .map(|field| &field.ty)
    }

    /// What a key part of this type writes.
    pub fn part(&self, ty: &Type) -> Known {
        self.part_within(ty, DEEPEST)
    }

    fn part_within(&self, ty: &Type, deeper: usize) -> Known {
        let ty = self.unaliased(ty);
        let unknown = Known { letters: Letters::any(), unbounded: None };
        let Some(deeper) = deeper.checked_sub(1) else { return unknown };
        let endless = || Known { letters: Letters::any(), unbounded: Some(plain(&ty.to_token_stream())) };
        if let Some(inner) = pointee(ty) {
            return self.part_within(inner, deeper);
        }
        if let Some(inner) = inside(ty, &["Option"]) {
            let inner = self.part_within(inner, deeper);
            return Known { letters: inner.letters.or_none(), ..inner };
        }
        if matches!(ty, Type::Slice(_)) {
            return endless();
        }
        if let Type::ImplTrait(bounds) = ty {
            let text = plain(&bounds.to_token_stream());
            return if text.contains("str>") || text.contains("String>") { endless() } else { unknown };
        }
        let Some(segment) = last(ty) else { return unknown };
        let name = segment.ident.to_string();
        match name.as_str() {
            "String" | "str" | "Cow" | "Vec" | "VecDeque" | "BTreeSet" | "BTreeMap" => endless(),
            _ => match self.find(&name) {
                // A newtype is written as what is in it; that it has a name is its bound.
                Some(Item::Struct(item)) if item.fields.len() == 1 => item
                    .fields
                    .iter()
                    .next()
                    .map_or(unknown, |field| Known { unbounded: None, ..self.part_within(&field.ty, deeper) }),
                _ => Known { letters: Letters::of_type(&name).unwrap_or_else(Letters::any), unbounded: None },
            },
        }
    }

    /// The definitions that a stored value consists of, as they are written, sorted by name: what drifts.
    pub fn schema(&self, value: &str) -> Vec<String> {
        let mut names = words(value);
        let mut seen: Vec<String> = Vec::new();
        let mut schema = Vec::new();
        while let Some(name) = names.pop() {
            if seen.contains(&name) {
                continue;
            }
            let text = match self.find(&name) {
                Some(Item::Struct(item)) => definition("struct", &name, &item.attrs, &item.fields.to_token_stream()),
                Some(Item::Enum(item)) => {
                    let variants = item.variants.to_token_stream();
                    let variants = Group::new(Delimiter::Brace, variants);
                    definition("enum", &name, &item.attrs, &TokenTree::from(variants).into())
                }
                Some(Item::Type(item)) => format!("type {name} = {}", plain(&item.ty.to_token_stream())),
                _ => continue,
            };
            names.extend(words(&text));
            seen.push(name);
            schema.push(text);
        }
        schema.sort();
        schema
    }

    /// The name of what a function stores for a call that ends in this type. `whole`: a `Result`, too.
    pub fn stored(&self, ty: &Type, whole: bool) -> String {
        let mut ty = self.unaliased(ty);
        if !whole && let Some(ok) = ok_of(ty) {
            ty = self.unaliased(ok);
        }
        if let Some(inner) = inside(ty, &["Option"]) {
            ty = self.unaliased(inner);
        }
        for _ in 0..DEEPEST {
            let Some(inner) = pointee(ty) else { break };
            ty = self.unaliased(inner);
        }
        name(ty)
    }

    /// The same for one value of a batch.
    pub fn stored_each(&self, ty: &Type, whole: bool) -> Option<String> {
        let mut ty = self.unaliased(ty);
        if !whole && let Some(ok) = ok_of(ty) {
            ty = self.unaliased(ok);
        }
        let segment = last(ty)?;
        let element = match segment.ident.to_string().as_str() {
            "HashMap" | "BTreeMap" => arguments(segment).nth(1)?,
            "Vec" => arguments(segment).next()?,
            _ => return None,
        };
        Some(self.stored(element, true))
    }
}

/// What a call ends up with: the return type, or the output of the future that it is.
pub fn answer(sig: &Signature) -> Option<Type> {
    let ReturnType::Type(_, written) = &sig.output else { return None };
    let written = bare(written);
    if sig.asyncness.is_none() {
        let boxed = inside(written, &["Pin"]).and_then(|pin| inside(pin, &["Box"]));
        let bounds = match boxed.unwrap_or(written) {
            Type::TraitObject(object) => Some(&object.bounds),
            Type::ImplTrait(future) => Some(&future.bounds),
            _ => None,
        };
        if let Some(output) = bounds.and_then(|bounds| bounds.iter().find_map(output)) {
            return Some(output);
        }
        if let Some(segment) = last(written).filter(|it| it.ident == "BoxFuture" || it.ident == "LocalBoxFuture") {
            return arguments(segment).last().cloned();
        }
    }
    Some(written.clone())
}

fn output(bound: &TypeParamBound) -> Option<Type> {
    let TypeParamBound::Trait(bound) = bound else { return None };
    let PathArguments::AngleBracketed(arguments) = &bound.path.segments.last()?.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(output) if output.ident == "Output" => Some(output.ty.clone()),
        _ => None,
    })
}

/// `T` of a `Result<T, E>`, and of an alias that is called so: `AppResult<T>`.
fn ok_of(ty: &Type) -> Option<&Type> {
    let segment = last(ty).filter(|segment| segment.ident.to_string().ends_with("Result"))?;
    arguments(segment).next()
}

/// One id of `&[Id]`, `&Vec<Id>`, `Vec<Id>`.
pub fn element(ty: &Type) -> Option<&Type> {
    let mut ty = bare(ty);
    while let Type::Reference(reference) = ty {
        ty = bare(&reference.elem);
    }
    match ty {
        Type::Slice(slice) => Some(&slice.elem),
        _ => inside(ty, &["Vec"]),
    }
}

/// Behind a reference or a pointer that values are stored through.
fn pointee(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Reference(reference) => Some(&reference.elem),
        _ => inside(ty, &["Arc", "Box", "Rc"]),
    }
}

fn inside<'t>(ty: &'t Type, names: &[&str]) -> Option<&'t Type> {
    let segment = last(ty).filter(|segment| names.iter().any(|name| segment.ident == name))?;
    arguments(segment).next()
}

fn bare(mut ty: &Type) -> &Type {
    loop {
        match ty {
            Type::Group(group) => ty = &group.elem,
            Type::Paren(paren) => ty = &paren.elem,
            _ => return ty,
        }
    }
}

fn last(ty: &Type) -> Option<&PathSegment> {
    match bare(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn arguments(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    };
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Without paths, as entries name it: `Vec<User>` for `std::vec::Vec<crate::User>`.
fn name(ty: &Type) -> String {
    let mut name = String::new();
    let text = plain(&ty.to_token_stream());
    let mut word = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_alphanumeric() || letter == '_' {
            word.push(letter);
        } else if letter == ':' && letters.peek() == Some(&':') {
            letters.next();
            word.clear();
        } else {
            name += &word;
            word.clear();
            name.push(letter);
        }
    }
    name + &word
}

/// The words in it that may be types.
pub fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with(char::is_uppercase))
        .map(ToOwned::to_owned)
        .collect()
}

/// With what serde is told of it, and without what it does not see.
fn definition(kind: &str, name: &str, attrs: &[syn::Attribute], fields: &TokenStream) -> String {
    let of_serde: String = attrs
        .iter()
        .filter(|attr| attr.path().is_ident("serde"))
        .map(|attr| plain(&attr.to_token_stream()) + " ")
        .collect();
    let fields = plain(&undocumented(fields.clone())).replace(", }", " }").replace(",)", ")");
    format!("{of_serde}{kind} {name} {fields}").trim_end().to_owned()
}

fn undocumented(tokens: TokenStream) -> TokenStream {
    let mut kept = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if let TokenTree::Punct(mark) = &token
            && mark.as_char() == '#'
            && let Some(TokenTree::Group(attr)) = tokens.peek()
        {
            let of_serde = attr.stream().into_iter().next().is_some_and(|word| word.to_string() == "serde");
            if !of_serde {
                tokens.next();
                continue;
            }
        }
        if matches!(&token, TokenTree::Ident(word) if word == "pub") {
            // `pub(crate)`
            tokens.next_if(|next| matches!(next, TokenTree::Group(to) if to.delimiter() == Delimiter::Parenthesis));
            continue;
        }
        kept.extend([match token {
            TokenTree::Group(group) => TokenTree::Group(Group::new(group.delimiter(), undocumented(group.stream()))),
            token => token,
        }]);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(source: &str) -> Types {
        let mut types = Types::default();
        for item in syn::parse_file(source).expect("a file").items {
            types.add(item);
        }
        types
    }

    fn ty(text: &str) -> Type {
        syn::parse_str(text).expect("a type")
    }

    #[test]
    fn what_is_stored_has_the_name_that_entries_give_it() {
        let types = types("type Row = crate::User; struct User { id: i64 }");
        for (written, stored) in [
            ("User", "User"),
            ("Result<Option<crate::db::User>, sqlx::Error>", "User"),
            ("AppResult<Vec<db::User>>", "Vec<User>"),
            ("Option<Arc<User>>", "User"),
            ("Result<Row, E>", "User"),
            ("Vec<Arc<User>>", "Vec<Arc<User>>"),
            ("(std::string::String, u8)", "(String, u8)"),
        ] {
            assert_eq!(types.stored(&ty(written), false), stored, "{written}");
        }
        assert_eq!(types.stored(&ty("Result<u8, E>"), true), "Result<u8, E>");
        for written in ["HashMap<i64, User>", "Result<Vec<Option<User>>, E>", "Vec<Row>"] {
            assert_eq!(types.stored_each(&ty(written), false).as_deref(), Some("User"), "{written}");
        }
    }

    #[test]
    fn a_future_answers_with_its_output() {
        for (sig, expected) in [
            ("async fn f() -> u8", "u8"),
            ("fn f() -> impl Future<Output = u8> + Send", "u8"),
            ("fn f() -> Pin<Box<dyn Future<Output = R<u8>> + Send + 'a>>", "R<u8>"),
            ("fn f() -> BoxFuture<'_, u8>", "u8"),
            ("fn f() -> Vec<u8>", "Vec<u8>"),
        ] {
            let answer = answer(&syn::parse_str(sig).expect("a signature")).expect("an answer");
            assert_eq!(plain(&answer.to_token_stream()), expected, "{sig}");
        }
    }

    #[test]
    fn text_is_unbounded_unless_a_newtype_names_it() {
        let types = types("struct Email(String); struct Filter { q: Option<String>, page: u32 } type Name = String;");
        for (written, unbounded) in [
            ("String", true),
            ("&str", true),
            ("Option<&str>", true),
            ("Vec<u8>", true),
            ("&[u8]", true),
            ("Name", true),
            ("impl AsRef<str>", true),
            ("Email", false),
            ("i64", false),
            ("[u8; 16]", false),
            ("Uuid", false),
            ("T", false),
        ] {
            assert_eq!(types.part(&ty(written)).unbounded.is_some(), unbounded, "{written}");
        }
        let filter = ty("&Filter");
        assert!(types.field(&filter, "q").is_some_and(|ty| types.part(ty).unbounded.is_some()));
        assert!(types.field(&filter, "page").is_some_and(|ty| types.part(ty).unbounded.is_none()));
        assert!(types.field(&filter, "size").is_none());
    }

    #[test]
    fn a_schema_is_all_that_serde_sees() {
        let types = types(
            "/// Docs.\n#[derive(Debug)] #[serde(rename_all = \"camelCase\")] struct User { /// An id.\n pub id: i64, \
             #[serde(default)] pub(crate) team: Vec<Team>, } enum Team { Core, Other(String) } struct Elsewhere;",
        );
        let schema = types.schema("Vec<User>");
        assert_eq!(
            schema,
            [
                "#[serde(rename_all = \"camelCase\")] struct User { id: i64, #[serde(default)] team: Vec<Team> }",
                "enum Team { Core, Other(String) }",
            ]
        );
    }
}
