//! What is stored, against `cached.lock`. Entries outlive a deploy: whoever changes what stands under a key says so by a
//! new version, or by a new lock.

use super::{Finding, Findings, Lint};
use crate::inventory::Inventory;
use crate::lock::{self, Entry, Lock};

const LOCK: &str = "run `cargo cached lock` and commit cached.lock";

pub fn drift(inventory: &Inventory, lock: &Lock, findings: &mut Findings) {
    let now = Lock::of(inventory);
    for entry in &now.function {
        let function = inventory
            .functions
            .iter()
            .find(|function| function.program.is_none() && lock::name(function) == entry.name);
        let Some(function) = function else { continue };
        let Some((message, instead)) = changed(entry, lock) else { continue };
        findings.add(Lint::Drift, function, function.place.line, message, instead);
    }
    for gone in lock.function.iter().filter(|old| !now.function.iter().any(|entry| entry.name == old.name)) {
        if findings.settings.allow.contains(&Lint::Drift) {
            continue;
        }
        findings.found.push(Finding {
            lint: Lint::Drift,
            file: lock::NAME.to_owned(),
            line: 0,
            message: format!("`{}` is in cached.lock and not in the workspace", gone.name),
            instead: format!("{LOCK}; entries under `{}` stay until their ttl is over", gone.key.join("`, `")),
        });
    }
}

fn changed(entry: &Entry, lock: &Lock) -> Option<(String, String)> {
    let name = &entry.name;
    let same_name = || lock.function.iter().filter(|old| old.name == *name);
    if same_name().any(|old| old == entry) {
        return None;
    }
    let Some(old) = same_name().next() else {
        return Some((format!("`{name}` is not in cached.lock"), LOCK.to_owned()));
    };
    if entry.version < old.version {
        return Some((
            format!(
                "the version of `{name}` went back from {} to {}: what it stores never replaces what is there",
                old.version, entry.version
            ),
            format!("write `version = {}`", old.version + 1),
        ));
    }
    let another_key = entry.key != old.key;
    if entry.version > old.version || another_key {
        let what = if another_key { "key" } else { "version" };
        return Some((
            format!("the {what} of `{name}` is `{}` in cached.lock and `{}` here", show(what, old), show(what, entry)),
            if another_key {
                format!("{LOCK}; write the new key where it is invalidated too")
            } else {
                LOCK.to_owned()
            },
        ));
    }
    let version = format!("write `version = {}`", entry.version + 1);
    if entry.value != old.value {
        return Some((
            format!(
                "`{name}` stores `{}` and stored `{}`, under the same version",
                show("value", entry),
                show("value", old)
            ),
            format!("{version}, then {LOCK}"),
        ));
    }
    if entry.schema != old.schema {
        return Some((
            format!(
                "what `{name}` stores has changed, under the same version: {}",
                difference(&old.schema, &entry.schema)
            ),
            format!(
                "{version}; or, where each build reads what the other writes (`#[serde(default)]`), leave it. Then {LOCK}"
            ),
        ));
    }
    Some((format!("the tags of `{name}` are not those of cached.lock"), LOCK.to_owned()))
}

fn show(what: &str, entry: &Entry) -> String {
    match what {
        "key" => entry.key.join("`, `"),
        "version" => entry.version.to_string(),
        _ => entry.value.clone().unwrap_or_else(|| "what cannot be seen".to_owned()),
    }
}

/// The first definition that is another one.
fn difference(old: &[String], new: &[String]) -> String {
    let gone = old.iter().find(|text| !new.contains(text));
    let come = new.iter().find(|text| !old.contains(text));
    match (gone, come) {
        (Some(gone), Some(come)) => format!("`{gone}` is now `{come}`"),
        (Some(gone), None) => format!("`{gone}` is gone"),
        (None, Some(come)) => format!("`{come}` is new"),
        (None, None) => "the order of its parts".to_owned(),
    }
}
