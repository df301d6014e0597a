//! What annotating costs the compiler, and the program.

use std::fmt::Write;
use std::process::Command;

use super::Section;
use crate::bench::Bench;
use crate::chart::Chart;
use crate::figures::Figures;
use crate::made::{EVERYBODY, Made};
use crate::table::{Findings, Table, Target, short};

pub const SECTION: Section = Section {
    name: "compile",
    title: "Compile cost",
    about: "A program of 200 functions, each different, each boxed into a table so that the compiler has to build it: once \
            plain, once annotated by each. Times are of the program alone, its dependencies are built; a *release build* \
            is one without incremental compilation. What a function takes is the difference to a program with one of \
            them. Clean builds are of the debug profile, with nothing built before, and the same versions as everywhere \
            else here.",
    run,
};

const FUNCTIONS: usize = 200;

/// One way to annotate.
struct Way {
    name: &'static str,
    shown: &'static str,
    dependencies: &'static str,
    imports: &'static str,
    /// Before the function with this number.
    attribute: fn(usize) -> String,
}

const WAYS: &[Way] = &[
    Way { name: "plain", shown: "not annotated", dependencies: "", imports: "", attribute: |_| String::new() },
    Way {
        name: "with-ours",
        shown: "cached-runtime",
        dependencies: "cached-runtime = { path = \"RUNTIME\" }\n",
        imports: "use cached_runtime::cached;",
        attribute: |at| format!("#[cached(key = \"user:{at}:<id>\", ttl = 60, mutex)]"),
    },
    Way {
        name: "with-cached",
        shown: "cached over Redis",
        dependencies: "cached = { version = \"=4.1.0\", features = [\"async\", \"redis_tokio\"] }\n",
        imports: "use cached::macros::concurrent_cached;",
        attribute: |_| {
            "#[concurrent_cached(redis = true, ttl_secs = 60, map_error = |error| Failure(format!(\"{error:?}\")))]"
                .to_owned()
        },
    },
];

/// The program, with so many functions.
fn program(way: &Way, functions: usize) -> String {
    let mut text = format!(
        "#![allow(dead_code)]\nuse std::future::Future;\nuse std::pin::Pin;\n\nuse serde::{{Deserialize, Serialize}};\n{}\n\n\
         #[derive(Clone, Debug, Serialize, Deserialize)]\npub struct User {{ id: u64, name: String, roles: Vec<u32> }}\n\n\
         #[derive(Clone, Debug, Serialize, Deserialize)]\npub struct Failure(String);\n\n\
         impl std::fmt::Display for Failure {{\n    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{\n        \
         f.write_str(&self.0)\n    }}\n}}\n\nimpl std::error::Error for Failure {{}}\n\n\
         async fn row(id: u64) -> Result<User, Failure> {{\n    tokio::task::yield_now().await;\n    \
         Ok(User {{ id, name: id.to_string(), roles: vec![1, 2] }})\n}}\n",
        way.imports
    );
    for at in 0..functions {
        let _ = write!(
            text,
            "\n{}\npub async fn find_{at}(id: u64) -> Result<User, Failure> {{\n    \
             let mut user = row(id).await?;\n    \
             if user.roles.is_empty() {{\n        return Err(Failure(format!(\"user {{id}} has no role {at}\")));\n    }}\n    \
             let other = row(id + {at}).await?;\n    user.name.push_str(&other.name);\n    \
             user.roles.push({at});\n    Ok(user)\n}}\n",
            (way.attribute)(at)
        );
    }
    text.push_str(
        "\ntype Boxed = Pin<Box<dyn Future<Output = Result<User, Failure>> + Send>>;\n\n\
         static ALL: &[fn(u64) -> Boxed] = &[\n",
    );
    for at in 0..functions {
        let _ = writeln!(text, "    |id| Box::pin(find_{at}(id)),");
    }
    text.push_str(
        "];\n\nfn main() {\n    let at = std::env::args().count() - 1;\n    \
         println!(\"{}\", std::mem::size_of_val(&find_0(1)));\n    if at > 0 {\n        \
         let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();\n        \
         println!(\"{:?}\", runtime.block_on(ALL[at](1)).is_ok());\n    }\n}\n",
    );
    text
}

fn made(bench: &Bench, way: &Way) -> Result<Made, String> {
    let made = Made::new(bench, way.name, &format!("{EVERYBODY}{}", way.dependencies), "Cargo.lock")?;
    made.write("src/main.rs", &program(way, 1))?;
    Ok(made)
}

