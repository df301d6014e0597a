//! Key templates: `"user:<id>"` as segments that know where in the string they stand.
//!
//! ```text
//! template := ( text | '<' place ( '|' 'hash' )? '>' )*      '<<' and '>>' are literal < and >
//! place    := name ( '.' field | '.' index | '.' getter() )*
//! ```
//!
//! Strings in, strings out: which names exist is for `check` to know.

use std::ops::Range;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Template {
    pub(crate) segments: Vec<Segment>,
    /// Braces around what could be a place. They are text, and a habit from `format!`.
    pub(crate) braced: Vec<Braced>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Segment {
    Text(String),
    Place(Place),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Place {
    /// Where it stands in the literal's value, angle brackets included.
    pub(crate) range: Range<usize>,
    /// Without `r#`.
    pub(crate) root: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) hash: bool,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    Field(String),
    Index(u32),
    Getter(String),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Braced {
    pub(crate) range: Range<usize>,
    pub(crate) root: String,
    /// What stands between the braces.
    pub(crate) inner: String,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Mistake {
    pub(crate) range: Range<usize>,
    pub(crate) message: String,
}

impl Template {
    pub(crate) fn parse(source: &str) -> (Template, Vec<Mistake>) {
        let mut reader = Reader { source, template: Template::default(), text: String::new(), mistakes: Vec::new() };
        reader.read();
        (reader.template, reader.mistakes)
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Place(place) => Some(place),
            Segment::Text(_) => None,
        })
    }
}

struct Reader<'a> {
    source: &'a str,
    template: Template,
    /// The text since the last place.
    text: String,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn read(&mut self) {
        if self.source.is_empty() {
            self.mistake(0..0, "the template is empty; write one such as \"user:<id>\"");
        }
        let mut rest = self.source;
        while let Some(stop) = rest.find(['<', '>']) {
            let (text, from) = rest.split_at(stop);
            let at = self.source.len() - from.len();
            self.text(text, at - text.len());
            rest = if let Some(after) = from.strip_prefix("<<") {
                self.text.push('<');
                after
            } else if let Some(after) = from.strip_prefix(">>") {
                self.text.push('>');
                after
            } else if let Some(after) = from.strip_prefix('>') {
                self.mistake(at..at + 1, "this `>` closes nothing; write `>>` for a literal `>`");
                after
            } else {
                self.place(from, at)
            };
        }
        self.text(rest, self.source.len() - rest.len());
        self.end_text();
    }

    /// Reads the place that `from` begins with; gives what follows it.
    fn place<'s>(&mut self, from: &'s str, at: usize) -> &'s str {
        let after = from.strip_prefix('<').unwrap_or(from);
        let closed = after.split_once('>').filter(|(inner, _)| !inner.contains('<'));
        let Some((inner, rest)) = closed else {
            self.mistake(at..at + 1, "this `<` is not closed; write `<name>`, or `<<` for a literal `<`");
            return after;
        };
        let range = at..at + inner.len() + 2;
        match place(inner) {
            Ok((root, steps, hash)) => {
                self.end_text();
                self.template.segments.push(Segment::Place(Place { range, root, steps, hash }));
            }
            Err(message) => self.mistake(range, message),
        }
        rest
    }

    fn text(&mut self, text: &str, at: usize) {
        self.text.push_str(text);
        let mut rest = text;
        while let Some((_, after)) = rest.split_once('{') {
            if let Some((inner, _)) = after.split_once('}')
                && let Ok((root, ..)) = place(inner)
            {
                let start = at + text.len() - after.len() - 1;
                let range = start..start + inner.len() + 2;
                self.template.braced.push(Braced { range, root, inner: inner.to_owned() });
            }
            rest = after;
        }
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.template.segments.push(Segment::Text(std::mem::take(&mut self.text)));
        }
    }

    fn mistake(&mut self, range: Range<usize>, message: impl Into<String>) {
        self.mistakes.push(Mistake { range, message: message.into() });
    }
}

