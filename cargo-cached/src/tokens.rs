//! Tokens as text.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// Tokens as people write them.
pub fn plain(tokens: &TokenStream) -> String {
    let mut text = String::new();
    write(tokens.clone(), &mut text);
    text
}

fn write(tokens: TokenStream, text: &mut String) {
    let mut word_before = false;
    let mut glued = true;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                if !glued && group.delimiter() == Delimiter::Brace {
                    text.push(' ');
                }
                if text.ends_with("mut") || text.ends_with(" in") {
                    text.push(' ');
                }
                text.push_str(open);
                write(group.stream(), text);
                text.push_str(close);
                (word_before, glued) = (group.delimiter() == Delimiter::Bracket, false);
            }
            TokenTree::Punct(mark) => {
                let letter = mark.as_char();
                let spaced = matches!(letter, '=' | '+' | '-' | '*' | '/') && !glued;
                if spaced {
                    text.push(' ');
                }
                text.push(letter);
                let joint = mark.spacing() == Spacing::Joint;
                let after =
                    matches!(letter, ',' | '=' | '+' | ';') || (letter == ':' && !joint && !text.ends_with("::"));
                if (after && !joint) || (letter == '|' && text.matches('|').count().is_multiple_of(2)) {
                    text.push(' ');
                }
                (word_before, glued) = (false, true);
            }
            word => {
                if word_before {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
                (word_before, glued) = (true, false);
            }
        }
    }
    while text.ends_with(' ') {
        text.pop();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn tokens_read_as_they_were_written() {
        for text in [
            "|v| f(v, 1)",
            "self.cache.clone()",
            "Result<Option<crate::User>, sqlx::Error>",
            "mutex(lease = \"2s\", wait = \"1s\")",
            "#[serde(default)] struct User { id: i64, tags: Vec<Tag> }",
            "&'a mut [u8; 16]",
        ] {
            assert_eq!(super::plain(&text.parse().expect("tokens")), text);
        }
    }
}
