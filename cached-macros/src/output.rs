//! The written return type: what kind of function it makes, what is cached, and what in it may be borrowed.
//!
//! Everything here goes by the written tokens. What a type *is* (a `Result` behind an alias, an `Option`) is for the
//! runtime's traits to decide.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{GenericArgument, Lifetime, PathArguments, PathSegment, ReturnType, Signature, Token, Type, TypeParamBound};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// `async fn`
    Async,
    /// `fn`
    Blocking,
    /// `fn … -> Pin<Box<dyn Future<Output = R>>>`, `BoxFuture<'_, R>`; what `#[async_trait]` makes of an `async fn`.
    Boxed(Start),
    /// `fn … -> impl Future<Output = R>`
    Future(Start),
}

/// When the body of a function that returns a future is called. (The future that it gives is always polled only
/// after a miss.)
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    /// After a miss. The arguments wait in the returned future, so its type has to allow for that: it names a
    /// lifetime.
    OnMiss,
    /// At the call, as without the attribute. The returned future must not hold the arguments.
    AtCall,
}

/// How the function answers: its shape, and the type that a call ends up with (`None`: nothing is written).
pub(crate) fn read(sig: &Signature) -> (Shape, Option<Type>) {
    let ReturnType::Type(_, written) = &sig.output else {
        return (if sig.asyncness.is_some() { Shape::Async } else { Shape::Blocking }, None);
    };
    let written = bare(written);
    if sig.asyncness.is_some() {
        return (Shape::Async, Some(written.clone()));
    }
    if let Some((value, start)) = boxed(written).or_else(|| box_future(written)) {
        return (Shape::Boxed(start), Some(value));
    }
    if let Type::ImplTrait(future) = written
        && let Some((value, start)) = future_of(&future.bounds)
    {
        return (Shape::Future(start), Some(value));
    }
    (Shape::Blocking, Some(written.clone()))
}

/// `Pin<Box<dyn Future<Output = R> + …>>`
fn boxed(ty: &Type) -> Option<(Type, Start)> {
    let in_pin = argument_of(ty, "Pin")?;
    match bare(argument_of(in_pin, "Box")?) {
        Type::TraitObject(object) => future_of(&object.bounds),
        _ => None,
    }
}

/// `BoxFuture<'a, R>`, `LocalBoxFuture<'a, R>`
fn box_future(ty: &Type) -> Option<(Type, Start)> {
    let segment = last_segment(ty)?;
    if segment.ident != "BoxFuture" && segment.ident != "LocalBoxFuture" {
        return None;
    }
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    let owned =
        arguments.args.iter().any(|argument| matches!(argument, GenericArgument::Lifetime(it) if is_static(it)));
    let value = types(segment).last()?;
    Some((bare(value).clone(), if owned { Start::AtCall } else { Start::OnMiss }))
}

fn future_of(bounds: &Punctuated<TypeParamBound, Token![+]>) -> Option<(Type, Start)> {
    let value = bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let future = bound.path.segments.last().filter(|segment| segment.ident == "Future")?;
        let PathArguments::AngleBracketed(arguments) = &future.arguments else {
            return None;
        };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(output) if output.ident == "Output" => Some(bare(&output.ty).clone()),
            _ => None,
        })
    })?;
    let borrows = bounds.iter().any(|bound| matches!(bound, TypeParamBound::Lifetime(it) if !is_static(it)));
    Some((value, if borrows { Start::OnMiss } else { Start::AtCall }))
}

/// The cached part of the type that a call ends up with: `T` of a `Result<T, E>` written out, else all of it.
pub(crate) fn cached(value: &Type) -> &Type {
    result_of(value).map_or(value, |(ok, _)| ok)
}

/// `T` and `E` of a `Result<T, E>` that is written with both.
pub(crate) fn result_of(value: &Type) -> Option<(&Type, &Type)> {
    let segment = last_segment(value).filter(|segment| segment.ident == "Result")?;
    let mut types = types(segment);
    match (types.next(), types.next(), types.next()) {
        (Some(ok), Some(error), None) => Some((bare(ok), bare(error))),
        _ => None,
    }
}

