//! What is wrong between functions, which no compiler sees: each by itself is fine.

mod drift;
mod keys;

use serde::Serialize;

use crate::function::{Function, Place};
use crate::inventory::Inventory;
use crate::lock::Lock;
use crate::scan::Unread;

/// A kind of finding, as `--allow` and comments name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Lint {
    /// One key may hold values of two types
    TwoTypes,
    /// An invalidation, or a value, for a key or tag that nobody reads
    NoReader,
    /// A reader with a long ttl whose key nobody ever invalidates
    NeverInvalidated,
    /// Text of any length in a key, without `|hash`
    UnboundedText,
    /// What is stored is not what `cached.lock` says
    Drift,
    /// A file or a key that cannot be read
    Unreadable,
}

impl Lint {
    pub fn name(self) -> &'static str {
        match self {
            Self::TwoTypes => "two-types",
            Self::NoReader => "no-reader",
            Self::NeverInvalidated => "never-invalidated",
            Self::UnboundedText => "unbounded-text",
            Self::Drift => "drift",
            Self::Unreadable => "unreadable",
        }
    }
}

#[derive(Debug, Serialize)]
pub struct Finding {
    pub lint: Lint,
    pub file: String,
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub instead: String,
}

pub struct Settings {
    /// A ttl over this is long, in milliseconds.
    pub long_ttl: u64,
    pub allow: Vec<Lint>,
}

/// Everything that is wrong and not allowed, by place.
pub fn check(inventory: &Inventory, lock: Option<&Lock>, settings: &Settings) -> Vec<Finding> {
    let mut findings = Findings { settings, found: Vec::new() };
    for Unread { file, line, why } in &inventory.unread {
        findings.found.push(Finding {
            lint: Lint::Unreadable,
            file: file.clone(),
            line: *line,
            message: format!("{why}: nothing in this file was checked"),
            instead: "correct what the compiler says of it".to_owned(),
        });
    }
    keys::two_types(inventory, &mut findings);
    for function in &inventory.functions {
        keys::unreadable(function, &mut findings);
        keys::no_reader(function, inventory, &mut findings);
        keys::never_invalidated(function, inventory, settings.long_ttl, &mut findings);
        keys::unbounded_text(function, &mut findings);
    }
    if let Some(lock) = lock {
        drift::drift(inventory, lock, &mut findings);
    }
    let mut found = findings.found;
    found.retain(|finding| !settings.allow.contains(&finding.lint));
    found.sort_by(|a, b| (&a.file, a.line, a.lint).cmp(&(&b.file, b.line, b.lint)));
    // A file that several programs share has the same faults in each.
    found.dedup_by(|a, b| (&a.file, a.line, a.lint, &a.instead) == (&b.file, b.line, b.lint, &b.instead));
    found
}

struct Findings<'s> {
    settings: &'s Settings,
    found: Vec<Finding>,
}

impl Findings<'_> {
    /// Unless a comment at the function lets it pass.
    fn add(&mut self, lint: Lint, function: &Function, line: usize, message: String, instead: String) {
        if function.allows(lint.name()) || self.settings.allow.contains(&lint) {
            return;
        }
        let Place { file, .. } = &function.place;
        self.found.push(Finding { lint, file: file.to_string(), line, message, instead });
    }
}
