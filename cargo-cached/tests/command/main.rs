//! The program itself, over the workspaces in `tests/fixtures` and over a real Redis.

mod entries;
mod faults;
mod lock;
mod shapes;
#[path = "../../../tests/support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::process::{Command, Output};

/// What it said and how it ended.
struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

impl Said {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

fn said(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Said { out: text(stdout), err: text(stderr), code: status.code() }
}

fn cargo_cached(words: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-cached"));
    said(command.args(words).env_remove("REDIS_URL").env_remove("CACHE_PREFIX"))
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// With `--manifest-path` of the fixture.
fn over(name: &str, words: &[&str]) -> Said {
    let manifest = fixture(name).join("Cargo.toml");
    let manifest = manifest.to_str().expect("text");
    cargo_cached(&[words, &["--manifest-path", manifest]].concat())
}