pub(crate) fn is_unit(value: &Type) -> bool {
    matches!(bare(value), Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// Where a type error about the cached value is shown: at the innermost type that is surely part of it.
/// (A stable compiler marks the first token of a span only, so `Result<Option<User>, E>` would show `Result`.)
pub(crate) fn anchor(ty: &Type) -> Span {
    match bare(ty) {
        Type::Reference(reference) => anchor(&reference.elem),
        Type::Slice(slice) => anchor(&slice.elem),
        Type::Array(array) => anchor(&array.elem),
        path @ Type::Path(_) => {
            let Some(segment) = last_segment(path) else {
                return first_token(path);
            };
            let mut types = types(segment);
            match (result_of(path), types.next(), types.next()) {
                (Some((ok, _)), ..) => anchor(ok),
                (None, Some(only), None) => anchor(only),
                _ => segment.ident.span(),
            }
        }
        other => first_token(other),
    }
}

/// Where an error about the collection that a batch returns is shown.
pub(crate) fn collection(value: &Type) -> Span {
    let collection = cached(value);
    last_segment(collection).map_or_else(|| first_token(collection), |segment| segment.ident.span())
}

/// Where an error about one value of that collection is shown.
pub(crate) fn element(value: &Type) -> Span {
    let collection = cached(value);
    let segment = last_segment(collection);
    let element = segment.filter(|segment| segment.ident == "HashMap" || segment.ident == "BTreeMap");
    match element.and_then(|map| types(map).nth(1)) {
        Some(element) => anchor(element),
        None => anchor(collection),
    }
}

/// All that a stable compiler marks of a span.
pub(crate) fn first_token(tokens: impl ToTokens) -> Span {
    tokens.into_token_stream().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}

/// Whether an error of this type may surely be kept and given to other callers: nothing in it can be borrowed.
/// A type parameter is borrowed where the caller says so, and those of the `impl` block are not visible here.
pub(crate) fn surely_owned(value: &Type, sig: &Signature) -> bool {
    let generic = |word: &str| sig.generics.type_params().any(|param| param.ident == word);
    let words = words(value.to_token_stream());
    let mut first_segment = true;
    for (index, word) in words.iter().enumerate() {
        match word {
            Word::Reference(_) | Word::Lifetime(_) => return false,
            Word::Ident(ident, _) => {
                let path_continues = matches!(words.get(index + 1), Some(Word::PathSeparator));
                let camel_case = ident.starts_with(char::is_uppercase);
                let short_or_shouted = ident.chars().count() <= 2 || !ident.contains(char::is_lowercase);
                // `as` and `Db::Error`: an associated type, of whatever the other type is.
                if matches!(ident.as_str(), "Self" | "impl" | "as")
                    || generic(ident)
                    || (first_segment && camel_case && (short_or_shouted || path_continues))
                {
                    return false;
                }
            }
            Word::PathSeparator | Word::Other => {}
        }
        first_segment = !matches!(word, Word::PathSeparator);
    }
    true
}

/// A token that matters for borrowing, with its place.
pub(crate) enum Word {
    Ident(String, Span),
    Lifetime(Span),
    Reference(Span),
    PathSeparator,
    Other,
}

/// The tokens of a type in order, groups opened; `'static` is not a lifetime that borrows.
pub(crate) fn words(tokens: TokenStream) -> Vec<Word> {
    let mut words = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                words.push(Word::Other);
                words.extend(self::words(group.stream()));
                words.push(Word::Other);
            }
            TokenTree::Ident(ident) => words.push(Word::Ident(ident.to_string(), ident.span())),
            TokenTree::Punct(mark) if mark.as_char() == '\'' => {
                let name = tokens.next();
                if name.is_none_or(|name| name.to_string() != "static") {
                    words.push(Word::Lifetime(mark.span()));
                }
            }
            TokenTree::Punct(mark) if mark.as_char() == '&' => words.push(Word::Reference(mark.span())),
            TokenTree::Punct(mark) if mark.as_char() == ':' => {
                let double = tokens.next_if(|next| matches!(next, TokenTree::Punct(next) if next.as_char() == ':'));
                words.push(if double.is_some() { Word::PathSeparator } else { Word::Other });
            }
            _ => words.push(Word::Other),
        }
    }
    words
}

