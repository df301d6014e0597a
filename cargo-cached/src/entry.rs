//! `get`, `ttl` and `del`: one key of a real cache.

use std::time::Duration;

use anstream::println;
use cached_runtime::__inspect::{Found, Holding, Looked, look};
use cached_runtime::{Cache, Codec, Key, KeyWriter};
use serde::Serialize;

use crate::cli::{Server, Wanted};
use crate::duration::show;
use crate::paint::{DIM, KEY};

/// An entry may be as large as whoever stored it allowed.
const LARGEST: usize = 512 << 20;

/// Whether there is such an entry.
///
/// # Errors
///
/// A URL that is none; a server that does not answer.
pub async fn get(wanted: &Wanted, json: bool) -> Result<bool, String> {
    let looked = read(wanted).await?;
    if json {
        let text = serde_json::to_string_pretty(&Shown::of(&looked)).map_err(|error| error.to_string())?;
        println!("{text}");
    } else {
        println!("{KEY}{}{KEY:#}", looked.name);
        told(&looked).iter().for_each(|line| println!("  {line}"));
        if let Holding::Entry(found) = &looked.held {
            println!("{}", decoded(found));
        } else {
            hint(wanted, &looked);
        }
    }
    Ok(is_there(&looked))
}

/// # Errors
///
/// As [`get`].
pub async fn ttl(wanted: &Wanted) -> Result<bool, String> {
    let looked = read(wanted).await?;
    match (&looked.held, looked.left) {
        (Holding::Nothing, _) => {
            println!("nothing");
            hint(wanted, &looked);
        }
        (_, None) => println!("never"),
        (_, Some(left)) => println!("{}", show(left)),
    }
    Ok(is_there(&looked))
}

/// # Errors
///
/// As [`get`].
pub async fn del(wanted: &Wanted) -> Result<(), String> {
    let cache = cache(&wanted.server)?;
    cache.invalidate(&key(&wanted.key)).await.map_err(|error| failed(&error))?;
    println!("invalidated {KEY}{}{KEY:#}: no call that starts now gets the old value", wanted.key);
    Ok(())
}

async fn read(wanted: &Wanted) -> Result<Looked, String> {
    let cache = cache(&wanted.server)?;
    look(&cache, &key(&wanted.key)).await.map_err(|error| failed(&error))
}

fn cache(server: &Server) -> Result<Cache, String> {
    let url = server.url.as_deref().ok_or("which Redis? Write `--url redis://host:6379/`, or set REDIS_URL")?;
    let builder = Cache::builder().redis(url).prefix(&server.prefix).timeout(server.timeout).max_value(LARGEST);
    builder.build().map_err(|error| error.to_string())
}

/// As the template renders it. One over 200 bytes is shortened as the cache does it.
fn key(text: &str) -> Key {
    KeyWriter::new(text).finish()
}

fn failed(error: &cached_runtime::Error) -> String {
    match error {
        cached_runtime::Error::Unavailable => {
            "Redis did not answer: is it there, and are its password and `--timeout` right?".to_owned()
        }
        error => error.to_string(),
    }
}

fn is_there(looked: &Looked) -> bool {
    !matches!(looked.held, Holding::Nothing)
}

/// The usual slip: the key as `redis-cli` shows it, with the prefix.
fn hint(wanted: &Wanted, looked: &Looked) {
    let prefix = format!("{}:", wanted.server.prefix);
    if let (false, Some(without)) = (is_there(looked), wanted.key.strip_prefix(&prefix)) {
        println!("{DIM}  the prefix is added: write `{without}`{DIM:#}");
    }
}

fn told(looked: &Looked) -> Vec<String> {
    let left = looked.left.map_or_else(|| "never dropped".to_owned(), |left| format!("dropped in {}", show(left)));
    match &looked.held {
        Holding::Nothing => vec!["nothing: the next call loads".to_owned()],
        Holding::Lease => vec![format!("lease: somebody is loading; {left}")],
        Holding::Writer => vec![format!("marker: a write is under way and hides the value; {left}")],
        Holding::Ended(true) => vec![format!("marker: a load ended with `None`, for those that waited for it; {left}")],
        Holding::Ended(false) => vec![format!("marker: a load ended and stored nothing; {left}")],
        Holding::Entry(found) => of_entry(found, &left, looked.bytes.unwrap_or(0)),
        _ => vec![format!("no entry of this cache: the next call replaces it; {left}")],
    }
}

