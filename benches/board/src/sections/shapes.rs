//! Which functions each attribute takes as they are.

use std::collections::{BTreeMap, BTreeSet};

use super::Section;
use crate::bench::Bench;
use crate::made::{EVERYBODY, Made};
use crate::table::{Findings, Table, Target};

pub const SECTION: Section = Section {
    name: "shapes",
    title: "Function shapes accepted",
    about: "The functions in `benches/board/shapes.rs`, each annotated by each attribute with the options that its documentation \
            has for them, and compiled. What is not accepted has the compiler's first words below. hitbox changes the \
            call sites too: `find(7).cache(&cache).await`.",
    run,
};

/// What an attribute is told of a function.
struct Function<'t> {
    /// The argument that is the key, or an expression of arguments; and its type.
    place: &'t str,
    of_type: &'t str,
    /// Arguments that are not in the key.
    skip: &'t str,
    is_method: bool,
    is_blocking: bool,
}

struct Way {
    name: &'static str,
    shown: &'static str,
    dependencies: &'static str,
    lock: &'static str,
    /// What its value's type derives, too.
    derives: &'static str,
    imports: &'static str,
    attribute: fn(&Function<'_>) -> String,
}

fn in_impl(function: &Function<'_>) -> &'static str {
    if function.is_method { ", in_impl = true" } else { "" }
}

const WAYS: &[Way] = &[
    Way {
        name: "shapes-ours",
        shown: "cached-runtime",
        dependencies: "cached-runtime = { path = \"RUNTIME\" }\n",
        lock: "Cargo.lock",
        derives: "",
        imports: "use cached_runtime::cached;",
        attribute: |function| {
            let skip = if function.skip.is_empty() { String::new() } else { format!(", skip({})", function.skip) };
            format!("#[cached(key = \"user:<{}>\", ttl = 60, mutex{skip})]", function.place)
        },
    },
    Way {
        name: "shapes-cached",
        shown: "cached, #[cached]",
        dependencies: "cached = { version = \"=4.1.0\", features = [\"async\"] }\n",
        lock: "Cargo.lock",
        derives: "",
        imports: "use cached::macros::cached;",
        attribute: |function| {
            let Function { place, of_type, .. } = function;
            let own = if *of_type == "String" { ".to_owned()" } else { "" };
            format!("#[cached(ttl_secs = 60, key = \"{of_type}\", convert = {{ {place}{own} }}{})]", in_impl(function))
        },
    },
    Way {
        name: "shapes-cached-redis",
        shown: "cached over Redis",
        dependencies: "cached = { version = \"=4.1.0\", features = [\"async\", \"redis_tokio\"] }\n",
        lock: "Cargo.lock",
        derives: "",
        imports: "use cached::macros::concurrent_cached;",
        attribute: |function| {
            let Function { place, of_type, .. } = function;
            let own = if *of_type == "String" { ".to_owned()" } else { "" };
            format!(
                "#[concurrent_cached(redis = true, ttl_secs = 60, key = \"{of_type}\", convert = {{ {place}{own} }}{}, \
                 map_error = |error| AppError(format!(\"{{error:?}}\")))]",
                in_impl(function)
            )
        },
    },
    Way {
        name: "shapes-hitbox",
        shown: "hitbox",
        dependencies: "hitbox = \"=0.2.4\"\nhitbox-core = \"=0.2.2\"\nhitbox-fn = { version = \"=0.2.1\", features = [\"derive\"] }\n",
        lock: "Cargo.lock",
        derives: ", hitbox_fn::CacheableResponse",
        imports: "use hitbox_fn::prelude::cached;",
        attribute: |function| match function.skip {
            "" => "#[cached(prefix = \"user\")]".to_owned(),
            skip => format!("#[cached(prefix = \"user\", skip({skip}))]"),
        },
    },
    Way {
        name: "shapes-oxcache",
        shown: "oxcache",
        dependencies: "oxcache = { version = \"=0.4.3\", features = [\"macros\", \"redis\"] }\n",
        lock: "oxcache/Cargo.lock",
        derives: "",
        imports: "use oxcache::cached;",
        attribute: |function| {
            let sync = if function.is_blocking { ", sync" } else { "" };
            format!("#[cached(service = \"users\", ttl = 60, key = \"user:{{{}}}\"{sync})]", function.place)
        },
    },
];

const SHAPES: &str = include_str!("../../shapes.rs");

/// Names of the shapes, and their text with a line that says what an attribute is told.
fn shapes() -> Vec<(&'static str, &'static str)> {
    let parts = SHAPES.split("// shape: ").skip(1);
    parts.filter_map(|part| part.split_once('\n')).map(|(name, text)| (name.trim(), text)).collect()
}

/// Where an attribute goes: `@(place: type; skip; method, blocking)`.
fn annotated(text: &str, way: &Way) -> Result<String, String> {
    let mut all = String::new();
    for line in text.lines() {
        let Some(words) = line.trim().strip_prefix("// @(").and_then(|words| words.strip_suffix(')')) else {
            all.push_str(line);
            all.push('\n');
            continue;
        };
        let mut words = words.split(';').map(str::trim);
        let (place, of_type) = words.next().and_then(|first| first.split_once(": ")).ok_or("a place and its type")?;
        let skip = words.next().unwrap_or_default();
        let marks = words.next().unwrap_or_default();
        let (is_method, is_blocking) = (marks.contains("method"), marks.contains("blocking"));
        all.push_str(&(way.attribute)(&Function { place, of_type, skip, is_method, is_blocking }));
        all.push('\n');
    }
    Ok(all)
}

fn made(bench: &Bench, way: &Way) -> Result<Made, String> {
    let dependencies = format!("{EVERYBODY}{}async-trait = \"0.1\"\n", way.dependencies);
    Made::new(bench, way.name, &dependencies, way.lock)
}

pub fn prepare(bench: &Bench) -> Result<(), String> {
    for way in WAYS {
        let made = made(bench, way)?;
        made.write("src/main.rs", "fn main() {}\n")?;
        made.must(&["check"])?;
    }
    Ok(())
}

/// What the compiler said first of each file with an error.
fn errors(output: &[u8]) -> BTreeMap<String, String> {
    let mut first = BTreeMap::new();
    for line in String::from_utf8_lossy(output).lines() {
        let Ok(said) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let message = &said["message"];
        if message["level"] != "error" {
            continue;
        }
        let spans = message["spans"].as_array().map_or(&[][..], Vec::as_slice);
        let mut files = spans.iter().filter_map(|span| span["file_name"].as_str());
        let Some(file) = files.rfind(|file| file.starts_with("src/shape")) else { continue };
        let words = message["message"].as_str().unwrap_or_default().to_owned();
        first.entry(file.to_owned()).or_insert(words);
    }
    first
}

/// The compiler's first words on each shape that it does not take, by the shape's place.
fn refused(bench: &Bench, way: &Way) -> Result<BTreeMap<usize, String>, String> {
    let made = made(bench, way)?;
    let prelude = format!(
        "pub use serde::{{Deserialize, Serialize}};\n\n\
         #[derive(Clone, Debug, Serialize, Deserialize{})]\npub struct User {{ pub id: u64, pub name: String }}\n\n\
         #[derive(Clone, Debug, Serialize, Deserialize)]\npub struct AppError(pub String);\n\n\
         impl std::fmt::Display for AppError {{\n    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{\n        \
         f.write_str(&self.0)\n    }}\n}}\n\nimpl std::error::Error for AppError {{}}\n\n\
         pub type AppResult<T> = Result<T, AppError>;\n\npub struct Pool;\n\n\
         impl Pool {{\n    pub async fn row(&self, id: u64) -> Result<Option<User>, AppError> {{\n        \
         Ok(Some(User {{ id, name: \"Ada\".to_owned() }}))\n    }}\n}}\n",
        way.derives
    );
    made.write("src/prelude.rs", &prelude)?;
    let shapes = shapes();
    for (at, (_, text)) in shapes.iter().enumerate() {
        let head =
            format!("#[allow(unused_imports)]\n{}\n#[allow(unused_imports)]\nuse crate::prelude::*;\n", way.imports);
        made.write(&format!("src/shape_{at}.rs"), &(head + &annotated(text, way)?))?;
    }
    let mut left: BTreeSet<usize> = (0..shapes.len()).collect();
    let mut refused = BTreeMap::new();
    // One error may keep the compiler from finding the next: what is refused is left out, until the rest is taken.
    loop {
        let mut main = "#![allow(dead_code)]\nmod prelude;\n".to_owned();
        for at in &left {
            main.push_str(&format!("mod shape_{at};\n"));
        }
        main.push_str("fn main() {}\n");
        made.write("src/main.rs", &main)?;
        let (output, _) = made.cargo(&["check", "--message-format", "json"])?;
        if output.status.success() {
            return Ok(refused);
        }
        let before = left.len();
        for (file, words) in errors(&output.stdout) {
            let at = file.trim_start_matches("src/shape_").trim_end_matches(".rs").parse().unwrap_or(usize::MAX);
            if left.remove(&at) {
                refused.insert(at, words);
            }
        }
        if left.len() == before {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("{}: an error that belongs to no shape: {said}", way.shown));
        }
    }
}

fn run(bench: &Bench) -> Result<Findings, String> {
    let mut findings = Findings::default();
    let mut columns = vec!["shape"];
    columns.extend(WAYS.iter().map(|way| way.shown));
    let mut table = Table::new("", &columns);
    let all = WAYS.iter().map(|way| refused(bench, way)).collect::<Result<Vec<_>, _>>()?;
    let mut words = Table::new("In the compiler's words", &["attribute", "shape", "error"]);
    for (at, (name, _)) in shapes().into_iter().enumerate() {
        let cell = |refused: &BTreeMap<usize, String>| {
            let taken = !refused.contains_key(&at);
            if taken { "yes" } else { "no" }.to_owned()
        };
        table.row([name.to_owned()].into_iter().chain(all.iter().map(cell)));
        for (way, refused) in WAYS.iter().zip(&all) {
            if let Some(said) = refused.get(&at) {
                let said: String = said.chars().take(120).collect();
                words.row([way.shown.to_owned(), name.to_owned(), said]);
            }
        }
    }
    let ours = all.first().map_or(f64::NAN, |refused| refused.len() as f64);
    findings.targets.push(Target::at_most("shapes that are not accepted", ours, 0.0));
    findings.tables = vec![table, words];
    Ok(findings)
}
