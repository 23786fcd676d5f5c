//! The system calls that write: positioned writes, fdatasync, preallocation, directory fsync.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use crate::error::Error;
#[cfg(test)]
use crate::fault_injection::{FaultKind, InjectedFaults};
use crate::files;
use crate::options::Options;

/// Writes records and makes them durable; this crate's own tests can make its calls fail.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    #[cfg(test)]
    faults: InjectedFaults,
}

#[cfg_attr(
    not(test),
    expect(
        clippy::unused_self,
        reason = "a disk has a state in tests only: the failures to inject"
    )
)]
impl Disk {
    #[cfg_attr(
        not(test),
        expect(unused_variables, reason = "options hold failures in tests only")
    )]
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            #[cfg(test)]
            faults: options.injected_faults.clone(),
        }
    }

    /// Writes all of `bytes` at `at`, or fails having written any part of it.
    pub(crate) fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        #[cfg(test)]
        if let Some(error) = self.faults.take(FaultKind::Write) {
            file.write_all_at(bytes.get(..bytes.len() / 2).unwrap_or_default(), at)?;
            return Err(error);
        }
        file.write_all_at(bytes, at)
    }

    /// Makes the file's data durable. After a failure a second call proves nothing about the same bytes.
    pub(crate) fn fdatasync(&self, file: &File) -> io::Result<()> {
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
