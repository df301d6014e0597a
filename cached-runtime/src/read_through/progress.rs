//! How far a long call is: one line on a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::Warmed;

/// How often the line is written anew.
const PACE: Duration = Duration::from_millis(100);

/// In characters.
const BAR: u64 = 20;
const LONGEST_NAME: usize = 24;

pub(super) struct Progress {
    name: String,
    total: Option<u64>,
    began: Instant,
    shown: Option<Instant>,
    /// `None` where nobody would see it.
    out: Option<Box<dyn Write + Send>>,
}

impl Progress {
    /// `hint` is that of an iterator.
    pub(super) fn on_terminal(template: &str, hint: (usize, Option<usize>)) -> Self {
        let terminal = io::stderr().is_terminal();
        Self::on(terminal.then(|| Box::new(io::stderr()) as Box<_>), template, hint)
    }

    fn on(out: Option<Box<dyn Write + Send>>, template: &str, (least, most): (usize, Option<usize>)) -> Self {
        let total = most.filter(|most| *most == least && least > 0).map(|total| total as u64);
        let mut name: String = template.chars().take(LONGEST_NAME).collect();
        if name.len() < template.len() {
            name.push('…');
        }
        Self { name, total, began: Instant::now(), shown: None, out }
    }

    pub(super) fn show(&mut self, warmed: &Warmed) {
        if self.shown.is_none_or(|shown| shown.elapsed() >= PACE) {
            let line = self.line(warmed.total(), self.began.elapsed());
            self.write(&format!("\r{line}\x1b[K"));
            self.shown = Some(Instant::now());
        }
    }

    pub(super) fn end(mut self, warmed: &Warmed) {
        let Warmed { loaded, cached, absent, skipped } = warmed;
        let took = self.began.elapsed().as_secs_f64();
        let skipped = if *skipped > 0 { format!(", {skipped} skipped: no cache to keep them") } else { String::new() };
        let end = format!("warm {}: {loaded} loaded, {cached} there, {absent} absent{skipped}, {took:.1} s", self.name);
        self.write(&format!("\r{end}\x1b[K\n"));
        self.shown = None;
    }

    fn line(&self, done: u64, took: Duration) -> String {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let rate = done as f64 / took.as_secs_f64().max(0.001);
        let Some(total) = self.total else {
            return format!("warm {}  {done} keys, {rate:.0}/s", self.name);
        };
        let share = |whole: u64| done.min(total) * whole / total;
        let bar: String = (0..BAR).map(|at| if at < share(BAR) { '#' } else { '.' }).collect();
        format!("warm {}  [{bar}] {:>3} %  {done} of {total}, {rate:.0}/s", self.name, share(100))
    }

    /// Whoever cannot be shown it is not to notice.
    fn write(&mut self, text: &str) {
        if let Some(out) = &mut self.out {
            drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
        }
    }
}

impl Drop for Progress {
    /// Ended early: whatever is written next begins a line of its own.
    fn drop(&mut self) {
        if self.shown.is_some() {
            self.write("\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Screen {
        fn progress(&self, template: &str, hint: (usize, Option<usize>)) -> Progress {
            Progress::on(Some(Box::new(self.clone())), template, hint)
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn the_line_says_how_far_it_is_and_how_fast() {
        let progress = Screen::default().progress("user:<id>", (200, Some(200)));
        let line = progress.line(90, Duration::from_secs(2));
        assert_eq!(line, "warm user:<id>  [#########...........]  45 %  90 of 200, 45/s");
    }

    #[test]
    fn of_an_unknown_number_of_keys_it_says_how_many_are_done() {
        let progress = Screen::default().progress("organisation:<organisation>:<id>", (0, None));
        let line = progress.line(90, Duration::from_secs(2));
        assert_eq!(line, "warm organisation:<organisati…  90 keys, 45/s");
    }

    #[test]
    fn it_is_written_at_once_then_ten_times_a_second_and_once_at_the_end() {
        let screen = Screen::default();
        let mut progress = screen.progress("user:<id>", (200, Some(200)));
        let mut warmed = Warmed::default();
        for _ in 0..200 {
            warmed.loaded += 1;
            progress.show(&warmed);
        }
        let begun = progress.began.elapsed();
        progress.end(&warmed);
        let text = screen.text();
        let lines = text.matches('\r').count();
        assert!(text.starts_with("\rwarm user:<id>  [....................]   0 %  1 of 200, "), "{text}");
        assert!(
            text.contains("\rwarm user:<id>: 200 loaded, 0 there, 0 absent, ") && text.ends_with("\x1b[K\n"),
            "{text}"
        );
        assert!(lines as u128 <= 2 + begun.as_millis() / 100, "{lines} lines in {begun:?}");
    }

    #[test]
    fn what_is_given_up_leaves_the_line() {
        let screen = Screen::default();
        let mut progress = screen.progress("user:<id>", (2, Some(2)));
        progress.show(&Warmed { loaded: 1, ..Warmed::default() });
        drop(progress);
        assert!(screen.text().ends_with("\x1b[K\n"), "{}", screen.text());
    }
}