/// Without the parentheses and invisible groups around it.
pub(crate) fn bare(mut ty: &Type) -> &Type {
    loop {
        match ty {
            Type::Group(group) => ty = &group.elem,
            Type::Paren(paren) => ty = &paren.elem,
            _ => return ty,
        }
    }
}

pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match bare(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn types(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    };
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// `T` of `Name<T>`.
fn argument_of<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    types(last_segment(ty).filter(|segment| segment.ident == name)?).next()
}

fn is_static(lifetime: &Lifetime) -> bool {
    lifetime.ident == "static"
}

#[cfg(test)]
mod tests {
    use super::{Shape, Start, read, surely_owned};
    use syn::Signature;

    fn signature(text: &str) -> Signature {
        syn::parse_str(text).unwrap()
    }

    #[test]
    fn shapes() {
        for (text, shape, value) in [
            ("async fn f() -> u8", Shape::Async, "u8"),
            ("async fn f() -> Pin<Box<dyn Future<Output = u8>>>", Shape::Async, "Pin<Box<dynFuture<Output=u8>>>"),
            ("fn f() -> u8", Shape::Blocking, "u8"),
            ("fn f() -> (u8)", Shape::Blocking, "u8"),
            ("fn f() -> impl Clone", Shape::Blocking, "implClone"),
            ("fn f() -> impl Future", Shape::Blocking, "implFuture"),
            ("fn f() -> impl Future<Output = u8>", Shape::Future(Start::AtCall), "u8"),
            ("fn f() -> impl Future<Output = u8> + Send + 'static", Shape::Future(Start::AtCall), "u8"),
            ("fn f() -> impl Send + Future<Output = u8> + '_", Shape::Future(Start::OnMiss), "u8"),
            ("fn f() -> impl core::future::Future<Output = u8> + use<>", Shape::Future(Start::AtCall), "u8"),
            ("fn f() -> Pin<Box<dyn Future<Output = u8>>>", Shape::Boxed(Start::AtCall), "u8"),
            (
                "fn f() -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = R<u8>> + Send + 'async_trait>>",
                Shape::Boxed(Start::OnMiss),
                "R<u8>",
            ),
            ("fn f() -> Pin<Box<u8>>", Shape::Blocking, "Pin<Box<u8>>"),
            ("fn f() -> BoxFuture<'_, R<u8>>", Shape::Boxed(Start::OnMiss), "R<u8>"),
            ("fn f() -> futures::future::BoxFuture<'static, u8>", Shape::Boxed(Start::AtCall), "u8"),
            ("fn f() -> LocalBoxFuture<'a, u8>", Shape::Boxed(Start::OnMiss), "u8"),
        ] {
            let (found, ty) = read(&signature(text));
            assert_eq!(found, shape, "{text}");
            assert_eq!(crate::errors::without_spaces(ty), value, "{text}");
        }
    }

    #[test]
    fn owned() {
        for (ty, expected) in [
            ("Result<Option<User>, sqlx::Error>", true),
            ("Result<u8, String>", true),
            ("Result<Vec<u8>, Box<dyn std::error::Error + Send + 'static>>", true),
            ("Result<Cow<'static, str>, io::Error>", true),
            ("crate::AppResult<User>", true),
            ("Result<[u8; 4], (u8, char)>", true),
            ("Result<u8, E>", false),
            ("Result<u8, Error2>", false),
            ("Result<u8, Er>", false),
            ("Result<u8, ERROR>", false),
            ("Result<u8, DB::Error>", false),
            ("Result<u8, Backend::Error>", false),
            ("Result<u8, <Backend as Database>::Error>", false),
            ("Result<u8, Self::Error>", false),
            ("Result<u8, <Self as Load>::Error>", false),
            ("Result<u8, Error<'a>>", false),
            ("Result<u8, &str>", false),
            ("Result<u8, Box<impl Debug>>", false),
        ] {
            let sig = signature(&format!("fn f<Error2>() -> {ty}"));
            assert_eq!(surely_owned(&read(&sig).1.unwrap(), &sig), expected, "{ty}");
        }
    }
}
