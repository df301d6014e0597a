//! What it ran on, and what else ran there.

use std::process::Command;

/// The load averages, as the kernel has them.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// One line about the machine.
pub fn describe() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("? unknown");
    let model = model.trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {cores} cores; {}; {}", said("rustc", &["--version"]), said("redis-server", &["--version"]))
}

pub fn today() -> String {
    said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])
}

fn said(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output).trim().to_owned();
    // The build of a Redis is of no use to anybody.
    text.split(" sha=").next().unwrap_or_default().to_owned()
}

/// This thread, and what it starts, on its last core only, for as long as this lives.
pub struct OneCore(rustix::thread::CpuSet);

impl OneCore {
    pub fn pin() -> Result<Self, String> {
        let all = rustix::thread::sched_getaffinity(None).map_err(|error| error.to_string())?;
        let last = (0..rustix::thread::CpuSet::MAX_CPU).rev().find(|&cpu| all.is_set(cpu));
        let mut one = rustix::thread::CpuSet::new();
        one.set(last.ok_or("no core to run on")?);
        rustix::thread::sched_setaffinity(None, &one).map_err(|error| error.to_string())?;
        Ok(Self(all))
    }
}

impl Drop for OneCore {
    fn drop(&mut self) {
        let _ = rustix::thread::sched_setaffinity(None, &self.0);
    }
}
