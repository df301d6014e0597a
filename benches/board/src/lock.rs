//! Which versions are measured: the lock files say it.

use std::collections::BTreeMap;
use std::path::Path;

/// By crate; the newest, where there are several.
pub struct Versions(BTreeMap<String, String>);

impl Versions {
    pub fn read(benches: &Path) -> Result<Self, String> {
        let mut all = BTreeMap::new();
        for file in ["oxcache/Cargo.lock", "Cargo.lock"] {
            let path = benches.join(file);
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let mut name = "";
            for line in text.lines() {
                match line.split_once(" = ") {
                    Some(("name", value)) => name = value.trim_matches('"'),
                    Some(("version", value)) if !name.is_empty() => {
                        all.insert(name.to_owned(), value.trim_matches('"').to_owned());
                        name = "";
                    }
                    _ => {}
                }
            }
        }
        Ok(Self(all))
    }

    pub fn of(&self, name: &str) -> &str {
        self.0.get(name).map_or("?", String::as_str)
    }
}
