//! `#[cached(…)]` and its siblings: the options as written → [`Args`]. Values keep their spans.
//!
//! A mistake in one option never hides the next: it is noted, and reading goes on behind the comma.

mod behind;
mod duration;
mod each;
mod freshness;
mod local;
mod mutex;
mod value;
mod words;

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprClosure, Ident, LitStr, Path, Token, parenthesized, token};

pub(crate) use self::behind::Behind;
pub(crate) use self::each::Each;
pub(crate) use self::freshness::Early;
pub(crate) use self::local::Local;
pub(crate) use self::mutex::Mutex;
pub(crate) use self::value::{absolute, ungrouped};
use crate::attribute::Attribute;
use crate::errors::Errors;

pub(crate) struct Args {
    pub(crate) attribute: Attribute,
    pub(crate) keys: Vec<Written>,
    pub(crate) tags: Vec<LitStr>,
    pub(crate) ttl: Option<Ttl>,
    /// What to store instead of what is returned.
    pub(crate) value: Option<Expr>,
    pub(crate) mutex: Option<Mutex>,
    pub(crate) skip: Vec<Ident>,
    /// Something in `skip` is no name: it may have meant any argument.
    pub(crate) skip_unreadable: bool,
    pub(crate) none_ttl: Option<Time>,
    pub(crate) error_ttl: Option<Time>,
    pub(crate) stale: Option<Time>,
    /// `refresh = background`
    pub(crate) background: Option<Span>,
    pub(crate) early: Option<Early>,
    pub(crate) version: Option<u32>,
    pub(crate) when: Option<Expr>,
    pub(crate) unless: Option<ExprClosure>,
    pub(crate) jitter: Option<f64>,
    pub(crate) load_timeout: Option<Time>,
    pub(crate) local: Option<Local>,
    pub(crate) two_phase: Option<Span>,
    pub(crate) after_commit: Option<Span>,
    pub(crate) bypass_in_transaction: Option<Span>,
    pub(crate) each: Option<Each>,
    /// Which id a value has.
    pub(crate) by: Option<ExprClosure>,
    pub(crate) cache: Option<Expr>,
    pub(crate) returns: Option<Returns>,
    /// What only `#[write_behind]` has.
    pub(crate) behind: Behind,
    pub(crate) runtime: Option<Path>,
    /// The options that were named, with and without mistakes in their values.
    written: Vec<String>,
    /// The options that unknown words were meant to be.
    meant: Vec<&'static str>,
}

/// The value of `key =`.
pub(crate) enum Written {
    Template(LitStr),
    /// `UserKey { id }`
    Typed(Expr),
}

pub(crate) enum Ttl {
    Fixed(Time),
    Never,
    /// From the loaded value.
    PerValue(ExprClosure),
}