/// Builds what everything else leans on, so that no figure has it.
pub fn prepare(bench: &Bench) -> Result<(), String> {
    for way in WAYS {
        let made = made(bench, way)?;
        made.must(&["check"])?;
        made.must(&["build", "--release"])?;
    }
    Ok(())
}

#[derive(Default)]
struct Line {
    check: Figures,
    release: Figures,
    /// Bytes of code and constants, for each function.
    text: f64,
    future: f64,
    crates: usize,
}

/// Of a program: code and constants.
fn text_size(made: &Made, name: &str) -> f64 {
    let said = Command::new("size").arg(made.program("release", name)).output();
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let first = said.lines().nth(1).and_then(|line| line.split_whitespace().next()?.parse().ok());
    first.unwrap_or(f64::NAN)
}

fn crates(made: &Made) -> Result<usize, String> {
    let words = ["tree", "--edges", "normal,build", "--prefix", "none", "--no-dedupe", "--format", "{p}"];
    let (output, _) = made.cargo(&words)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let all: std::collections::BTreeSet<_> = text.lines().filter_map(|line| line.split(" (").next()).collect();
    // Without itself.
    Ok(all.len().saturating_sub(1))
}

fn text_with_one(made: &Made, way: &Way) -> Result<f64, String> {
    made.write("src/main.rs", &program(way, 1))?;
    made.must(&["build", "--release"])?;
    Ok(text_size(made, way.name))
}

fn functions(bench: &Bench, lines: &mut [(&Way, Line)]) -> Result<(), String> {
    let all = WAYS.iter().map(|way| made(bench, way)).collect::<Result<Vec<_>, _>>()?;
    for ((_, line), made) in lines.iter_mut().zip(&all) {
        line.crates = crates(made)?;
        (line.text, line.future) = (f64::NAN, f64::NAN);
    }
    for _ in 0..bench.of(5, 1) {
        for ((way, line), made) in lines.iter_mut().zip(&all) {
            made.write("src/main.rs", &program(way, FUNCTIONS))?;
            line.check.push(made.must(&["check"])?.as_secs_f64());
        }
    }
    // With `--quick` there is no time.
    for round in 0..bench.of(3, 0) {
        for ((way, line), made) in lines.iter_mut().zip(&all) {
            // Once says enough of what takes this long.
            if round > 0 && way.name == "with-cached" {
                continue;
            }
            let with_one = if round == 0 { text_with_one(made, way)? } else { f64::NAN };
            made.write("src/main.rs", &program(way, FUNCTIONS))?;
            line.release.push(made.must(&["build", "--release"])?.as_secs_f64());
            if round == 0 {
                line.text = (text_size(made, way.name) - with_one) / (FUNCTIONS - 1) as f64;
                let said = Command::new(made.program("release", way.name)).output();
                let said = said.map_err(|error| error.to_string())?.stdout;
                line.future = String::from_utf8_lossy(&said).trim().parse().unwrap_or(f64::NAN);
            }
        }
    }
    Ok(())
}

/// Peers' trees, built from nothing.
const TREES: &[(&str, &str, &str, &str)] = &[
    ("tree-syn", "syn, full", "syn = { version = \"2\", features = [\"full\"] }\n", "Cargo.lock"),
    ("tree-macros", "cached-macros", "cached-macros = { path = \"RUNTIME/../cached-macros\" }\n", "Cargo.lock"),
    ("tree-ours", "cached-runtime", "cached-runtime = { path = \"RUNTIME\" }\n", "Cargo.lock"),
    (
        "tree-moka",
        "moka + redis by hand",
        "moka = { version = \"0.12\", features = [\"future\"] }\nredis = { version = \"1\", features = [\"tokio-comp\", \"connection-manager\"] }\nserde_json = \"1\"\n",
        "Cargo.lock",
    ),
    (
        "tree-cached",
        "cached",
        "cached = { version = \"=4.1.0\", features = [\"async\", \"redis_tokio\", \"redis_connection_manager\"] }\n",
        "Cargo.lock",
    ),
    (
        "tree-amalgam",
        "amalgam-cache",
        "amalgam-cache = { version = \"=0.4.2\", features = [\"redis\"] }\n",
        "Cargo.lock",
    ),
    (
        "tree-hitbox",
        "hitbox",
        "hitbox = \"=0.2.4\"\nhitbox-fn = { version = \"=0.2.1\", features = [\"derive\"] }\nhitbox-moka = \"=0.2.0\"\nhitbox-redis = \"=0.2.1\"\n",
        "Cargo.lock",
    ),
    ("tree-oxcache", "oxcache", "oxcache = { version = \"=0.4.3\", features = [\"redis\"] }\n", "oxcache/Cargo.lock"),
];

