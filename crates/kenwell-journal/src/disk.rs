//! The system calls that write: positioned writes, fdatasync, preallocation, directory fsync.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use crate::error::Error;
use crate::files;

/// Writes records and makes them durable; in this crate's own tests, or fails to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    #[cfg(test)]
    pub(crate) faults: InjectedFaults,
}

#[cfg_attr(
    not(test),
    expect(
        clippy::unused_self,
        reason = "only tests have a disk with a state: ordered failures"
    )
)]
impl Disk {
    /// Writes all of `bytes` at `at`, or fails having written any part of it.
    pub(crate) fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        #[cfg(test)]
        if let Some(error) = self.faults.take(FaultKind::Write) {
            file.write_all_at(bytes.get(..bytes.len() / 2).unwrap_or_default(), at)?;
            return Err(error);
        }
        file.write_all_at(bytes, at)
    }

    /// Makes the file's data durable. After a failure nobody may trust a second call for the same bytes.
    pub(crate) fn sync(&self, file: &File) -> io::Result<()> {
        #[cfg(test)]
        if let Some(error) = self.faults.take(FaultKind::Sync) {
            return Err(error);
        }
        file.sync_data()
    }

    /// Reserves `bytes` of disk for the file. A file system that cannot reserve is left alone.
    pub(crate) fn reserve(&self, file: &File, bytes: u64) -> io::Result<()> {
        #[cfg(test)]
        if let Some(error) = self.faults.take(FaultKind::Reserve) {
            return Err(error);
        }
        let call = || rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes);
        match rustix::io::retry_on_intr(call) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
            other => other.map_err(io::Error::from),
        }
    }
}

/// Makes names created, renamed or removed in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), Error> {
    files::sync_directory(dir).map_err(Error::io("fsync", dir))
}

#[cfg(test)]
pub(crate) use faults::{FaultKind, InjectedFaults};

/// Failures to order, for this crate's tests.
#[cfg(test)]
mod faults {
    use std::io;
    use std::sync::{Arc, Mutex};

    /// What is to fail.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum FaultKind {
        Write,
        Sync,
        Reserve,
    }

    /// Failures still to happen, shared by the test and the journal.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct InjectedFaults(Arc<Mutex<Vec<(FaultKind, i32)>>>);

    impl InjectedFaults {
        /// Makes the next call of this kind fail with this error number.
        pub(crate) fn order(&self, fault: FaultKind, errno: i32) {
            self.0.lock().unwrap().push((fault, errno));
        }

        pub(super) fn take(&self, fault: FaultKind) -> Option<io::Error> {
            let mut orders = self.0.lock().unwrap();
            let at = orders.iter().position(|(ordered, _)| *ordered == fault)?;
            Some(io::Error::from_raw_os_error(orders.remove(at).1))
        }
    }
}
