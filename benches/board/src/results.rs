//! The one file of results. A section that runs replaces its own part of it and leaves the others.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use crate::bench::Bench;
use crate::machine;
use crate::sections::SECTIONS;
use crate::subject::SUBJECTS;
use crate::table::{Findings, Table, short};

pub struct Results<'b> {
    bench: &'b Bench,
    /// By section.
    parts: BTreeMap<String, String>,
}

/// Where a section's part begins.
const MARK: &str = "<!-- section: ";

impl<'b> Results<'b> {
    pub fn open(bench: &'b Bench) -> Result<Self, String> {
        let mut parts = BTreeMap::new();
        let text = std::fs::read_to_string(path(bench)).unwrap_or_default();
        for part in text.split(MARK).skip(1) {
            if let Some((name, part)) = part.split_once(" -->\n") {
                parts.insert(name.to_owned(), part.trim_end().to_owned());
            }
        }
        Ok(Self { bench, parts })
    }

    pub fn write(&mut self, name: &str, findings: &Findings, load: &str, took: Duration) -> Result<(), String> {
        let mut part = String::new();
        let mode = self.bench.of("", ", `--quick`");
        let (today, took) = (machine::today(), took.as_secs_f64());
        let _ = writeln!(part, "Measured {today}{mode}, in {took:.0} s; machine load before it: {load}.\n");
        for chart in &findings.charts {
            let folder = self.bench.root.join("benches/charts");
            let file = folder.join(format!("{}.svg", chart.name));
            let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, chart.svg()));
            written.map_err(|error| format!("{}: {error}", file.display()))?;
            let _ = writeln!(part, "![{}](charts/{}.svg)\n", chart.title, chart.name);
        }
        for table in &findings.tables {
            let _ = writeln!(part, "{table}");
            eprintln!("{table}");
        }
        if !findings.targets.is_empty() {
            let mut table = Table::new("What this project promises itself here", &["", "measured", "target", "holds"]);
            for target in &findings.targets {
                let holds = if target.holds() { "yes" } else { "**no**" };
                table.row([target.promise.clone(), short(target.measured), target.limit(), holds.to_owned()]);
            }
            let _ = writeln!(part, "{table}");
            eprintln!("{table}");
        }
        self.parts.insert(name.to_owned(), part.trim_end().to_owned());
        self.store()
    }

    fn store(&self) -> Result<(), String> {
        let mut text = self.head();
        for section in SECTIONS {
            if let Some(part) = self.parts.get(section.name) {
                let _ = write!(text, "\n{MARK}{} -->\n", section.name);
                // What was read back has its heading already.
                let heading = format!("## {}\n\n{}\n\n", section.title, section.about);
                let part = part.strip_prefix(&heading).unwrap_or(part);
                let _ = writeln!(text, "{heading}{part}");
            }
        }
        std::fs::write(path(self.bench), text).map_err(|error| error.to_string())
    }

    fn head(&self) -> String {
        let mut text = format!(
            "# The scoreboard\n\n\
             Written by `scripts/scoreboard`, which runs all of it again; `scripts/scoreboard stampede` runs one section.\n\
             Every peer runs in a process of its own; rounds of all peers interleave. Figures are medians over rounds, in\n\
             brackets between what four of five rounds were. Ratios are round by round. What went wrong is reported as it\n\
             was seen, with the version below.\n\n\
             Machine: {}.\n\n",
            machine::describe()
        );
        let mut table = Table::new("Who is measured", &["", "version", "set up"]);
        for subject in SUBJECTS {
            let version = format!("{} {}", subject.of, subject.version(&self.bench.versions));
            table.row([subject.shown.to_owned(), version, subject.settings.to_owned()]);
        }
        table.note(
            "oxcache 0.5.0-rc.12 is newer than the version that is measured; it is a release candidate that asks for \
             rustc 1.97.1, and this repository's compiler is older. amalgam-cache, moka and redis have no attribute: they \
             are called by hand.",
        );
        let _ = writeln!(text, "{table}");
        text
    }
}

fn path(bench: &Bench) -> PathBuf {
    bench.root.join("benches/RESULTS.md")
}
