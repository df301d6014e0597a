//! What a hit and an expansion cost, in instructions: a figure that does not depend on how busy the machine is.
//!
//! `RECORD_INSTRUCTIONS=1 cargo test --test instructions` writes the baseline anew; read the difference before you keep it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A program, what it is told to do, and how often it does it for a figure.
struct Counted {
    program: PathBuf,
    words: &'static [&'static str],
    times: u64,
}

impl Counted {
    /// Instructions of one time. What does not depend on how often is left out by counting twice.
    fn per_time(&self) -> f64 {
        // Maps are seeded at random, and some seeds are a little dearer.
        let least = |times| (0..3).map(|_| self.instructions(times)).min().unwrap_or(0);
        let (few, many) = (least(self.times), least(3 * self.times));
        many.saturating_sub(few) as f64 / (2 * self.times) as f64
    }

    fn instructions(&self, times: u64) -> u64 {
        let times = times.to_string();
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(&self.program).args(self.words);
        // A test is told in its environment.
        if self.words.contains(&"--exact") {
            valgrind.env("EXPANSIONS", &times)
        } else {
            valgrind.arg(&times)
        };
        let ran = valgrind.output().expect("valgrind");
        let told = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{}: {told}", self.program.display());
        let collected = told.lines().find_map(|line| line.split_once("Collected : ")).expect("a count");
        collected.1.trim().parse().expect("a number")
    }
}

/// Builds with the profile that is for this, and says where the one program is.
fn built(words: &[&str]) -> PathBuf {
    let cargo = std::env::var_os("CARGO").expect("run by cargo");
    let built = Command::new(cargo)
        .args(words)
        .args(["--locked", "--profile", "instructions", "--message-format", "json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo");
    assert!(built.status.success(), "cargo {words:?}");
    let messages = String::from_utf8_lossy(&built.stdout);
    let executable = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message.get("executable")?.as_str()?))
    });
    executable.collect::<Vec<_>>().pop().expect("an executable")
}

fn baseline() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/instructions/baseline.txt")
}

fn recorded() -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(baseline()).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(name, count)| (name.to_owned(), count.parse().expect("a count")))
        .collect()
}

#[test]
fn hits_and_expansions_cost_what_they_did_and_metrics_cost_a_local_hit_nothing() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        assert!(
            std::env::var_os("VALGRIND").is_none_or(|wanted| wanted != "required"),
            "this test needs valgrind: run scripts/test, which installs it"
        );
        eprintln!("skipped, for there is no valgrind: `apt-get install valgrind`");
        return;
    }
    const BUILD: [&str; 3] = ["build", "--package", "cached-instructions"];
    // Both programs have one name.
    let without_metrics = Path::new(env!("CARGO_TARGET_TMPDIR")).join("instructions-without-metrics");
    std::fs::copy(built(&[&BUILD[..], &["--no-default-features"]].concat()), &without_metrics).expect("a copy");
    let hits = built(&BUILD);
    let macros = built(&["test", "--no-run", "--package", "cached-macros", "--lib"]);
    let hit = |program: &PathBuf, words, times| Counted { program: program.clone(), words, times }.per_time();
    let expansion: &[&str] = &["--exact", "tests::cost::a_function_with_the_usual_options_expands"];
    let counts = [
        ("local_hit", hit(&hits, &["local_hit"], 10_000)),
        ("memory_hit", hit(&hits, &["memory_hit"], 1_000)),
        ("expansion", hit(&macros, expansion, 20)),
    ];
    let plain = hit(&without_metrics, &["local_hit"], 10_000);
    println!("{counts:.1?}, a local hit without metrics {plain:.1}");
    assert!(counts[0].1 <= plain * 1.10, "metrics with no recorder: {:.1} for {plain:.1} instructions", counts[0].1);

    if std::env::var_os("RECORD_INSTRUCTIONS").is_some() {
        let mut text = "# Instructions of one hit, or expansion: see main.rs for how to record them.\n".to_owned();
        counts.iter().for_each(|(name, count)| text += &format!("{name} {count:.0}\n"));
        std::fs::write(baseline(), text).expect("the baseline");
        return;
    }
    let recorded = recorded();
    for (name, count) in counts {
        let before = recorded.get(name).copied().unwrap_or_default();
        assert!(
            count <= before * 1.05,
            "{name}: {count:.0} instructions, {before:.0} before. RECORD_INSTRUCTIONS=1 keeps it, if it is worth that"
        );
        if count < before * 0.95 {
            println!("{name} has become cheaper than its baseline says: RECORD_INSTRUCTIONS=1 keeps that");
        }
    }
}
