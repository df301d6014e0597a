//! `mutex`, `mutex(lease = "2s", wait = "10s", on_timeout = load)`.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Ident, Token, parenthesized, token};

use super::{Time, assigned, end_of_option, skip, value};
use crate::errors::{Errors, did_you_mean, list};

#[derive(Default)]
pub(crate) struct Mutex {
    pub(crate) lease: Option<Time>,
    pub(crate) wait: Option<Time>,
    /// `on_timeout = stale`
    pub(crate) stale: Option<Span>,
}

const OPTIONS: [&str; 3] = ["lease", "wait", "on_timeout"];

impl Mutex {
    pub(super) fn parse(input: ParseStream, errors: &mut Errors) -> syn::Result<Mutex> {
        let mut mutex = Mutex::default();
        if input.peek(Token![=]) {
            return Err(input.error("`mutex` takes no value; write `mutex`, or leave it out"));
        }
        if !input.peek(token::Paren) {
            return Ok(mutex);
        }
        let content;
        parenthesized!(content in input);
        let mut written: Vec<String> = Vec::new();
        while !content.is_empty() {
            let Ok(name) = content.call(Ident::parse_any) else {
                errors.push(content.error("an option of `mutex` is missing here; write `lease = \"2s\"`"));
                skip(&content);
                end_of_option(&content, "options", errors);
                continue;
            };
            let word = name.to_string();
            let outcome = if written.contains(&word) {
                Err(syn::Error::new(name.span(), format!("`{word}` is set twice; remove one of the two")))
            } else {
                mutex.option(&name, &word, &content)
            };
            if let Err(error) = outcome {
                errors.push(error);
                skip(&content);
            }
            written.push(word);
            end_of_option(&content, "options", errors);
        }
        Ok(mutex)
    }

    fn option(&mut self, name: &Ident, word: &str, input: ParseStream) -> syn::Result<()> {
        match word {
            "lease" => self.lease = Some(value::time(word, assigned(name, "lease = \"2s\"", input)?)?),
            "wait" => self.wait = Some(value::time(word, assigned(name, "wait = \"10s\"", input)?)?),
            "on_timeout" => self.stale = value::on_timeout(assigned(name, "on_timeout = load", input)?)?,
            _ => {
                let options = list(OPTIONS);
                let message = match did_you_mean(word, OPTIONS) {
                    Some(meant) => format!("did you mean `{meant}`? Its options are {options}"),
                    None => format!("its options are {options}"),
                };
                return Err(syn::Error::new(name.span(), format!("`mutex` has no option `{word}`, {message}")));
            }
        }
        Ok(())
    }
}