fn of_entry(found: &Found, left: &str, bytes: usize) -> Vec<String> {
    let ttl = found.ttl.map_or_else(|| "ttl never".to_owned(), |ttl| format!("ttl {}", show(ttl)));
    let stale = if found.stale.is_zero() { String::new() } else { format!(", then stale for {}", show(found.stale)) };
    let due = match found.ttl {
        Some(ttl) if found.age >= ttl => ", stale by now",
        _ => "",
    };
    let packed = if found.packed { ", compressed" } else { "" };
    let mut told = vec![
        format!("{} of version {}, {} and {bytes} bytes{packed}", found.kind, found.version, codec(found.codec)),
        format!("stored {} ({} ago) after a load of {}", date(found.created), show(found.age), show(found.load)),
        format!("{ttl}{stale}{due}; {left}"),
    ];
    if found.schema != 0 {
        told.push(format!("schema {:016x}", found.schema));
    }
    for (tag, gone) in &found.tags {
        told.push(format!("tag {tag}{}", if *gone { ", invalidated since" } else { "" }));
    }
    if found.cleared {
        told.push("stored before the cache was cleared".to_owned());
    }
    if found.invalidated() {
        told.push("so the next call loads, and replaces it".to_owned());
    }
    told
}

fn codec(codec: Codec) -> &'static str {
    match codec {
        Codec::Json => "JSON",
        Codec::MessagePack => "MessagePack",
        Codec::Postcard => "postcard",
        _ => "a codec that this build does not know",
    }
}

/// For people: JSON, or what cannot be read without the type.
fn decoded(found: &Found) -> String {
    if found.kind == "none" {
        return "None".to_owned();
    }
    match value(found) {
        Some(value) => serde_json::to_string_pretty(&value).unwrap_or_default(),
        None => format!("{} (only its type can read it)", hex(&found.payload)),
    }
}

fn value(found: &Found) -> Option<serde_json::Value> {
    match found.codec {
        Codec::Json => serde_json::from_slice(&found.payload).ok(),
        Codec::MessagePack => {
            let mut json = Vec::new();
            let mut from = rmp_serde::Deserializer::new(&found.payload[..]);
            serde_transcode::transcode(&mut from, &mut serde_json::Serializer::new(&mut json)).ok()?;
            serde_json::from_slice(&json).ok()
        }
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Serialize)]
struct Shown<'l> {
    key: &'l str,
    /// `nothing`, `lease`, `writer`, `ended`, `foreign`, `value`, `none`, `error`.
    kind: &'static str,
    bytes: Option<usize>,
    left_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    entry: Option<Entry<'l>>,
}

#[derive(Serialize)]
struct Entry<'l> {
    created_ms: u64,
    ttl_ms: Option<u64>,
    stale_ms: u64,
    load_ms: u64,
    version: u32,
    schema: Option<String>,
    codec: &'static str,
    compressed: bool,
    tags: Vec<&'l str>,
    invalidated: bool,
    value: Option<serde_json::Value>,
    /// Of what only its type can read.
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

impl<'l> Shown<'l> {
    fn of(looked: &'l Looked) -> Self {
        let kind = match &looked.held {
            Holding::Nothing => "nothing",
            Holding::Lease => "lease",
            Holding::Writer => "writer",
            Holding::Ended(_) => "ended",
            Holding::Entry(found) => found.kind,
            _ => "foreign",
        };
        let entry = match &looked.held {
            Holding::Entry(found) => Some(Entry::of(found)),
            _ => None,
        };
        Self { key: &looked.name, kind, bytes: looked.bytes, left_ms: looked.left.map(millis), entry }
    }
}

impl<'l> Entry<'l> {
    fn of(found: &'l Found) -> Self {
        let value = value(found);
        Self {
            created_ms: found.created,
            ttl_ms: found.ttl.map(millis),
            stale_ms: millis(found.stale),
            load_ms: millis(found.load),
            version: found.version,
            schema: (found.schema != 0).then(|| format!("{:016x}", found.schema)),
            codec: match found.codec {
                Codec::Json => "json",
                Codec::MessagePack => "msgpack",
                Codec::Postcard => "postcard",
                _ => "unknown",
            },
            compressed: found.packed,
            tags: found.tags.iter().map(|(tag, _)| tag.as_str()).collect(),
            invalidated: found.invalidated(),
            hex: (value.is_none() && found.kind != "none").then(|| hex(&found.payload)),
            value,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `2026-11-24 01:02:03 UTC`, of milliseconds since 1970.
fn date(millis: u64) -> String {
    let (days, seconds) = (millis / 86_400_000, millis / 1_000 % 86_400);
    // Days since the first of March of the year 0, so that a leap day is the last of its year.
    let days = days + 719_468;
    let era = days / 146_097;
    let day = days % 146_097;
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month, year) = (day - (153 * month + 2) / 5 + 1, (month + 2) % 12 + 1, era * 400 + year + month / 10);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates() {
        for (millis, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400_000, "2000-02-29 00:00:00 UTC"),
            (1_795_484_096_000, "2026-11-24 01:34:56 UTC"),
            (1_798_761_599_999, "2026-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(super::date(millis), expected);
        }
    }
}
