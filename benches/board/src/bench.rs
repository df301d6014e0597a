//! Where things are, and how much of them there is time for.

use std::path::{Path, PathBuf};

use crate::lock::Versions;

pub struct Bench {
    pub quick: bool,
    /// Of the repository.
    pub root: PathBuf,
    /// What is made and may be thrown away.
    pub scratch: PathBuf,
    /// Where the peers' programs are: beside this one.
    programs: PathBuf,
    pub versions: Versions,
}

impl Bench {
    pub fn new(quick: bool) -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().map_err(|error| format!("the repository is gone: {error}"))?;
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let programs = program.parent().ok_or("this program is nowhere")?.to_path_buf();
        let scratch = programs.parent().unwrap_or(&programs).join("scoreboard");
        std::fs::create_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
        // Those of earlier runs.
        for entry in std::fs::read_dir(&scratch).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "rows") {
                std::fs::remove_file(entry.path()).ok();
            }
        }
        let versions = Versions::read(&root.join("benches"))?;
        Ok(Self { quick, root, scratch, programs, versions })
    }

    /// The first, or with `--quick` the second.
    pub fn of<T>(&self, usual: T, quick: T) -> T {
        if self.quick { quick } else { usual }
    }

    pub fn program(&self, name: &str) -> Result<PathBuf, String> {
        let program = self.programs.join(name);
        match program.exists() {
            true => Ok(program),
            false => Err(format!("`{name}` is not built: `scripts/scoreboard` builds it")),
        }
    }

    /// An empty file for the rows of one run.
    pub fn rows(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.scratch.join(format!("{name}-{}.rows", std::process::id()));
        std::fs::write(&path, []).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}
