//! The options of an attribute, as written. Words that this build does not know are options too: what they may be is the
//! compiler's to say, and the next version's.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, Lit, Token};

use crate::duration;
use crate::tokens::plain;

#[derive(Debug, Default)]
pub struct Options(Vec<Opt>);

#[derive(Debug)]
pub struct Opt {
    pub name: String,
    /// Behind the `=`, or between the parentheses.
    pub value: Option<TokenStream>,
    /// `name(…)`
    pub listed: bool,
    pub line: usize,
}

/// How long a value lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    Millis(u64),
    Never,
    PerValue,
}

impl Options {
    /// Reads on behind what it cannot read.
    pub fn parse(tokens: TokenStream) -> Self {
        let mut options = Vec::new();
        let parser = |input: ParseStream| {
            while !input.is_empty() {
                let Ok(name) = input.call(Ident::parse_any) else {
                    input.parse::<TokenTree>()?;
                    continue;
                };
                let mut option =
                    Opt { name: name.to_string(), value: None, listed: false, line: name.span().start().line };
                if input.peek(Token![=]) {
                    input.parse::<Token![=]>()?;
                    option.value = Some(value(input)?);
                } else if let Ok(TokenTree::Group(group)) = input.fork().parse() {
                    input.parse::<TokenTree>()?;
                    option.value = Some(group.stream());
                    option.listed = true;
                }
                options.push(option);
                while !input.is_empty() && !input.peek(Token![,]) {
                    input.parse::<TokenTree>()?;
                }
                let _comma: Option<Token![,]> = input.parse()?;
            }
            Ok(())
        };
        // What was read before a mistake counts.
        let _mistake = parser.parse2(tokens);
        Self(options)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Opt> {
        self.0.iter()
    }

    pub fn all<'o>(&'o self, name: &'o str) -> impl Iterator<Item = &'o Opt> {
        self.0.iter().filter(move |option| option.name == name)
    }

    pub fn get(&self, name: &str) -> Option<&Opt> {
        self.0.iter().find(|option| option.name == name)
    }

    pub fn ttl(&self) -> Option<Ttl> {
        let value = self.get("ttl")?.expr()?;
        match &value {
            Expr::Closure(_) => Some(Ttl::PerValue),
            Expr::Path(path) if path.path.is_ident("never") => Some(Ttl::Never),
            Expr::Lit(lit) => match &lit.lit {
                Lit::Int(seconds) => seconds.base10_parse::<u64>().ok()?.checked_mul(1_000).map(Ttl::Millis),
                Lit::Str(text) => duration::parse(&text.value()).map(Ttl::Millis),
                _ => None,
            },
            _ => None,
        }
    }

    /// 1 unless said.
    pub fn version(&self) -> u32 {
        let version = self.get("version").and_then(Opt::expr);
        match version {
            Some(Expr::Lit(lit)) => match &lit.lit {
                Lit::Int(number) => number.base10_parse().unwrap_or(1),
                _ => 1,
            },
            _ => 1,
        }
    }

    /// `each = id in ids`
    pub fn each(&self) -> Option<(String, String)> {
        let value = self.get("each")?.value.clone()?;
        let names = |input: ParseStream| {
            let id: Ident = input.parse()?;
            input.parse::<Token![in]>()?;
            Ok((id.unraw().to_string(), input.parse::<Ident>()?.unraw().to_string()))
        };
        names.parse2(value).ok()
    }

    /// The words of `name = word`.
    pub fn word(&self, name: &str) -> Option<String> {
        self.get(name)?.value.as_ref().map(plain)
    }
}

impl Opt {
    pub fn expr(&self) -> Option<Expr> {
        let mut expr = syn::parse2(self.value.clone()?).ok()?;
        while let Expr::Group(group) = expr {
            expr = *group.expr;
        }
        Some(expr)
    }

    /// `mutex`, `stale = "10m"`, `skip(pool)`.
    pub fn written(&self) -> String {
        match &self.value {
            None => self.name.clone(),
            Some(value) if self.listed => format!("{}({})", self.name, plain(value)),
            Some(value) => format!("{} = {}", self.name, plain(value)),
        }
    }
}

/// Up to the comma: as an expression where it is one, which may hold commas of its own.
fn value(input: ParseStream) -> syn::Result<TokenStream> {
    let ahead = input.fork();
    if let Ok(expr) = ahead.parse::<Expr>()
        && (ahead.is_empty() || ahead.peek(Token![,]))
    {
        input.parse::<Expr>()?;
        return Ok(expr.into_token_stream());
    }
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend([input.parse::<TokenTree>()?]);
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Options {
        Options::parse(text.parse().expect("tokens"))
    }

    #[test]
    fn options_are_read_as_they_are_written() {
        let read = options(
            r#"key = "user:<id>", ttl = "1h30m", mutex(lease = "2s", wait = "1s"), skip(pool, ctx), each = id in ids,
               unless = |v| f(v, 1), version = 3, tag = "a", tag = "b", linger = "50ms""#,
        );
        let names: Vec<&str> = read.iter().map(|option| option.name.as_str()).collect();
        let expected = ["key", "ttl", "mutex", "skip", "each", "unless", "version", "tag", "tag", "linger"];
        assert_eq!(names, expected);
        assert_eq!((read.ttl(), read.version()), (Some(Ttl::Millis(5_400_000)), 3));
        assert_eq!(read.each(), Some(("id".to_owned(), "ids".to_owned())));
        assert_eq!(read.get("skip").map(Opt::written).as_deref(), Some("skip(pool, ctx)"));
        assert_eq!(read.get("unless").map(Opt::written).as_deref(), Some("unless = |v| f(v, 1)"));
    }

    #[test]
    fn a_mistake_hides_nothing_but_itself() {
        let read = options(r#"= 3, key "x", 7, ttl = never, , mutex = "#);
        assert_eq!(read.ttl(), Some(Ttl::Never));
        assert!(read.get("key").is_some() && read.get("mutex").is_some());
        assert_eq!(options("ttl = 60").ttl(), Some(Ttl::Millis(60_000)));
        assert_eq!(options("ttl = |u| u.ttl").ttl(), Some(Ttl::PerValue));
        assert_eq!(options("ttl = SOME").ttl(), None);
    }
}
