//! One `kenwell dev` a data directory.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, bail};
use fs4::{FileExt, TryLockError};
use kenwell_journal::files;

/// Takes the directory until the file is dropped; also after a kill it is free at once.
///
/// Without it, a second start would stop the first one's Redis, taking it for a leftover.
pub(super) fn take(data_dir: &Path) -> anyhow::Result<File> {
    let path = data_dir.join("dev.lock");
    let file =
        files::open_or_make(&path).with_context(|| format!("cannot open {}", path.display()))?;
    match FileExt::try_lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another kenwell dev is running in {}: stop it, or choose another --data-dir",
            data_dir.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::take;

    #[test]
    fn the_second_one_is_refused_until_the_first_one_ends() {
        let directory = tempfile::tempdir().unwrap();
        let first = take(directory.path()).unwrap();
        let error = take(directory.path()).unwrap_err().to_string();
        assert!(error.contains("another kenwell dev"), "{error}");
        drop(first);
        take(directory.path()).unwrap();
    }
}
