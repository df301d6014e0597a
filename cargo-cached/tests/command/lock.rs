//! `lock`: what is written is what is there, until it changes.

use std::fs;
use std::path::{Path, PathBuf};

use super::cargo_cached;

/// A workspace of one file, in a directory of its own.
struct Small {
    directory: PathBuf,
}

impl Small {
    fn new(name: &str, source: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(directory.join("src")).expect("a directory");
        let manifest = "[workspace]\n[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
        fs::write(directory.join("Cargo.toml"), manifest).expect("a file");
        let small = Self { directory };
        small.write(source);
        small
    }

    fn write(&self, source: &str) {
        fs::write(self.directory.join("src/lib.rs"), source).expect("a file");
    }

    fn run(&self, words: &[&str]) -> (Option<i32>, String) {
        let manifest = self.directory.join("Cargo.toml");
        let said = cargo_cached(&[words, &["--manifest-path", manifest.to_str().expect("text")]].concat());
        (said.code, said.out + &said.err)
    }
}

const BEFORE: &str = "
    pub struct User { pub id: i64 }
    #[cached_runtime::cached(key = \"user:<id>\", ttl = 60)]
    pub fn find(id: i64) -> Option<User> { load(id) }
";

#[test]
fn a_change_under_the_same_version_is_found_until_it_is_agreed_to() {
    let small = Small::new("drifting", BEFORE);
    assert_eq!(small.run(&["check"]).0, Some(0), "without a lock there is no drift");
    assert_eq!(small.run(&["lock"]).0, Some(0));
    assert_eq!(small.run(&["check"]).0, Some(0));

    // What serde does not see, and where a function stands, is no change.
    small.write(
        &BEFORE.replace("pub id: i64", "/// An id.\n pub(crate) id: i64,").replace("{ load(id) }", "{ other(id) }"),
    );
    assert_eq!(small.run(&["check"]).0, Some(0));

    let changed = BEFORE.replace("pub id: i64", "pub id: i64, pub name: String");
    small.write(&changed);
    let (code, said) = small.run(&["check"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("`struct User { id: i64 }` is now `struct User { id: i64, name: String }`"), "{said}");
    assert!(said.contains("write `version = 2`"), "{said}");

    small.write(&changed.replace("ttl = 60", "ttl = 60, version = 2"));
    let (code, said) = small.run(&["check"]);
    assert!(code == Some(1) && said.contains("run `cargo cached lock`"), "{said}");
    assert_eq!(small.run(&["lock"]).0, Some(0));
    assert_eq!(small.run(&["check"]).0, Some(0));
}

#[test]
fn a_lock_that_cannot_be_read_is_an_error_that_says_so() {
    let small = Small::new("unreadable", BEFORE);
    fs::write(small.directory.join("cached.lock"), "<<<<<<< HEAD\n").expect("a file");
    let (code, said) = small.run(&["check"]);
    assert!(code == Some(2) && said.contains("write it anew with `cargo cached lock`"), "{said}");
}

#[test]
fn source_that_is_no_rust_is_reported_and_the_rest_is_read() {
    let small = Small::new("broken", &format!("mod other;\n{BEFORE}"));
    fs::write(small.directory.join("src/other.rs"), "fn half() { #[cached(key = \"a\", ttl = ] }").expect("a file");
    let (code, said) = small.run(&["list"]);
    assert!(code == Some(0) && said.contains("small::find") && said.contains("src/other.rs:1 is not read"), "{said}");
    // Nor do types without an end take one away.
    let endless = "pub struct Ring(Box<Ring>); type Loop = Box<Loop>; type One = Two; type Two = One; \
                   #[cached_runtime::cached(key = \"r:<ring>:<at>:<one.id>\", ttl = 60)] \
                   fn f(ring: Ring, at: Loop, one: One) -> Loop { loop {} }";
    small.write(endless);
    assert_eq!(small.run(&["check"]).0, Some(0));
    assert_eq!(small.run(&["list"]).0, Some(0));
    // Mistakes in options are the compiler's to report.
    for options in
        ["", "key", "key =", "key = 5", "ttl = \"x\", key = \"<\"", "= , , =", "key = \"user:<id>\" ttl", "each = id"]
    {
        small.write(&BEFORE.replace("key = \"user:<id>\", ttl = 60", options));
        let (code, said) = small.run(&["check"]);
        assert!(matches!(code, Some(0 | 1)) && !said.contains("panicked"), "{options}: {said}");
    }
}
