//! What is shown while it happens: one line that changes on a terminal, a line every half second elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use tokio::time::Instant;

pub struct Screen {
    terminal: bool,
    /// When a line of counters was last written.
    last: Option<Instant>,
}

impl Screen {
    pub fn new() -> Self {
        Self { terminal: std::io::stdout().is_terminal(), last: None }
    }

    /// The counters as they are by now.
    pub fn counters(&mut self, line: &str) {
        let pause = Duration::from_millis(if self.terminal { 50 } else { 500 });
        if self.last.is_some_and(|last| last.elapsed() < pause) {
            return;
        }
        self.last = Some(Instant::now());
        let mut out = std::io::stdout().lock();
        let written = if self.terminal { write!(out, "\r{line}\x1b[K") } else { writeln!(out, "{line}") };
        // Nobody has to look.
        drop(written.and_then(|()| out.flush()));
    }

    /// Something that stays.
    pub fn event(&mut self, line: &str) {
        let before = if self.terminal && self.last.is_some() { "\n" } else { "" };
        println!("{before}{line}");
        self.last = None;
    }
}
