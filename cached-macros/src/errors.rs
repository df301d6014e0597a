//! Collecting mistakes, and wording that several rules share.

use std::fmt::Display;
use std::ops::Range;

use proc_macro2::{Literal, Span};
use quote::ToTokens;
use syn::LitStr;

/// Every mistake of one annotated item. They are reported together, so that nobody mends them one
/// compilation at a time.
#[derive(Default)]
pub(crate) struct Errors {
    found: Option<syn::Error>,
}

impl Errors {
    /// A mistake at one place.
    pub(crate) fn at(&mut self, span: Span, message: impl Display) {
        self.push(syn::Error::new(span, message));
    }

    /// A mistake that covers several tokens. On a stable compiler only `syn` can span them all.
    pub(crate) fn on(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.found {
            Some(found) => found.combine(error),
            None => self.found = Some(error),
        }
    }

    /// What was wrong. Every `Errors` has to end here.
    #[must_use]
    pub(crate) fn finish(mut self) -> Option<syn::Error> {
        self.found.take()
    }
}

/// A mistake that nobody reports would let a wrong expansion through.
impl Drop for Errors {
    fn drop(&mut self) {
        debug_assert!(self.found.is_none() || std::thread::panicking(), "mistakes were collected and never reported");
    }
}

/// The candidate that `word` was probably meant to be.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let tolerance = word.chars().count().div_ceil(3);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= tolerance && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be typed, removed or replaced to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut left = line + 1;
        let mut next = vec![left];
        for (above, other) in row.windows(2).zip(to.chars()) {
            let &[diagonal, up] = above else { continue };
            let replaced = diagonal + usize::from(letter != other);
            left = replaced.min(up + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// "`a`, `b` and `c`".
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Tokens as people write them in a path or a place.
pub(crate) fn without_spaces(tokens: impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}

/// A message about a part of a string literal. A stable compiler cannot point inside of a literal,
/// so the message draws the caret itself.
pub(crate) fn in_literal(literal: &LitStr, range: &Range<usize>, message: &str) -> syn::Error {
    let value = literal.value();
    let drawing = draw(&value, range).unwrap_or_default();
    let span = inner_span(literal, &value, range).unwrap_or_else(|| literal.span());
    syn::Error::new(span, format!("{message}{drawing}"))
}

pub(crate) fn inner_span(literal: &LitStr, value: &str, range: &Range<usize>) -> Option<Span> {
    let token: Literal = literal.token();
    // With escapes, or as a raw string, places in the value are not places in the source.
    if token.to_string() != format!("\"{value}\"") {
        return None;
    }
    token.subspan(range.start + 1..range.end + 1)
}

fn draw(value: &str, range: &Range<usize>) -> Option<String> {
    if value.is_empty() || value.contains(char::is_control) {
        return None;
    }
    let indent = value.get(..range.start)?.chars().count();
    let width = value.get(range.clone())?.chars().count().max(1);
    Some(format!("\n    {value}\n    {}{}", " ".repeat(indent), "^".repeat(width)))
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, distance, draw, list};

    #[test]
    fn distances() {
        for (from, to, expected) in [
            ("", "", 0),
            ("ttl", "ttl", 0),
            ("tll", "ttl", 1),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("verson", "version", 1),
        ] {
            assert_eq!(distance(from, to), expected, "{from} -> {to}");
        }
    }

    #[test]
    fn suggestions() {
        let options = ["key", "ttl", "mutex", "skip", "version"];
        for (word, expected) in [
            ("tll", Some("ttl")),
            ("verson", Some("version")),
            ("mutx", Some("mutex")),
            ("skp", Some("skip")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(did_you_mean(word, options), expected, "{word}");
        }
    }

    #[test]
    fn lists() {
        assert_eq!(list([]), "");
        assert_eq!(list(["a"]), "`a`");
        assert_eq!(list(["a", "b"]), "`a` and `b`");
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` and `c`");
    }

    #[test]
    fn carets() {
        assert_eq!(draw("user:<idd>", &(5..10)).as_deref(), Some("\n    user:<idd>\n         ^^^^^"));
        // Columns are characters, not bytes.
        assert_eq!(draw("käse:<i>", &(6..9)).as_deref(), Some("\n    käse:<i>\n         ^^^"));
        assert_eq!(draw("a\n<i>", &(2..5)), None);
        assert_eq!(draw("", &(0..0)), None);
    }
}
