//! The database of every peer: rows with a version, in a file that all processes share; and what became of the loads.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::value::{Failure, User};

/// What a load does once it has taken its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mood {
    #[default]
    Answers,
    Fails,
    Panics,
}

/// Rows whose loads are told apart.
const ROWS: usize = 1 << 16;

static LOADS: AtomicU64 = AtomicU64::new(0);
static RUNNING: AtomicU64 = AtomicU64::new(0);
static MOST: AtomicU64 = AtomicU64::new(0);
static ENDED: AtomicI64 = AtomicI64::new(0);
static TAKES: AtomicU64 = AtomicU64::new(0);
static MOOD: AtomicU8 = AtomicU8::new(0);
static OF_ROW: [AtomicU32; ROWS] = [const { AtomicU32::new(0) }; ROWS];
static FILE: OnceLock<File> = OnceLock::new();

/// What the annotated function of every peer runs.
pub async fn load(id: u64) -> Result<User, Failure> {
    let running = Running::begin(id);
    let version = version(id);
    let takes = TAKES.load(Ordering::Relaxed);
    if takes > 0 {
        tokio::time::sleep(Duration::from_millis(takes)).await;
    }
    drop(running);
    match MOOD.load(Ordering::Relaxed) {
        0 => Ok(User::numbered(id, version)),
        1 => Err(Failure("the database is closed".to_owned())),
        _ => panic!("the load panics, as it was told to"),
    }
}

/// A load that runs; one that is given up ends too.
struct Running;

impl Running {
    fn begin(id: u64) -> Self {
        LOADS.fetch_add(1, Ordering::SeqCst);
        row(id).fetch_add(1, Ordering::SeqCst);
        MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::SeqCst);
        ENDED.store(now(), Ordering::SeqCst);
    }
}

/// Microseconds since the epoch: the same in every process.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as i64
}

/// When the last load ended, if any has.
pub fn ended() -> i64 {
    ENDED.load(Ordering::SeqCst)
}

fn row(id: u64) -> &'static AtomicU32 {
    &OF_ROW[id as usize % ROWS]
}

/// How often this row was loaded by this process.
pub fn loads_of(id: u64) -> u32 {
    row(id).load(Ordering::SeqCst)
}

/// Loads since the last time, and how many ran at once.
pub fn take_loads() -> (u64, u64) {
    (LOADS.swap(0, Ordering::SeqCst), MOST.swap(0, Ordering::SeqCst))
}

pub fn set(takes: Duration, mood: Mood) {
    TAKES.store(takes.as_millis() as u64, Ordering::SeqCst);
    MOOD.store(mood as u8, Ordering::SeqCst);
}

/// Rows are in this file from now on; an empty one has version zero of each.
pub fn open(path: &Path) -> std::io::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let _ = FILE.set(file);
    Ok(())
}

fn read(at: u64) -> u32 {
    let mut bytes = [0; 4];
    match FILE.get() {
        Some(file) if file.read_exact_at(&mut bytes, at).is_ok() => u32::from_le_bytes(bytes),
        _ => 0,
    }
}

fn write(at: u64, version: u32) {
    if let Some(file) = FILE.get() {
        file.write_all_at(&version.to_le_bytes(), at).expect("a file that this run made");
    }
}

pub fn version(id: u64) -> u32 {
    read(id * 8)
}

/// An update, not yet invalidated.
pub fn update(id: u64, version: u32) {
    write(id * 8, version);
}

/// No read that begins from now on may give an older version than this.
pub fn invalidated(id: u64, version: u32) {
    write(id * 8 + 4, version);
}

/// What a read that begins now must have at least.
pub fn floor(id: u64) -> u32 {
    read(id * 8 + 4)
}
