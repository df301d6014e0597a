//! What is measured: one file each.

mod cold_miss;
mod compile;
mod hot_key;
mod local_hit;
mod memory;
mod outage;
mod races;
mod remote_hit;
mod shapes;
mod stampede;

use crate::bench::Bench;
use crate::table::Findings;

pub struct Section {
    /// What it is asked for by.
    pub name: &'static str,
    pub title: &'static str,
    /// What a reader must know before the tables.
    pub about: &'static str,
    pub run: fn(&Bench) -> Result<Findings, String>,
}

pub const SECTIONS: &[Section] = &[
    local_hit::SECTION,
    remote_hit::SECTION,
    cold_miss::SECTION,
    stampede::SECTION,
    hot_key::SECTION,
    races::SECTION,
    outage::SECTION,
    shapes::SECTION,
    compile::SECTION,
    memory::SECTION,
];

/// Builds what sections compile against, so that none measures it.
pub fn prepare(bench: &Bench) -> Result<(), String> {
    shapes::prepare(bench)?;
    compile::prepare(bench)
}

/// When processes begin together: late enough for each to have its tasks ready.
fn soon() -> i64 {
    peer::origin::now() + 50_000
}
