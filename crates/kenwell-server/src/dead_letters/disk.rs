//! The system calls that change files: writing, syncing, cutting, replacing.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Changes files and makes that durable; in this crate's own tests, or fails to.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    #[cfg(test)]
    pub(super) faults: Faults,
}

#[cfg_attr(
    not(test),
    expect(
        clippy::unused_self,
        reason = "only tests have a disk with a state: ordered failures"
    )
)]
impl Disk {
    /// Writes all of `bytes` at `at` and makes them durable, or fails having written any part of them.
    pub(super) fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        #[cfg(test)]
        if let Some(error) = self.faults.take(Fault::Write) {
            file.write_all_at(bytes.get(..bytes.len() / 2).unwrap_or_default(), at)?;
            return Err(error);
        }
        file.write_all_at(bytes, at)?;
        self.sync(file)
    }

    /// Makes what was written to a file durable.
    pub(super) fn sync(&self, file: &File) -> io::Result<()> {
        #[cfg(test)]
        if let Some(error) = self.faults.take(Fault::Sync) {
            return Err(error);
        }
        file.sync_all()
    }

    /// Makes names created, renamed or removed in a directory durable.
    pub(super) fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        #[cfg(test)]
        if let Some(error) = self.faults.take(Fault::SyncDirectory) {
            return Err(error);
        }
        kenwell_journal::files::sync_directory(directory)
    }

    /// Cuts a file.
    pub(super) fn cut(&self, file: &File, length: u64) -> io::Result<()> {
        #[cfg(test)]
        if let Some(error) = self.faults.take(Fault::Cut) {
            return Err(error);
        }
        file.set_len(length)
    }

    /// Puts a file in another's place.
    pub(super) fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        #[cfg(test)]
        if let Some(error) = self.faults.take(Fault::Replace) {
            return Err(error);
        }
        std::fs::rename(from, to)
    }
}

#[cfg(test)]
pub(super) use faults::{Fault, Faults};

/// Failures to order, for this crate's tests.
#[cfg(test)]
mod faults {
    use std::io;
    use std::sync::{Arc, Mutex};

    /// What is to fail.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Fault {
        Write,
        Sync,
        SyncDirectory,
        Cut,
        Replace,
    }

    /// Failures still to happen, shared by the test and the log.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Faults(Arc<Mutex<Vec<Fault>>>);

    impl Faults {
        /// Makes the next call of this kind fail.
        pub(crate) fn order(&self, fault: Fault) {
            self.0.lock().unwrap().push(fault);
        }

        pub(super) fn take(&self, fault: Fault) -> Option<io::Error> {
            let mut orders = self.0.lock().unwrap();
            let at = orders.iter().position(|ordered| *ordered == fault)?;
            orders.remove(at);
            Some(io::Error::from_raw_os_error(28)) // no space
        }
    }
}
