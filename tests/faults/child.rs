//! A second process: this test binary, run again for the same test, which finds that it is the child.
#![allow(dead_code, reason = "every test binary uses its own part")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::sync::mpsc;

const ROLE: &str = "TEST_CHILD_ARGUMENTS";
/// Begins a line that is meant for the parent.
const SAYS: &str = "@child ";

/// What the parent passed, if this process is the child.
pub fn arguments() -> Option<Vec<String>> {
    std::env::var(ROLE).ok().map(|words| words.split('\n').map(str::to_owned).collect())
}

/// Tells the parent.
pub fn say(what: &str) {
    // In one piece: it may be killed at any point.
    let line = format!("{SAYS}{what}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("a pipe");
}

/// Waits for a word of the parent's, or for its end.
pub async fn listen() -> String {
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    line.await.expect("no panic").expect("a pipe").trim_end().to_owned()
}

/// The parent's side; killed when dropped.
pub struct Child {
    process: std::process::Child,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Child {
    /// Runs `test`, by its full name, in a process of its own.
    pub fn of(test: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this binary"))
            .args([test, "--exact", "--nocapture"])
            .env(ROLE, arguments.join("\n"))
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this binary runs");
        let output = BufReader::new(process.stderr.take().expect("piped"));
        let (said, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                match line.strip_prefix(SAYS) {
                    Some(line) => drop(said.send(line.to_owned())),
                    // A panic, most likely: it belongs to this test's output.
                    None => eprintln!("{line}"),
                }
            }
        });
        Self { process, lines }
    }

    /// The next thing it says.
    pub async fn says(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(20), self.lines.recv()).await;
        line.expect("the child said nothing for 20 s").expect("the child ended without a word")
    }

    /// Everything else it says until it ends, which it must do well.
    pub async fn end(mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(line) = self.lines.recv().await {
            said.push(line);
        }
        assert!(self.process.wait().expect("an end").success(), "the child failed after {said:?}");
        said
    }

    /// Everything else it has said, of one that was killed.
    pub async fn rest(mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(line) = self.lines.recv().await {
            said.push(line);
        }
        said
    }

    pub fn tell(&mut self, word: &str) {
        writeln!(self.process.stdin.as_mut().expect("piped"), "{word}").expect("a child that listens");
    }

    /// `-STOP`, `-CONT`, `-KILL`.
    pub fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
