//! What only `#[write_behind]` has: how many values a batch takes, and what becomes of them on the way.

use proc_macro2::Span;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Expr, Ident, Lit, LitStr};

use super::{Time, assigned, bare, value};

#[derive(Default)]
pub(crate) struct Behind {
    pub(crate) max_batch: Option<u64>,
    pub(crate) linger: Option<Time>,
    pub(crate) queue: Option<LitStr>,
    /// `coalesce = off`
    pub(crate) keep_all: bool,
    /// `on_full = error`
    pub(crate) refuses: Option<Span>,
    pub(crate) retries: Option<u64>,
    pub(crate) high_water: Option<u64>,
    pub(crate) accept_loss: bool,
}

/// A longer one is a slip of the unit.
const LONGEST_LINGER: u64 = 60_000;

const LARGEST_BATCH: u64 = 100_000;

const MOST_RETRIES: u64 = 1_000;

/// Streams are counted in 64 bits with a sign.
const HIGHEST_WATER: u64 = i64::MAX as u64;

impl Behind {
    /// Reads one of its options.
    pub(super) fn option(&mut self, name: &Ident, word: &str, input: ParseStream) -> syn::Result<()> {
        match word {
            "max_batch" => self.max_batch = Some(max_batch(&assigned(name, "max_batch = 500", input)?)?),
            "linger" => self.linger = Some(linger(&assigned(name, "linger = \"50ms\"", input)?)?),
            "queue" => self.queue = Some(queue(&assigned(name, "queue = \"users\"", input)?)?),
            "coalesce" => self.keep_all = keep_all(&assigned(name, "coalesce = off", input)?)?,
            "on_full" => self.refuses = refuses(&assigned(name, "on_full = error", input)?)?,
            "retries" => self.retries = Some(retries(&assigned(name, "retries = 10", input)?)?),
            "high_water" => self.high_water = Some(high_water(&assigned(name, "high_water = 100000", input)?)?),
            _ => {
                bare(name, input)?;
                self.accept_loss = true;
            }
        }
        Ok(())
    }
}

fn max_batch(expr: &Expr) -> syn::Result<u64> {
    match integer(expr) {
        Some(0) => value::error(expr, "a batch of no values writes nothing; write at least `max_batch = 1`"),
        Some(most) if most <= LARGEST_BATCH => Ok(most),
        _ => value::error(
            expr,
            format!(
                "`max_batch` is how many values the body is called with at most, an integer up to {LARGEST_BATCH}; \
                 write `max_batch = 500`"
            ),
        ),
    }
}

fn linger(expr: &Expr) -> syn::Result<Time> {
    let time = value::time_or_zero("linger", expr)?;
    if time.millis > LONGEST_LINGER {
        return value::error(
            expr,
            "so long would each value wait in the queue for others, and more than a minute is hardly meant; numbers \
             are seconds: write `linger = \"50ms\"`",
        );
    }
    Ok(time)
}

/// Part of the keys in which the store has it.
fn queue(expr: &Expr) -> syn::Result<LitStr> {
    let Some(Lit::Str(name)) = value::literal(expr) else {
        return value::error(expr, "the queue's name is a string literal; write `queue = \"users\"`");
    };
    let text = name.value();
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.:/".contains(letter);
    if text.is_empty() || !text.chars().all(fits) {
        return value::error(
            expr,
            "the queue's name is made of letters, digits and `-`, `_`, `.`, `:`, `/`; write `queue = \"users\"`, or \
             leave it out to have the function's path for it",
        );
    }
    Ok(name.clone())
}

fn keep_all(expr: &Expr) -> syn::Result<bool> {
    match value::word(expr).as_deref() {
        Some("off") => Ok(true),
        Some("on") => Ok(false),
        _ => value::error(
            expr,
            "of the writes of one key in a batch the last is written; write `coalesce = off` to have them all written, \
             in order, or leave it out",
        ),
    }
}

/// `Some` where it says `error`.
fn refuses(expr: &Expr) -> syn::Result<Option<Span>> {
    match value::word(expr).as_deref() {
        Some("write_through") => Ok(None),
        Some("error") => Ok(Some(expr.span())),
        _ => value::error(
            expr,
            "what a call does when the queue is full is a word; write `on_full = write_through` (it runs the body \
             itself) or `on_full = error`",
        ),
    }
}

fn retries(expr: &Expr) -> syn::Result<u64> {
    integer(expr).filter(|retries| *retries <= MOST_RETRIES).map_or_else(
        || {
            value::error(
                expr,
                format!(
                    "`retries` is how often a value is tried again before it is put aside, an integer up to \
                     {MOST_RETRIES}; write `retries = 10`"
                ),
            )
        },
        Ok,
    )
}

fn high_water(expr: &Expr) -> syn::Result<u64> {
    match integer(expr) {
        Some(0) => value::error(
            expr,
            "a queue that is always full takes nothing; write how many values may wait, `high_water = 100000`",
        ),
        Some(most) if most <= HIGHEST_WATER => Ok(most),
        _ => value::error(
            expr,
            "`high_water` is how many values may wait in the queue, an integer; write `high_water = 100000`",
        ),
    }
}

fn integer(expr: &Expr) -> Option<u64> {
    match value::literal(expr) {
        Some(Lit::Int(int)) => int.base10_parse().ok(),
        _ => None,
    }
}
