//! The admin key: set in the configuration, or made at the first start and kept only as its hash.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use kenwell::connection::Secret;
use kenwell_journal::ErrorChain;
use tokio::sync::watch;

use super::digest::Digest;
use super::key_file::{FileVersion, KeyFile, KeyFileError, LockedKey};
use super::random;

/// The key that opens the private plane. There always is one.
#[derive(Debug)]
pub(crate) struct AdminKey {
    origin: KeyOrigin,
    /// Notified when another key is in force.
    replaced: watch::Sender<()>,
}

#[derive(Debug)]
enum KeyOrigin {
    /// `[private] admin_key`.
    Configured(Digest),
    /// Made by Kenwell. `kenwell admin-key reset` changes the file under a running server.
    File(KeyFile, Mutex<KeyFileState>),
}

/// What the file said when it was last read.
#[derive(Debug)]
struct KeyFileState {
    locked: LockedKey,
    /// A version that cannot be used.
    refused: Option<FileVersion>,
}

impl AdminKey {
    /// The configured key, or the one that was made earlier. Otherwise a new one is made and
    /// returned, to be shown this one time.
    pub(crate) fn open(
        data_dir: &Path,
        configured: Option<&Secret>,
    ) -> Result<(Self, Option<Secret>), KeyFileError> {
        if let Some(key) = configured {
            let origin = KeyOrigin::Configured(Digest::of(key.expose()));
            return Ok((Self::of(origin), None));
        }
        let file = KeyFile::new(data_dir);
        let mut made = None;
        let locked = loop {
            if let Some(locked) = file.open_locked()? {
                break locked;
            }
            let key = random::new_key()?;
            file.write(Digest::of(key.expose()))?;
            made = Some(key);
        };
        let state = KeyFileState {
            locked,
            refused: None,
        };
        let origin = KeyOrigin::File(file, Mutex::new(state));
        Ok((Self::of(origin), made))
    }

    fn of(origin: KeyOrigin) -> Self {
        let replaced = watch::Sender::new(());
        Self { origin, replaced }
    }

    /// Changes when another key comes into force.
    pub(super) fn replaced(&self) -> watch::Receiver<()> {
        self.replaced.subscribe()
    }

    /// The hash of the key as it is now, when `presented` is that key.
    pub(super) fn check(&self, presented: &str) -> Option<Digest> {
        let current = self.current();
        current.matches(&Digest::of(presented)).then_some(current)
    }

    /// Whether `presented` is the key.
    pub(crate) fn is(&self, presented: &str) -> bool {
        self.check(presented).is_some()
    }

    /// The hash of the key as it is now. One look at the file's metadata; it is read again only when
    /// it was replaced. A file that went away or was damaged leaves the key as it was.
    pub(super) fn current(&self) -> Digest {
        let (file, state) = match &self.origin {
            KeyOrigin::Configured(digest) => return *digest,
            KeyOrigin::File(file, state) => (file, state),
        };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let version = file.version();
        if version.is_none() || version == Some(state.locked.version) || version == state.refused {
            return state.locked.digest;
        }
        match file.open_locked() {
            Ok(Some(locked)) => {
                tracing::info!(
                    "the admin key was reset; sessions that were opened with the old one end"
                );
                state.locked = locked;
                self.replaced.send_replace(());
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "the new admin key cannot be read; the old one stays valid");
                state.refused = version;
            }
        }
        state.locked.digest
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::key_file::{ResetEffect, reset};
    use super::*;

    #[test]
    fn it_is_made_once_and_kept_as_a_hash_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().join("data");
        let (key, made) = AdminKey::open(&data_dir, None).unwrap();
        let made = made.unwrap();
        assert!(key.is(made.expose()));
        assert!(!key.is("") && !key.is(&made.expose()[1..]));
        let path = data_dir.join("admin-key");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("sha256:") && !text.contains(made.expose()));
        let permissions = std::fs::metadata(&path).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, 0o600);
        let (again, made_again) = AdminKey::open(&data_dir, None).unwrap();
        assert!(made_again.is_none() && again.is(made.expose()));
    }

    #[test]
    fn a_reset_reaches_a_running_server() {
        let directory = tempfile::tempdir().unwrap();
        let (key, made) = AdminKey::open(directory.path(), None).unwrap();
        let before = key.current();
        let (new, effect) = reset(directory.path()).unwrap();
        assert_eq!(
            effect,
            ResetEffect::AtNextStart,
            "no server has the journal open"
        );
        assert!(key.is(new.expose()) && !key.is(made.unwrap().expose()));
        assert!(!key.current().matches(&before));
        std::fs::remove_file(directory.path().join("admin-key")).unwrap();
        assert!(key.is(new.expose()), "a lost file locks nobody out");
    }

    #[test]
    fn a_configured_key_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let secret = Secret::new("chosen by a person");
        let (key, made) = AdminKey::open(directory.path(), Some(&secret)).unwrap();
        assert!(made.is_none() && key.is("chosen by a person"));
        assert!(!directory.path().join("admin-key").exists());
    }

    #[test]
    fn a_damaged_file_is_no_way_in() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("admin-key"), "letmein").unwrap();
        let error = AdminKey::open(directory.path(), None).unwrap_err();
        assert!(error.to_string().contains("admin-key reset"), "{error}");
    }
}