/// What stands between `<` and `>`; the error is the message.
fn place(inner: &str) -> Result<(String, Vec<Step>, bool), String> {
    let (path, filter) = match inner.split_once('|') {
        Some((path, filter)) => (path, Some(filter)),
        None => (inner, None),
    };
    if path.trim().is_empty() {
        return Err(format!("`<{inner}>` names no argument; write `<name>`, or `<<` and `>>` for literal brackets"));
    }
    if inner.contains(char::is_whitespace) {
        return Err(format!(
            "`<{inner}>` holds a space; a place is one name and what is reached from it, such as `<user.id>`"
        ));
    }
    let mut words = path.split('.');
    let root = name(words.next().unwrap_or_default(), inner)?;
    let steps = words.map(|word| step(word, inner)).collect::<Result<_, _>>()?;
    match filter {
        None => Ok((root, steps, false)),
        Some("hash") => Ok((root, steps, true)),
        Some("") => Err(format!("a filter is missing after the `|`; write `<{path}|hash>`, or `<{path}>`")),
        Some(other) => Err(format!("there is no filter `{other}`, only `hash`: write `<{path}|hash>`, or `<{path}>`")),
    }
}

fn step(word: &str, inner: &str) -> Result<Step, String> {
    if word.is_empty() {
        return Err(format!("a name is missing after a `.` in `<{inner}>`; write `<user.id>`"));
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return match word.parse::<u32>() {
            Ok(index) if index.to_string() == word => Ok(Step::Index(index)),
            _ => Err(format!("`{word}` is not the index of a field; write `<pair.0>`")),
        };
    }
    if let Some(getter) = word.strip_suffix("()") {
        return field(getter, inner).map(Step::Getter);
    }
    field(word, inner).map(Step::Field)
}

fn field(word: &str, inner: &str) -> Result<String, String> {
    match name(word, inner)?.as_str() {
        keyword @ ("self" | "Self" | "super" | "crate") => {
            Err(format!("`{keyword}` is not the name of a field; write `<user.id>`"))
        }
        field => Ok(field.to_owned()),
    }
}

