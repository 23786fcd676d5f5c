//! Writing the file: all of it or nothing, the version before kept, and only if nobody else wrote it.

use std::{
    fs::{self, Metadata, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use kenwell_journal::files;
use rustix::fs::{Access, access};

use super::{
    config_file::{self, FileText},
    error::EditError,
};

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
    access(directory, Access::WRITE_OK | Access::EXEC_OK)
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
        source => EditError::Io {
            action: "written",
            path: path.to_path_buf(),
            source,
        },
    };
    let real = fs::canonicalize(path).map_err(failed)?;
    let like = real.metadata().map_err(failed)?;
    let (kept, new) = (beside(&real, "previous"), beside(&real, "new"));
    write(&new, before.text.as_bytes(), &like).map_err(failed)?;
    fs::rename(&new, &kept).map_err(failed)?;
    write(&new, text.as_bytes(), &like).map_err(failed)?;
    // As late as can be: somebody may have saved it in an editor just now.
    let now = config_file::read(&real).map_err(failed)?;
    let replaced = if now.revision == before.revision {
        fs::rename(&new, &real).map_err(failed)
    } else {
        Err(EditError::ChangedMeanwhile {
            path: path.to_path_buf(),
        })
    };
    if let Err(error) = replaced {
        // What matters is that the file was not changed.
        drop(fs::remove_file(&new));
        return Err(error);
    }
    let directory = real.parent().unwrap_or(Path::new("."));
    files::sync_directory(directory).map_err(failed)
}

/// `kenwell.toml.previous` for `kenwell.toml`.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    name.into()
}

/// A file with the rights of another, durable.
fn write(path: &Path, bytes: &[u8], like: &Metadata) -> io::Result<()> {
    // Never follow what may lie there: it is a leftover at best.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    let made = file.metadata()?;
    if (made.uid(), made.gid()) != (like.uid(), like.gid()) {
        fchown(&file, Some(like.uid()), Some(like.gid()))?;
    }
    file.set_permissions(like.permissions())?;
    file.sync_all()
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
        let before = config_file::read(&link).unwrap();
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
        let before = config_file::read(&path).unwrap();
        fs::write(&path, "theirs").unwrap();
        let error = replace(&path, &before, "new").unwrap_err();
        assert!(matches!(error, EditError::ChangedMeanwhile { .. }));
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        assert!(!names(directory.path()).contains(&"kenwell.toml.new".to_owned()));
    }

    #[test]
    fn a_file_that_nobody_may_write_is_read_only_even_for_the_superuser() {
        let (_directory, path) = file(0o444);
        let before = config_file::read(&path).unwrap();
        let error = replace(&path, &before, "new").unwrap_err().to_string();
        assert!(error.contains("may not be written"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }
}
