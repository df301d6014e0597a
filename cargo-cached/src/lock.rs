//! `cached.lock`: what the functions of a workspace store, as it was when somebody last agreed to it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::function::{Does, Function};
use crate::inventory::Inventory;

pub const NAME: &str = "cached.lock";

const HEAD: &str =
    "# What annotated functions store. Written by `cargo cached lock`; `cargo cached check` says what changed.\n\n";

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lock {
    #[serde(default)]
    pub function: Vec<Entry>,
}

/// One function that stores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// With its package: `shop: shop::users::find`.
    pub name: String,
    pub key: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    pub version: u32,
    /// The definitions of what the value consists of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schema: Vec<String>,
}

impl Lock {
    /// Of what is there now: libraries and binaries, since nobody deploys an example.
    pub fn of(inventory: &Inventory) -> Self {
        let stores = |function: &&Function| function.does.is_attribute() && function.does != Does::Invalidate;
        let functions = inventory.functions.iter().filter(stores).filter(|function| function.program.is_none());
        let template = |key: &crate::function::Key| match &key.typed {
            Some(name) => typed(name, inventory).unwrap_or_else(|| key.written.clone()),
            None => key.written.clone(),
        };
        let mut entries: Vec<Entry> = functions
            .map(|function| Entry {
                name: name(function),
                key: function.keys.iter().map(template).collect(),
                tag: function.tags.iter().map(template).collect(),
                value: function.value.clone(),
                version: function.version,
                schema: function.value.as_ref().map(|value| inventory.types.schema(value)).unwrap_or_default(),
            })
            .collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Self { function: entries }
    }

    /// `None` where there is no file.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn read(root: &Path) -> Result<Option<Self>, String> {
        let path = root.join(NAME);
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map(Some).map_err(|error| {
                format!("{} cannot be read; write it anew with `cargo cached lock`: {error}", path.display())
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// # Errors
    ///
    /// Those of the file system.
    pub fn write(&self, root: &Path) -> Result<(), String> {
        let path = root.join(NAME);
        let text = toml::to_string(self).map_err(|error| error.to_string())?;
        std::fs::write(&path, format!("{HEAD}{text}")).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// The template of a typed key, with its name.
fn typed(name: &str, inventory: &Inventory) -> Option<String> {
    let key = inventory.functions.iter().find(|function| function.does == Does::TypedKey && function.name == name)?;
    Some(format!("{name} = {}", key.keys.first()?.written))
}

/// The name that a function has in the lock.
pub fn name(function: &Function) -> String {
    let module = function.name.split("::").next().unwrap_or_default();
    if module == function.package.replace('-', "_") {
        return function.name.clone();
    }
    format!("{}: {}", function.package, function.name)
}
