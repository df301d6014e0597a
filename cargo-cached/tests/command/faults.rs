//! `check`: every seeded fault is found where it is, and nothing else is.

use std::path::Path;
use std::process::Command;

use super::{cargo_cached, fixture, over, said};

/// `file:line lint`, by the comments `//~ lint`.
fn seeded(directory: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for file in std::fs::read_dir(directory.join("src")).expect("a directory") {
        let path = file.expect("a file").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        for (at, line) in std::fs::read_to_string(&path).expect("text").lines().enumerate() {
            let lints = line.split_once("//~").map(|(_, lints)| lints).unwrap_or_default();
            faults.extend(lints.split_whitespace().map(|lint| format!("src/{name}:{} {lint}", at + 1)));
        }
    }
    faults.sort();
    faults
}

fn found(words: &[&str]) -> (Vec<String>, Option<i32>) {
    let said = over("faulty", &[&["check", "--json"], words].concat());
    let findings = said.json();
    let findings = findings.as_array().expect("findings").iter();
    let mut found: Vec<String> = findings
        .map(|finding| {
            assert!(finding["message"].as_str().is_some_and(|text| !text.is_empty()), "{finding}");
            assert!(finding["instead"].as_str().is_some_and(|text| !text.is_empty()), "{finding}");
            let text = |field: &str| finding[field].as_str().expect("text").to_owned();
            format!("{}:{} {}", text("file"), finding["line"], text("lint"))
        })
        .collect();
    found.sort();
    (found, said.code)
}

#[test]
fn every_seeded_fault_is_found_and_nothing_else() {
    let (found, code) = found(&[]);
    let mut expected = seeded(&fixture("faulty"));
    // A function that is gone has no line.
    expected.push("cached.lock:0 drift".to_owned());
    expected.sort();
    assert_eq!(found, expected);
    for lint in ["two-types", "no-reader", "never-invalidated", "unbounded-text", "drift", "unreadable"] {
        assert!(found.iter().any(|fault| fault.ends_with(lint)), "no fault is seeded for {lint}");
    }
    assert_eq!(code, Some(1));
}

#[test]
fn a_finding_names_its_line_and_what_to_write_instead() {
    let said = over("faulty", &["check"]);
    let line = |start: &str| said.out.lines().position(|line| line.starts_with(start)).expect(start);
    for (start, instead) in [
        (
            "src/two_types.rs:7: two-types: `user:<id>` holds `Order` here and `User` for `faulty::readers::find` (src/readers.rs:10)",
            "such as `order:<id>`",
        ),
        (
            "src/no_reader.rs:7: no-reader: `faulty::no_reader::delete` invalidates the key `users:<id>`",
            "write `user:<id>`, as ",
        ),
        (
            "src/no_reader.rs:8: no-reader: `faulty::no_reader::delete` invalidates the tag `orgs:<org>`",
            "write `org:<org>`, as ",
        ),
        ("src/never_invalidated.rs:3: never-invalidated:", "write `#[invalidate(key = \"country:<code>\")]`"),
        ("src/text.rs:8: unbounded-text: `<filter.text>`", "write `<filter.text|hash>`"),
        ("src/drift.rs:9: drift: ", "write `version = 2`"),
        ("src/broken.rs:2: unreadable: ", "compiler"),
    ] {
        let instead_of_it = said.out.lines().nth(line(start) + 1).unwrap_or_default();
        assert!(instead_of_it.contains(instead), "{start}: {instead_of_it}");
    }
    assert!(said.out.ends_with("annotated functions\n"), "{}", said.out);
    assert!(!said.out.contains('\u{1b}'), "colours in a pipe");
    assert!(over("faulty", &["check", "--color", "always"]).out.contains('\u{1b}'));
}

#[test]
fn what_is_allowed_is_not_found() {
    let (rest, code) = found(&["--allow", "two-types,no-reader,never-invalidated,unbounded-text,drift"]);
    assert_eq!((rest, code), (vec!["src/broken.rs:2 unreadable".to_owned()], Some(1)));
    let all = "two-types,no-reader,never-invalidated,unbounded-text,drift,unreadable";
    assert_eq!(found(&["--allow", all]), (Vec::new(), Some(0)));
}

#[test]
fn how_long_a_ttl_is_long_is_said_by_an_option() {
    let never = |words: &[&str]| {
        let (found, _) = found(words);
        found.iter().filter(|fault| fault.ends_with("never-invalidated")).count()
    };
    assert_eq!((never(&["--long-ttl", "2d"]), never(&[]), never(&["--long-ttl", "59m"])), (1, 2, 3));
}

#[test]
fn tests_count_only_where_they_are_asked_for() {
    let (with_tests, _) = found(&["--all-targets"]);
    let more: Vec<_> = with_tests.iter().filter(|fault| fault.starts_with("src/lib.rs")).collect();
    assert_eq!(more, ["src/lib.rs:12 two-types"]);
}

#[test]
fn nothing_is_found_in_this_repository() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let said = cargo_cached(&["check", "--manifest-path", root]);
    assert!(said.code == Some(0) && said.out.starts_with("nothing found in "), "{}{}", said.out, said.err);
}

#[test]
fn every_template_of_this_repositorys_tests_is_understood() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let list = cargo_cached(&["list", "--json", "--all-targets", "--manifest-path", root]).json();
    let functions = list["functions"].as_array().expect("functions");
    assert!(functions.len() > 200, "only {}", functions.len());
    assert_eq!(list["unread"], serde_json::json!([]));
}

#[test]
fn what_cannot_be_done_ends_with_two_and_says_why() {
    for words in [
        &["check", "--manifest-path", "/nowhere/Cargo.toml"][..],
        &["check", "--allow", "everything"],
        &["check", "--long-ttl", "soon"],
        &["get", "user:1"],
        &["get", "user:1", "--url", "nonsense"],
        &["lst"],
        &[],
    ] {
        let said = cargo_cached(words);
        assert!(said.code == Some(2) && !said.err.is_empty(), "{words:?}: {}{}", said.out, said.err);
        assert!(!said.err.contains("panicked"), "{}", said.err);
    }
}

#[test]
fn cargo_finds_it_and_it_has_help_and_completions() {
    let directory = Path::new(env!("CARGO_BIN_EXE_cargo-cached")).parent().expect("a directory");
    let path = std::env::var("PATH").expect("a path");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.env("PATH", format!("{}:{path}", directory.display())).args(["cached", "list", "--manifest-path"]);
    let as_cargo = said(command.arg(fixture("shapes").join("Cargo.toml")));
    assert_eq!((as_cargo.code, as_cargo.out), (Some(0), over("shapes", &["list"]).out));

    for command in ["list", "check", "lock", "get", "ttl", "del", "completions"] {
        let help = cargo_cached(&[command, "--help"]).out;
        assert!(help.contains("Example") && help.contains("cargo cached "), "{help}");
    }
    assert!(cargo_cached(&["--help"]).out.contains("Exit codes:"));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let completions = cargo_cached(&["completions", shell]);
        assert!(completions.code == Some(0) && completions.out.contains("long-ttl"), "{shell}");
    }
}