/// `id`, or `r#type` as `type`.
fn name(word: &str, inner: &str) -> Result<String, String> {
    if word.contains('(') {
        return Err(format!(
            "`{word}` cannot be called here; a place is an argument, then fields or getters without arguments: \
             `<page.number()>`"
        ));
    }
    if word.is_empty() {
        return Err(format!("a name is missing before the `.` in `<{inner}>`; write `<user.id>`"));
    }
    let plain = word.strip_prefix("r#").unwrap_or(word);
    if plain.starts_with(|first: char| first.is_ascii_digit()) || plain == "_" {
        return Err(format!("`{word}` is not a name; a place begins with an argument: `<user.id>`"));
    }
    if let Some(strange) = plain.chars().find(|letter| !letter.is_alphanumeric() && *letter != '_') {
        return Err(format!(
            "`{strange}` is not allowed in `<{inner}>`; a place is a name, then fields or getters: `<user.id>`"
        ));
    }
    let keyword = matches!(plain, "self" | "Self" | "super" | "crate");
    // The letters of an identifier are for the compiler to know: the expansion makes one of it.
    if keyword || syn::parse_str::<syn::Ident>(&format!("r#{plain}")).is_ok() {
        Ok(plain.to_owned())
    } else {
        Err(format!("`{word}` is not a name; a place begins with an argument: `<user.id>`"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Segment, Step, Template};

    /// One line per template: `text "user:"`, `place 5..9 id`.
    fn show(source: &str) -> String {
        let (template, mistakes) = Template::parse(source);
        let mut lines = Vec::new();
        for segment in &template.segments {
            lines.push(match segment {
                Segment::Text(text) => format!("{text:?}"),
                Segment::Place(place) => {
                    let mut path = place.root.clone();
                    for step in &place.steps {
                        path += &match step {
                            Step::Field(name) => format!(".{name}"),
                            Step::Index(index) => format!(".{index}"),
                            Step::Getter(name) => format!(".{name}()"),
                        };
                    }
                    format!("{path}{}@{:?}", if place.hash { "#" } else { "" }, place.range)
                }
            });
        }
        for braced in &template.braced {
            lines.push(format!("{{{}}}@{:?}", braced.inner, braced.range));
        }
        for mistake in &mistakes {
            let message = mistake.message.split([';', ':']).next().unwrap();
            lines.push(format!("! {:?} {message}", mistake.range));
        }
        lines.join(" ")
    }

    #[test]
    fn templates() {
        for (source, expected) in [
            ("users", r#""users""#),
            ("user:<id>", r#""user:" id@5..9"#),
            ("<id>", "id@0..4"),
            ("<a><b>", "a@0..3 b@3..6"),
            ("user:<id>:profile", r#""user:" id@5..9 ":profile""#),
            ("u:<user.id>", r#""u:" user.id@2..11"#),
            ("u:<pair.0.1>", r#""u:" pair.0.1@2..12"#),
            ("p:<page.number()>", r#""p:" page.number()@2..17"#),
            ("p:<self.tenant.id()>", r#""p:" self.tenant.id()@2..20"#),
            ("f:<filter|hash>", r#""f:" filter#@2..15"#),
            ("f:<q.filter|hash>:x", r#""f:" q.filter#@2..17 ":x""#),
            ("<type>", "type@0..6"),
            ("<r#type>", "type@0..8"),
            ("<a.type>", "a.type@0..8"),
            ("<_x>", "_x@0..4"),
            ("<größe>", "größe@0..9"),
            // Brackets as text.
            ("a<<b>>c", r#""a<b>c""#),
            ("<<<id>>>", r#""<" id@2..6 ">""#),
            ("<<>>", r#""<>""#),
            // Braces are text, and noted where they could be a place.
            ("{user:<id>}:x", r#""{user:" id@6..10 "}:x""#),
            ("user:{id}", r#""user:{id}" {id}@5..9"#),
            ("{a}{b.c}", r#""{a}{b.c}" {a}@0..3 {b.c}@3..8"#),
            ("<x>{id}", r#"x@0..3 "{id}" {id}@3..7"#),
        ] {
            assert_eq!(show(source), expected, "{source}");
        }
    }

    #[test]
    fn mistakes() {
        for (source, expected) in [
            ("", "! 0..0 the template is empty"),
            ("a:<id", r#""a:id" ! 2..3 this `<` is not closed"#),
            ("a:<id:<b>", r#""a:id:" b@6..9 ! 2..3 this `<` is not closed"#),
            ("a>b", r#""ab" ! 1..2 this `>` closes nothing"#),
            ("<<id>", r#""<id" ! 4..5 this `>` closes nothing"#),
            ("a:<>", r#""a:" ! 2..4 `<>` names no argument"#),
            ("<|hash>", "! 0..7 `<|hash>` names no argument"),
            ("<a b>", "! 0..5 `<a b>` holds a space"),
            ("< a>", "! 0..4 `< a>` holds a space"),
            ("<a.>", "! 0..4 a name is missing after a `.` in `<a.>`"),
            ("<.a>", "! 0..4 a name is missing before the `.` in `<.a>`"),
            ("<a..b>", "! 0..6 a name is missing after a `.` in `<a..b>`"),
            ("<1>", "! 0..3 `1` is not a name"),
            ("<1a>", "! 0..4 `1a` is not a name"),
            ("<_>", "! 0..3 `_` is not a name"),
            ("<f(x)>", "! 0..6 `f(x)` cannot be called here"),
            ("<a.f(x)>", "! 0..8 `f(x)` cannot be called here"),
            ("<f()>", "! 0..5 `f()` cannot be called here"),
            ("<a.01>", "! 0..6 `01` is not the index of a field"),
            ("<a.self>", "! 0..8 `self` is not the name of a field"),
            ("<a-b>", "! 0..5 `-` is not allowed in `<a-b>`"),
            ("<&a>", "! 0..4 `&` is not allowed in `<&a>`"),
            ("<a|>", "! 0..4 a filter is missing after the `|`"),
            ("<a|lower>", "! 0..9 there is no filter `lower`, only `hash`"),
            ("<a|hash|hash>", "! 0..13 there is no filter `hash|hash`, only `hash`"),
            // Alphabetic, and still no letter of an identifier.
            ("<\u{24b6}>", "! 0..5 `\u{24b6}` is not a name"),
            ("<>:<1>", r#"":" ! 0..2 `<>` names no argument ! 3..6 `1` is not a name"#),
        ] {
            assert_eq!(show(source), expected, "{source}");
        }
    }
}
