//! `cargo cached list`: the inventory, for people and for programs.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use anstream::println;
use serde::Serialize;

use crate::duration;
use crate::function::{Does, Function, Key};
use crate::inventory::Inventory;
use crate::options::Ttl;
use crate::paint::{DIM, HEAD, KEY, WARNING};
use crate::scan::Unread;

#[derive(Serialize)]
struct Listed<'i> {
    functions: Vec<Row<'i>>,
    /// Files that could not be read, and why.
    unread: &'i [Unread],
}

#[derive(Serialize)]
struct Row<'i> {
    name: &'i str,
    kind: String,
    package: &'i str,
    /// `example quickstart`; none for libraries and binaries.
    program: Option<&'i str>,
    keys: Vec<&'i str>,
    tags: Vec<&'i str>,
    ttl: Option<String>,
    ttl_ms: Option<u64>,
    version: u32,
    value: Option<&'i str>,
    options: &'i [String],
    readers: Vec<String>,
    invalidators: Vec<String>,
    file: &'i str,
    line: usize,
}

pub fn json(inventory: &Inventory) -> Result<String, String> {
    let functions = shown(inventory).map(|function| row(function, inventory)).collect();
    let listed = Listed { functions, unread: &inventory.unread };
    serde_json::to_string_pretty(&listed).map_err(|error| error.to_string())
}

/// What has an attribute; calls by hand stand with those whose keys they are about. A file that several programs share is
/// shown once.
fn shown(inventory: &Inventory) -> impl Iterator<Item = &Function> {
    let mut seen = HashSet::new();
    let functions = inventory.functions.iter().filter(|function| function.does.is_attribute());
    functions.filter(move |function| seen.insert((&function.place, function.does as u8)))
}

fn row<'i>(function: &'i Function, inventory: &'i Inventory) -> Row<'i> {
    let named = |other: &Function| format!("{} ({})", other.name, other.place);
    Row {
        name: &function.name,
        kind: function.does.to_string(),
        package: &function.package,
        program: function.program.as_deref(),
        keys: written(&function.keys),
        tags: written(&function.tags),
        ttl: function.ttl.map(ttl),
        ttl_ms: match function.ttl {
            Some(Ttl::Millis(millis)) => Some(millis),
            _ => None,
        },
        version: function.version,
        value: function.value.as_deref(),
        options: &function.options,
        readers: inventory.readers(function).map(named).collect(),
        invalidators: inventory.renewers(function).map(named).collect(),
        file: &function.place.file,
        line: function.place.line,
    }
}

fn written(keys: &[Key]) -> Vec<&str> {
    keys.iter().map(|key| key.written.as_str()).collect()
}

fn ttl(ttl: Ttl) -> String {
    match ttl {
        Ttl::Millis(millis) => duration::show(Duration::from_millis(millis)),
        Ttl::Never => "never".to_owned(),
        Ttl::PerValue => "per value".to_owned(),
    }
}

const HEADS: [&str; 5] = ["FUNCTION", "KEY", "TTL", "VALUE", "PLACE"];

pub fn table(inventory: &Inventory) {
    let rows: Vec<([String; 5], Vec<String>)> = shown(inventory).map(|function| line(function, inventory)).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|(cells, _)| cells[column].chars().count());
        cells.chain([HEADS[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
    if !rows.is_empty() {
        let heads: Vec<String> = HEADS.iter().zip(&widths).map(|(head, width)| format!("{head:width$}")).collect();
        println!("{HEAD}{}{HEAD:#}", heads.join("  ").trim_end());
    }
    for (cells, about) in &rows {
        let mut text = String::new();
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let style = if column == 1 { KEY } else { anstyle::Style::new() };
            text += &format!("{style}{cell:width$}{style:#}  ");
        }
        println!("{}", text.trim_end());
        about.iter().for_each(|about| println!("{DIM}    {about}{DIM:#}"));
    }
    let functions = rows.len();
    let files: BTreeSet<_> = shown(inventory).map(|function| &function.place.file).collect();
    println!("{DIM}{functions} annotated functions in {} files{DIM:#}", files.len());
    for Unread { file, line, why } in &inventory.unread {
        anstream::eprintln!("{WARNING}warning{WARNING:#}: {file}:{line} is not read: {why}");
    }
}

fn line(function: &Function, inventory: &Inventory) -> ([String; 5], Vec<String>) {
    let mut options = function.options.clone();
    if function.does != Does::Cached {
        options.insert(0, format!("#[{}]", function.does));
    }
    if function.version != 1 {
        options.push(format!("version = {}", function.version));
    }
    let key = match (function.keys.first(), function.tags.first()) {
        (Some(key), _) => key.written.clone(),
        (None, Some(tag)) => format!("tag {}", tag.written),
        (None, None) => String::new(),
    };
    let cells = [
        function.name.clone(),
        key,
        function.ttl.map_or_else(|| "-".to_owned(), ttl),
        function.value.clone().unwrap_or_else(|| "-".to_owned()),
        function.place.to_string(),
    ];
    let more = function.keys.iter().skip(1).map(|key| format!("and {}", key.written));
    let skipped = usize::from(function.keys.is_empty());
    let tags = function.tags.iter().skip(skipped).map(|tag| format!("tag {}", tag.written));
    let options = (!options.is_empty()).then(|| options.join(", "));
    let mut about: Vec<String> = options.into_iter().chain(more).chain(tags).collect();
    if function.does.reads() {
        let mut places: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        for other in inventory.renewers(function) {
            let what = if other.does.stores() { "written" } else { "invalidated" };
            places.entry((what, &other.name)).or_default().push(other.place.to_string());
        }
        let by = |((what, name), places): (_, Vec<String>)| format!("{what} by {name} ({})", places.join(", "));
        about.extend(places.into_iter().map(by));
    } else {
        let read = |other: &Function| format!("read by {} ({})", other.name, other.place);
        about.extend(inventory.readers(function).map(read));
    }
    (cells, about)
}
