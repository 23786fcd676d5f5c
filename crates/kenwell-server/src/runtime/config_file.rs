//! `kenwell.toml` on disk: read within bounds, known by its revision, and replaced at once, with the version before
//! kept, and only if nobody else wrote it meanwhile.

use std::{
    fs::{self, Metadata},
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
    sync::Arc,
};

use kenwell_journal::files::Replacement;
use rustix::fs::{Access, access};

use super::{configuration_state::Revision, error::EditError};
use crate::config::{self, Config, Environment, Loaded, Problems};

/// The configuration file and the environment on top of it.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    environment: Environment,
    pub(super) revision: Revision,
    pub(super) text: Arc<str>,
    loaded: Loaded,
}

/// The file at one moment.
pub(super) struct FileText {
    pub(super) text: String,
    pub(super) revision: Revision,
}

impl ConfigFile {
    /// Loads the file. What is doubtful about it is logged.
    ///
    /// # Errors
    /// All problems found.
    pub fn open(path: &Path, environment: Environment) -> Result<Self, Problems> {
        let FileText { text, revision } =
            read(path).map_err(|error| config::unreadable(path, &error))?;
        let loaded = Config::parse(path, &text, &environment)?;
        log_warnings(&loaded);
        Ok(Self {
            path: path.to_path_buf(),
            environment,
            revision,
            text: text.into(),
            loaded,
        })
    }

    /// What it said when it was loaded.
    pub fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// The file's text now.
pub(super) fn read(path: &Path) -> io::Result<FileText> {
    let text = config::read_file(path)?;
    let revision = Revision::of(text.as_bytes());
    Ok(FileText { text, revision })
}

/// Says what is doubtful about a configuration that is used.
pub(super) fn log_warnings(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!(place = %warning.place, key = warning.key, fix = warning.fix, "configuration: {}", warning.what);
    }
}

/// Why the file cannot be edited here, if it cannot.
pub(super) fn read_only(path: &Path) -> Option<String> {
    let real = fs::canonicalize(path).ok()?;
    let directory = real.parent()?;
    let mode = real.metadata().ok()?.permissions().mode();
    // The superuser may write what nobody is meant to write.
    if mode & 0o222 == 0 || access(&real, Access::WRITE_OK).is_err() {
        return Some(format!(
            "{} may not be written: give kenwell's user the right to, or edit it yourself",
            path.display()
        ));
    }
    // The new version is made beside the old one.
    access(directory, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)
        .err()
        .map(|_| {
            format!(
                "no file can be made in {}: give kenwell's user the right to, or edit the file yourself",
                directory.display()
            )
        })
}

/// Replaces the file's text, which was `before`. A symbolic link stays one.
pub(super) fn replace(path: &Path, before: &FileText, text: &str) -> Result<(), EditError> {
    if let Some(reason) = read_only(path) {
        return Err(EditError::ReadOnly { reason });
    }
    let failed = |source| match source {
        // A file that is a mount of its own, as containers have it, cannot be replaced.
        ref error if io::Error::kind(error) == io::ErrorKind::ResourceBusy => EditError::ReadOnly {
            reason: format!(
                "{} is mounted by itself and cannot be replaced: mount its directory instead",
                path.display()
            ),
        },
        source => EditError::io("written", path)(source),
    };
    let real = fs::canonicalize(path).map_err(failed)?;
    let like = real.metadata().map_err(failed)?;
    let mut previous = real.clone().into_os_string();
    previous.push(".previous");
    write_like(&like, Path::new(&previous), &before.text)
        .and_then(Replacement::finish)
        .map_err(failed)?;
    let new = write_like(&like, &real, text).map_err(failed)?;
    // As late as can be: somebody may have saved it in an editor just now.
    let now = read(&real).map_err(failed)?;
    if now.revision != before.revision {
        return Err(EditError::ChangedMeanwhile {
            path: path.to_path_buf(),
        });
    }
    new.finish().map_err(failed)
}

/// A new version of the file at `path`, durable, with the owner and rights of another file.
fn write_like(like: &Metadata, path: &Path, text: &str) -> io::Result<Replacement> {
    let mut new = Replacement::begin(path)?;
    let file = new.file();
    file.write_all(text.as_bytes())?;
    let made = file.metadata()?;
    if (made.uid(), made.gid()) != (like.uid(), like.gid()) {
        fchown(&*file, Some(like.uid()), Some(like.gid()))?;
    }
    file.set_permissions(like.permissions())?;
    file.sync_all()?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn file(mode: u32) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kenwell.toml");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (directory, path)
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_version_before_is_kept_and_so_are_rights_and_links() {
        let (directory, path) = file(0o640);
        let link = directory.path().join("link.toml");
        symlink("kenwell.toml", &link).unwrap();
        let before = read(&link).unwrap();
        replace(&link, &before, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let kept = directory.path().join("kenwell.toml.previous");
        assert_eq!(fs::read_to_string(&kept).unwrap(), "old");
        for path in [&path, &kept] {
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o640);
        }
        assert!(link.symlink_metadata().unwrap().is_symlink());
        let expected = ["kenwell.toml", "kenwell.toml.previous", "link.toml"];
        assert_eq!(names(directory.path()), expected);
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_is_not_overwritten() {
        let (directory, path) = file(0o600);
        let before = read(&path).unwrap();
        fs::write(&path, "theirs").unwrap();
        let error = replace(&path, &before, "new").unwrap_err();
        assert!(matches!(error, EditError::ChangedMeanwhile { .. }));
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        assert!(!names(directory.path()).contains(&"kenwell.toml.tmp".to_owned()));
    }

    #[test]
    fn a_file_that_nobody_may_write_is_read_only_even_for_the_superuser() {
        let (_directory, path) = file(0o444);
        let before = read(&path).unwrap();
        let error = replace(&path, &before, "new").unwrap_err().to_string();
        assert!(error.contains("may not be written"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }
}
