//! `// cached: allow(unbounded-text)`: a comment that lets a finding pass.

/// The comments of a file, by line.
pub struct Allows(Vec<Line>);

struct Line {
    lints: Vec<String>,
    /// Nothing but a comment or an attribute.
    about: bool,
}

impl Allows {
    pub fn of(source: &str) -> Self {
        let lines = source.lines().map(|line| {
            let text = line.trim_start();
            Line { lints: lints(line), about: text.starts_with("//") || text.starts_with('#') }
        });
        Self(lines.collect())
    }

    /// What is let pass in these lines, counted from 1, and by the comments and attributes right above them.
    pub fn between(&self, first: usize, last: usize) -> Vec<String> {
        let above = self.0.iter().take(first.saturating_sub(1)).rev().take_while(|line| line.about);
        let within = self.0.iter().take(last).skip(first.saturating_sub(1));
        above.chain(within).flat_map(|line| line.lints.clone()).collect()
    }
}

fn lints(line: &str) -> Vec<String> {
    let Some((_, comment)) = line.split_once("//") else { return Vec::new() };
    let Some((_, named)) = comment.split_once("cached: allow(") else { return Vec::new() };
    let named = named.split_once(')').map_or(named, |(named, _)| named);
    named.split(',').map(|lint| lint.trim().to_owned()).filter(|lint| !lint.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_about_what_stands_below_it() {
        let source =
            "// cached: allow(a, b)\n#[x]\nfn f() {}\n\nfn g() {} // cached: allow(c)\n// cached: allow(d)\nfn h() {}";
        let allows = Allows::of(source);
        assert_eq!(allows.between(2, 3), ["a", "b"]);
        assert_eq!(allows.between(5, 5), ["c"]);
        assert_eq!(allows.between(7, 7), ["d"]);
        assert!(allows.between(4, 4).is_empty());
    }
}
