//! Key templates, and whether two of them may render the same key.
//!
//! The macro says what is wrong with a template; here one that is not right is simply not read.

use crate::letters::Letters;

/// `text<place>text`.
#[derive(Clone, Debug, PartialEq)]
pub enum Segment {
    Text(String),
    Place(Spot),
}

/// A place: `<user.id>`, `<filter|hash>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    pub root: String,
    /// Fields, indices and getters, as written.
    pub steps: Vec<String>,
    pub hash: bool,
    /// What may stand there, by its type.
    pub letters: Letters,
    /// Nothing says how long it gets; the type that says so.
    pub unbounded: Option<String>,
}

impl Spot {
    /// As in the template, without the brackets.
    pub fn written(&self) -> String {
        let mut written = self.root.clone();
        for step in &self.steps {
            written.push('.');
            written.push_str(step);
        }
        written
    }
}

/// The template's segments; `None` where it is none.
pub fn segments(template: &str) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(stop) = rest.find(['<', '>']) {
        let (before, from) = rest.split_at(stop);
        text.push_str(before);
        if let Some(after) = from.strip_prefix("<<") {
            text.push('<');
            rest = after;
        } else if let Some(after) = from.strip_prefix(">>") {
            text.push('>');
            rest = after;
        } else {
            let (place, after) = from.strip_prefix('<')?.split_once('>')?;
            if !text.is_empty() {
                segments.push(Segment::Text(std::mem::take(&mut text)));
            }
            segments.push(Segment::Place(spot(place)?));
            rest = after;
        }
    }
    text.push_str(rest);
    if !text.is_empty() {
        segments.push(Segment::Text(text));
    }
    (!segments.is_empty()).then_some(segments)
}

fn spot(place: &str) -> Option<Spot> {
    let (path, hash) = place.strip_suffix("|hash").map_or((place, false), |path| (path, true));
    let mut words = path.split('.').map(|word| word.trim_start_matches("r#").to_owned());
    let root = words.next().filter(|root| !root.is_empty() && !root.contains(char::is_whitespace))?;
    let letters = if hash { Letters::hash() } else { Letters::any() };
    Some(Spot { root, steps: words.collect(), hash, letters, unbounded: None })
}

/// One letter of a template: of these, once or as often as one likes.
struct Step {
    letters: Letters,
    repeated: bool,
}

fn steps(segments: &[Segment]) -> Vec<Step> {
    let mut steps = Vec::new();
    for segment in segments {
        match segment {
            // A literal `%` is spelled so, lest it opens an escape.
            Segment::Text(text) => {
                let letters = text.replace('%', "%25");
                steps.extend(letters.chars().map(|letter| Step { letters: Letters::one(letter), repeated: false }));
            }
            Segment::Place(spot) => {
                if !spot.letters.may_be_empty() {
                    steps.push(Step { letters: spot.letters, repeated: false });
                }
                steps.push(Step { letters: spot.letters, repeated: true });
            }
        }
    }
    steps
}

/// Whether some arguments give both the same key.
pub fn meet(one: &[Segment], other: &[Segment]) -> bool {
    // Most keys differ where they begin.
    if let (Some(Segment::Text(one)), Some(Segment::Text(other))) = (one.first(), other.first())
        && !one.starts_with(other.as_str())
        && !other.starts_with(one.as_str())
    {
        return false;
    }
    let (one, other) = (steps(one), steps(other));
    // `row[j]`: whether what is left of `one` and of `other[j..]` meets.
    let mut row = vec![false; other.len() + 1];
    for i in (0..=one.len()).rev() {
        let below = std::mem::replace(&mut row, vec![false; other.len() + 1]);
        for j in (0..=other.len()).rev() {
            row[j] = match (one.get(i), other.get(j)) {
                (None, None) => true,
                (Some(a), None) => a.repeated && below[j],
                (None, Some(b)) => b.repeated && row[j + 1],
                (Some(a), Some(b)) => {
                    let left_out = (a.repeated && below[j]) || (b.repeated && row[j + 1]);
                    let taken = match (a.repeated, b.repeated) {
                        (false, false) => below[j + 1],
                        (false, true) => below[j],
                        (true, false) => row[j + 1],
                        // Nothing needs to be taken from both.
                        (true, true) => false,
                    };
                    left_out || (taken && a.letters.meet(b.letters))
                }
            };
        }
    }
    row[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A place of this name is a number.
    fn read(template: &str) -> Vec<Segment> {
        let mut segments = segments(template).expect("a template");
        for segment in &mut segments {
            if let Segment::Place(spot) = segment
                && spot.root == "number"
            {
                spot.letters = Letters::of_type("i64").expect("known");
            }
        }
        segments
    }

    #[test]
    fn templates_meet_where_some_arguments_give_both_the_same_key() {
        for (one, other, expected) in [
            ("users", "users", true),
            ("users", "user", false),
            ("user:<id>", "user:<name>", true),
            ("user:<id>", "user:7", true),
            ("user:<id>", "order:<id>", false),
            ("user:<id>", "user:<id>:profile", false),
            ("user:<id>:<role>", "user:<id>:profile", true),
            ("user:<number>", "user:list", false),
            ("user:<id>", "user:list", true),
            ("user:<number>", "user:", false),
            ("user:<id>", "user:", true),
            ("user:<number>", "user:<name>", true),
            ("<a><b>", "x<c>", true),
            ("<number>-<number>", "<number>", true),
            ("f:<filter|hash>", "f:all", false),
            ("a<<b>>", "a<<c>>", false),
            ("{user:<id>}:x", "{user:<number>}:x", true),
        ] {
            assert_eq!(meet(&read(one), &read(other)), expected, "{one} and {other}");
            assert_eq!(meet(&read(other), &read(one)), expected, "{other} and {one}");
        }
    }

    #[test]
    fn what_is_no_template_is_not_read() {
        for template in ["", "a:<id", "a>b", "a:<>", "<a b>"] {
            assert_eq!(segments(template), None, "{template}");
        }
        let read = segments("u:<user.r#type.0>:<page.size()|hash>").expect("a template");
        let [_, Segment::Place(first), _, Segment::Place(second)] = &read[..] else { panic!("{read:?}") };
        assert_eq!((first.written(), first.hash), ("user.type.0".to_owned(), false));
        assert_eq!((second.written(), second.hash), ("page.size()".to_owned(), true));
    }
}