/// Seconds for each, and crates in its tree.
fn trees(bench: &Bench, findings: &mut Findings) -> Result<(), String> {
    let mut table = Table::new("Everything from nothing", &["", "crates", "clean build, s"]);
    let target = bench.scratch.join("made-clean");
    let mut seconds = Vec::new();
    for (name, shown, dependencies, lock) in TREES {
        let made = Made::new(bench, name, dependencies, lock)?;
        made.write("src/main.rs", "fn main() {}\n")?;
        let mut took = f64::NAN;
        // With `--quick` there is no time.
        if !bench.quick {
            std::fs::remove_dir_all(&target).ok();
            let (output, time) = made.cargo_in(&["build"], &target)?;
            took = if output.status.success() { time.as_secs_f64() } else { f64::NAN };
        }
        seconds.push(took);
        let crates = crates(&made)?;
        let shown_time = if took.is_nan() { "–".to_owned() } else { format!("{took:.1}") };
        table.row([(*shown).to_owned(), crates.to_string(), shown_time]);
        if *name == "tree-ours" {
            findings.targets.push(Target::at_most("crates with default features", crates as f64, 80.0));
        }
    }
    std::fs::remove_dir_all(&target).ok();
    findings.tables.push(table);
    if let ([syn, macros, ..], false) = (seconds.as_slice(), bench.quick) {
        findings.targets.push(Target::at_most("clean build of the macro crate, times syn's", macros / syn, 1.5));
    }
    Ok(())
}

fn run(bench: &Bench) -> Result<Findings, String> {
    let mut lines: Vec<(&Way, Line)> = WAYS.iter().map(|way| (way, Line::default())).collect();
    functions(bench, &mut lines)?;
    let mut findings = Findings::default();
    let columns = [
        "",
        "check, s",
        "times plain",
        "more for each, ms",
        "release build, s",
        "times plain",
        "more for each, ms",
        "code, bytes each",
        "future, bytes",
        "crates",
    ];
    let mut table = Table::new(&format!("{FUNCTIONS} functions"), &columns);
    let mut chart = Chart::new("compile", "Release build of 200 functions, seconds", false);
    let shown = |figure: f64| if figure.is_nan() { "–".to_owned() } else { short(figure) };
    let ratio = |one: &Figures, of: &Figures| shown(one.ratio_to(of).median());
    let more = |one: &Figures, than: &Figures| {
        let each = (one.median() - than.median()) * 1e3 / FUNCTIONS as f64;
        shown((each * 10.0).round() / 10.0)
    };
    let [(_, plain), (_, ours), (_, cached)] = lines.as_slice() else { return Err("three ways".to_owned()) };
    for (way, line) in &lines {
        table.row([
            way.shown.to_owned(),
            line.check.show(2),
            ratio(&line.check, &plain.check),
            more(&line.check, &plain.check),
            line.release.show(2),
            ratio(&line.release, &plain.release),
            more(&line.release, &plain.release),
            shown(line.text.round()),
            shown(line.future),
            line.crates.to_string(),
        ]);
        chart.bar(way.shown, line.release.median());
    }
    findings.tables.push(table);
    findings.charts.push(chart);
    let mut promise = |what: &str, measured, limit| findings.targets.push(Target::at_most(what, measured, limit));
    let times = |one: &Figures, of: &Figures| one.ratio_to(of).median();
    let of_cached = |one: &Figures, plain: &Figures, theirs: &Figures| {
        (one.median() - plain.median()) / (theirs.median() - plain.median())
    };
    let third = 1.0 / 3.0;
    promise("`cargo check` of 200 functions, times plain", times(&ours.check, &plain.check), 2.0);
    promise(
        "added to `cargo check`, times what cached adds",
        of_cached(&ours.check, &plain.check, &cached.check),
        third,
    );
    if !bench.quick {
        promise("release build of 200 functions, times plain", times(&ours.release, &plain.release), 4.0);
        let added = of_cached(&ours.release, &plain.release, &cached.release);
        promise("added to a release build, times what cached adds", added, third);
        // Its argument is a `u64`, which is moved.
        let more = ours.future - plain.future - 8.0;
        promise("a cached future, bytes more than its body's and its argument", more, 250.0);
    }
    trees(bench, &mut findings)?;
    Ok(findings)
}
