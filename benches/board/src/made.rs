//! Crates that are made to be compiled: what is measured of them is the compiler's work.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::bench::Bench;

pub struct Made {
    folder: PathBuf,
    /// Where all of them are built.
    target: PathBuf,
}

/// What a program of annotated functions depends on, whoever annotates.
pub const EVERYBODY: &str = "serde = { version = \"1\", features = [\"derive\"] }\n\
                         tokio = { version = \"1\", features = [\"rt\"] }\n";

impl Made {
    /// `dependencies` are lines of its manifest; it has the versions of that lock file of `benches`.
    pub fn new(bench: &Bench, name: &str, dependencies: &str, lock: &str) -> Result<Self, String> {
        let folder = bench.scratch.join("made").join(name);
        let this = Self { folder, target: bench.scratch.join("made-target") };
        let runtime = bench.root.join("cached-runtime");
        let dependencies = dependencies.replace("RUNTIME", &runtime.display().to_string());
        this.write(
            "Cargo.toml",
            &format!(
                "[workspace]\n\n[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                 [dependencies]\n{dependencies}\n[profile.release]\nincremental = false\n"
            ),
        )?;
        let locked = bench.root.join("benches").join(lock);
        // Once: what it needs beside that is resolved then, and not while somebody measures.
        let own = this.folder.join("Cargo.lock");
        let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
        if changed(&own) < changed(&locked) {
            fs::copy(&locked, own).map_err(|error| format!("{}: {error}", locked.display()))?;
        }
        // The same compiler as everybody's.
        fs::copy(bench.root.join("rust-toolchain.toml"), this.folder.join("rust-toolchain.toml")).ok();
        Ok(this)
    }

    /// Its time changes, whether or not its text does.
    pub fn write(&self, file: &str, text: &str) -> Result<(), String> {
        let path = self.folder.join(file);
        let folder = path.parent().unwrap_or(&self.folder);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text));
        written.map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Runs `cargo` there, in the target directory that all share.
    pub fn cargo(&self, words: &[&str]) -> Result<(Output, Duration), String> {
        self.cargo_in(words, &self.target)
    }

    pub fn cargo_in(&self, words: &[&str], target: &Path) -> Result<(Output, Duration), String> {
        let began = Instant::now();
        let output = Command::new("cargo")
            .args(words)
            .arg("--quiet")
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", target)
            .env_remove("RUSTFLAGS")
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        Ok((output, began.elapsed()))
    }

    /// The same, where an error is one of the board.
    pub fn must(&self, words: &[&str]) -> Result<Duration, String> {
        let (output, took) = self.cargo(words)?;
        if output.status.success() {
            return Ok(took);
        }
        let words = words.join(" ");
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().find(|line| line.starts_with("error")).unwrap_or("it did not say why");
        Err(format!("cargo {words} in {}: {line}", self.folder.display()))
    }

    /// A program that a build has made.
    pub fn program(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(name)
    }
}
