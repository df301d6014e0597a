//! Every peer but oxcache, and what they are measured against.

mod amalgam_cache;
mod by_hand;
mod cached_crate;
mod hitbox_fn_crate;
mod moka_by_hand;
mod ours;
mod quick;
mod raw;
mod tracked;

// The example that is measured against knows its value by this name.
use peer::value as users;

use std::process::ExitCode;

use peer::{Meter, Words, serve};

/// What a process runs, by the name that it is started with.
pub fn run(meter: Option<Meter>) -> ExitCode {
    let all: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, words)) = all.split_first() else { return usage() };
    let Some(words) = Words::parse(words, meter) else { return usage() };
    let served = match name.as_str() {
        "ours-local" => serve::<ours::Local>(&words),
        "ours-memory" => serve::<ours::Memory>(&words),
        "ours" => serve::<ours::Redis>(&words),
        "ours-two-tier" => serve::<ours::TwoTier>(&words),
        "cached-memory" => serve::<cached_crate::Memory>(&words),
        "cached-sharded" => serve::<cached_crate::Sharded>(&words),
        "cached" => serve::<cached_crate::Redis>(&words),
        "moka-memory" => serve::<moka_by_hand::Memory>(&words),
        "moka" => serve::<moka_by_hand::TwoTier>(&words),
        "hitbox-memory" => serve::<hitbox_fn_crate::Memory>(&words),
        "hitbox" => serve::<hitbox_fn_crate::Redis>(&words),
        "amalgam-memory" => serve::<amalgam_cache::Memory>(&words),
        "amalgam-remote" => serve::<amalgam_cache::Remote>(&words),
        "amalgam" => serve::<amalgam_cache::TwoTier>(&words),
        "by-hand" => serve::<by_hand::Naive>(&words),
        "quick-cache" => serve::<quick::ByHand>(&words),
        "quick-cache-get" => serve::<quick::Get>(&words),
        "redis" => serve::<raw::Client>(&words),
        "tracked" => serve::<tracked::Tracked>(&words),
        "socket" => serve::<raw::Socket>(&words),
        _ => return usage(),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: peers NAME REDIS ROWS WORKERS long|short (the scoreboard starts this)");
    ExitCode::FAILURE
}
