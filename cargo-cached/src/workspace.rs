//! The files of a workspace: cargo says which targets there are, `mod` lines lead from each to the rest.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use cargo_metadata::{Metadata, MetadataCommand, Package, Target, TargetKind};

use crate::function::Raw;
use crate::scan::{self, Site, Submodule, Unread};
use crate::types::Types;

/// What the scan of a workspace found.
pub struct Workspace {
    pub root: PathBuf,
    pub functions: Vec<Raw>,
    pub types: Types,
    /// Files that are no Rust, or not there: where, and why.
    pub unread: Vec<Unread>,
}

impl Workspace {
    /// Scans libraries, binaries and examples of every member, and with `all` also tests, benches and `#[cfg(test)]`.
    ///
    /// # Errors
    ///
    /// Cargo's, where there is no workspace.
    pub fn scan(manifest: Option<&Path>, all: bool) -> Result<Self, String> {
        let mut command = MetadataCommand::new();
        command.no_deps();
        if let Some(manifest) = manifest {
            command.manifest_path(manifest);
        }
        let metadata = command.exec().map_err(|error| match error {
            cargo_metadata::Error::CargoMetadata { stderr } => stderr.trim().to_owned(),
            error => error.to_string(),
        })?;
        let root = metadata.workspace_root.clone().into_std_path_buf();
        let mut reader = Reader {
            workspace: Self { root, functions: Vec::new(), types: Types::default(), unread: Vec::new() },
            all,
            runtimes: Vec::new(),
            read: HashSet::new(),
        };
        for package in members(&metadata) {
            reader.package(package);
        }
        Ok(reader.workspace)
    }
}

fn members(metadata: &Metadata) -> impl Iterator<Item = &Package> {
    metadata.packages.iter().filter(|package| metadata.workspace_members.contains(&package.id))
}

struct Reader {
    workspace: Workspace,
    all: bool,
    /// What the package that is read calls our crates.
    runtimes: Vec<String>,
    /// A file that several targets share is read once for each program.
    read: HashSet<(Option<Rc<str>>, PathBuf)>,
}

impl Reader {
    fn package(&mut self, package: &Package) {
        self.runtimes = ["cached_runtime", "cached_macros"].map(ToOwned::to_owned).to_vec();
        let ours = package.dependencies.iter().filter(|dependency| dependency.name == "cached-runtime");
        self.runtimes
            .extend(ours.filter_map(|dependency| dependency.rename.as_ref()).map(|name| name.replace('-', "_")));
        let name: Rc<str> = package.name.as_str().into();
        for target in &package.targets {
            let Some(program) = self.program(target) else { continue };
            let root = target.src_path.clone().into_std_path_buf();
            let site = Site {
                package: Rc::clone(&name),
                program,
                file: self.shown(&root),
                module: vec![target.name.replace('-', "_")],
            };
            let directory = root.parent().map(Path::to_path_buf).unwrap_or_default();
            self.file(&root, &directory, site);
        }
    }

    /// Outer `None`: not looked at.
    fn program(&self, target: &Target) -> Option<Option<Rc<str>>> {
        let of = |kind: &str| Some(Some(Rc::from(format!("{kind} {}", target.name))));
        let is = |kind: TargetKind| target.kind.contains(&kind);
        if is(TargetKind::Example) {
            of("example")
        } else if is(TargetKind::Test) {
            self.all.then(|| of("test")).flatten()
        } else if is(TargetKind::Bench) {
            self.all.then(|| of("bench")).flatten()
        } else if is(TargetKind::CustomBuild) || is(TargetKind::ProcMacro) {
            None
        } else {
            Some(None)
        }
    }

    /// `directory` is where its submodules are.
    fn file(&mut self, path: &Path, directory: &Path, site: Site) {
        if !self.read.insert((site.program.clone(), path.to_path_buf())) {
            return;
        }
        let source = match std::fs::read_to_string(path) {
            Ok(source) => source,
            Err(error) => {
                let unread = Unread { file: site.file.to_string(), line: 0, why: error.to_string() };
                return self.workspace.unread.push(unread);
            }
        };
        match scan::file(&source, &site, &self.runtimes, self.all, &mut self.workspace.types) {
            Ok(found) => {
                self.workspace.functions.extend(found.functions);
                for module in found.modules {
                    self.module(path, directory, &site, &module);
                }
            }
            Err(unread) => self.workspace.unread.push(unread),
        }
    }

    fn module(&mut self, file: &Path, directory: &Path, site: &Site, module: &Submodule) {
        let mut within = directory.to_path_buf();
        within.extend(&module.within);
        let beside = if module.within.is_empty() { file.parent().unwrap_or(directory) } else { &within };
        let (path, directory) = match &module.path {
            Some(path) => {
                let path = beside.join(path);
                let directory = path.parent().map(Path::to_path_buf).unwrap_or_default();
                (path, directory)
            }
            None => {
                let directory = within.join(&module.name);
                let flat = within.join(format!("{}.rs", module.name));
                (if flat.exists() { flat } else { directory.join("mod.rs") }, directory)
            }
        };
        // One that is not there may be for another platform: the compiler knows.
        if !path.exists() {
            return;
        }
        let mut site = Site { file: self.shown(&path), program: module.program.clone(), ..site.clone() };
        site.module.extend(module.within.iter().chain([&module.name]).cloned());
        self.file(&path, &directory, site);
    }

    fn shown(&self, path: &Path) -> Rc<str> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let root = self.workspace.root.canonicalize().unwrap_or_else(|_| self.workspace.root.clone());
        path.strip_prefix(root).unwrap_or(&path).display().to_string().into()
    }
}
