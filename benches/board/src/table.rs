//! What a section found.

use std::fmt;

use crate::chart::Chart;

pub struct Table {
    pub title: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// What a reader must know of it.
    pub notes: Vec<String>,
}

impl Table {
    pub fn new(title: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        Self { title: title.to_owned(), columns, rows: Vec::new(), notes: Vec::new() }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, cells: &[String]| {
            let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
            writeln!(f, "| {} |", cells.join(" | "))
        };
        if !self.title.is_empty() {
            writeln!(f, "**{}**\n", self.title)?;
        }
        line(f, &self.columns)?;
        let rules: Vec<_> = (0..self.columns.len()).map(|at| if at == 0 { "---" } else { "---:" }).collect();
        writeln!(f, "|{}|", rules.join("|"))?;
        for row in &self.rows {
            line(f, row)?;
        }
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}

/// What this project promises itself.
pub struct Target {
    pub promise: String,
    pub measured: f64,
    pub limit: f64,
    /// Whether the limit is the least, and not the most.
    pub at_least: bool,
}

impl Target {
    pub fn at_most(promise: impl Into<String>, measured: f64, limit: f64) -> Self {
        Self { promise: promise.into(), measured, limit, at_least: false }
    }

    pub fn at_least(promise: impl Into<String>, measured: f64, limit: f64) -> Self {
        Self { promise: promise.into(), measured, limit, at_least: true }
    }

    /// What was not measured does not hold.
    pub fn holds(&self) -> bool {
        if self.at_least { self.measured >= self.limit } else { self.measured <= self.limit }
    }

    pub fn limit(&self) -> String {
        format!("{} {}", if self.at_least { "at least" } else { "at most" }, short(self.limit))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, and should be {}", self.promise, short(self.measured), self.limit())
    }
}

/// Three digits behind the point, and none that say nothing.
pub fn short(figure: f64) -> String {
    let text = format!("{figure:.3}");
    if !figure.is_finite() {
        return "not measured".to_owned();
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[derive(Default)]
pub struct Findings {
    pub tables: Vec<Table>,
    pub charts: Vec<Chart>,
    pub targets: Vec<Target>,
}