#[derive(Clone, Copy)]
pub(crate) struct Time {
    pub(crate) millis: u64,
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Returns {
    Value,
    Result,
}

impl Args {
    pub(crate) fn parse(attribute: Attribute, tokens: TokenStream, errors: &mut Errors) -> Args {
        let mut args = Args::none(attribute);
        let parser = |input: ParseStream| {
            while !input.is_empty() {
                args.read(input, errors);
                end_of_option(input, "options", errors);
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        args
    }

    fn none(attribute: Attribute) -> Args {
        Args {
            attribute,
            keys: Vec::new(),
            tags: Vec::new(),
            ttl: None,
            value: None,
            mutex: None,
            skip: Vec::new(),
            skip_unreadable: false,
            none_ttl: None,
            error_ttl: None,
            stale: None,
            background: None,
            early: None,
            version: None,
            when: None,
            unless: None,
            jitter: None,
            load_timeout: None,
            local: None,
            two_phase: None,
            after_commit: None,
            bypass_in_transaction: None,
            each: None,
            by: None,
            cache: None,
            returns: None,
            behind: Behind::default(),
            runtime: None,
            written: Vec::new(),
            meant: Vec::new(),
        }
    }

    /// Whether the option was named. A value with a mistake in it is reported, not missing.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.written.iter().any(|written| written == option)
    }

    /// Whether nothing that was written can have been this option.
    pub(crate) fn misses(&self, option: &str) -> bool {
        !self.has(option) && !self.meant.contains(&option)
    }

    /// Whether `skip` names it; without `r#`.
    pub(crate) fn skips(&self, name: &str) -> bool {
        self.skip.iter().any(|skipped| skipped.unraw() == name)
    }

    fn read(&mut self, input: ParseStream, errors: &mut Errors) {
        let Ok(name) = input.call(Ident::parse_any) else {
            if input.peek(LitStr) {
                errors.push(input.error("this option has no name; write `key = \"user:<id>\"`"));
                self.meant.push("key");
            } else {
                errors.push(input.error("an option is missing here; write `name = value`"));
            }
            return skip(input);
        };
        let word = name.to_string();
        if !words::options(self.attribute).contains(&word.as_str()) {
            let (message, meant) = words::unknown(self.attribute, &word);
            errors.at(name.span(), message);
            self.meant.extend(meant);
            return skip(input);
        }
        if self.has(&word) && !words::repeatable(self.attribute, &word) {
            errors.at(name.span(), words::twice(self.attribute, &word));
            return skip(input);
        }
        if let Err(error) = self.option(&name, &word, input, errors) {
            errors.push(error);
            skip(input);
            self.skip_unreadable |= word == "skip";
        }
        self.written.push(word);
    }

    fn option(&mut self, name: &Ident, word: &str, input: ParseStream, errors: &mut Errors) -> syn::Result<()> {
        match word {
            "mutex" => self.mutex = Some(Mutex::parse(input, errors)?),
            "skip" => self.skipped(name, input, errors)?,
            "each" => self.each = Some(Each::parse(name, input)?),
            "local" => self.local = Some(Local::parse(name, input)?),
            "by" => self.by = Some(value::by(assigned(name, "by = |value| value.id", input)?)?),
            "key" => self.keys.push(value::key(assigned(name, "key = \"user:<id>\"", input)?)?),
            "tag" => self.tags.push(value::tag(assigned(name, "tag = \"org:<org_id>\"", input)?)?),
            "value" => self.value = Some(value::stored(assigned(name, "value = user", input)?)?),
            "two_phase" => self.two_phase = Some(bare(name, input)?),
            "after_commit" => self.after_commit = Some(bare(name, input)?),
            "bypass_in_transaction" => self.bypass_in_transaction = Some(bare(name, input)?),
            "ttl" => self.ttl = Some(value::ttl(assigned(name, "ttl = 3600", input)?)?),
            "none_ttl" => self.none_ttl = Some(value::time(word, assigned(name, "none_ttl = \"30s\"", input)?)?),
            "load_timeout" => {
                self.load_timeout = Some(value::time(word, assigned(name, "load_timeout = \"30s\"", input)?)?);
            }
            "error_ttl" => self.error_ttl = Some(value::time(word, assigned(name, "error_ttl = \"200ms\"", input)?)?),
            "stale" => self.stale = Some(value::time(word, assigned(name, "stale = \"10m\"", input)?)?),
            "refresh" => self.background = Some(freshness::refresh(assigned(name, "refresh = background", input)?)?),
            "early" => self.early = Some(Early::parse(name, input)?),
            "version" => self.version = Some(value::version(assigned(name, "version = 2", input)?)?),
            "jitter" => self.jitter = Some(value::jitter(assigned(name, "jitter = 0.1", input)?)?),
            "when" => self.when = Some(assigned(name, "when = expr", input)?),
            "unless" => self.unless = Some(value::unless(assigned(name, "unless = |value| expr", input)?)?),
            "cache" => self.cache = Some(assigned(name, "cache = self.cache.clone()", input)?),
            "returns" => self.returns = Some(value::returns(assigned(name, "returns = value", input)?)?),
            "crate" => self.runtime = Some(value::absolute(assigned(name, "crate = ::my::path", input)?)?),
            _ => self.behind.option(name, word, input)?,
        }
        Ok(())
    }

    /// `skip(pool, ctx)`.
    fn skipped(&mut self, name: &Ident, input: ParseStream, errors: &mut Errors) -> syn::Result<()> {
        if !input.peek(token::Paren) {
            return Err(syn::Error::new(name.span(), "`skip` takes names in parentheses; write `skip(pool)`"));
        }
        let content;
        parenthesized!(content in input);
        while !content.is_empty() {
            let ahead = content.fork();
            if ahead.call(Ident::parse_any).is_ok() && (ahead.is_empty() || ahead.peek(Token![,])) {
                self.skip.extend(content.call(Ident::parse_any));
            } else {
                errors.push(content.error("`skip` takes the names of arguments; write `skip(pool)`"));
                skip(&content);
                self.skip_unreadable = true;
            }
            end_of_option(&content, "names", errors);
        }
        Ok(())
    }
}

/// `= expr`, whole: what kind of expression an option takes is for [`value`] to say.
fn assigned(name: &Ident, example: &str, input: ParseStream) -> syn::Result<Expr> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(name.span(), format!("`{name}` takes a value; write `{example}`")));
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new(name.span(), format!("the value of `{name}` is missing; write `{example}`")));
    }
    Ok(value::ungrouped(input.parse()?))
}

/// An option that is only its name.
fn bare(name: &Ident, input: ParseStream) -> syn::Result<Span> {
    if !input.is_empty() && !input.peek(Token![,]) && !input.peek(Ident::peek_any) {
        return Err(input.error(format!("`{name}` takes no value; write `{name}`, or leave it out")));
    }
    Ok(name.span())
}

/// The comma after an option. Without one the next option is read all the same.
fn end_of_option(input: ParseStream, what: &str, errors: &mut Errors) {
    if input.is_empty() {
        return;
    }
    if input.peek(Token![,]) {
        // It was just seen.
        let _comma: Option<Token![,]> = input.parse().ok();
        return;
    }
    errors.push(input.error(format!("a comma is missing between the {what}")));
    if !input.peek(Ident::peek_any) {
        skip(input);
        let _comma: Option<Token![,]> = input.parse().ok();
    }
}

/// Leaves an option that cannot be read. As an expression where it is one, because an expression may hold commas
/// of its own.
fn skip(input: ParseStream) {
    let ahead = input.fork();
    if ahead.parse::<Token![=]>().is_ok() && ahead.parse::<Expr>().is_ok() {
        let whole = ahead.is_empty() || ahead.peek(Token![,]);
        if whole {
            let _value = input.parse::<Token![=]>().and_then(|_| input.parse::<Expr>());
            return;
        }
    }
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.parse::<proc_macro2::TokenTree>().is_err() {
            return;
        }
    }
}
