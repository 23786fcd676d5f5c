//! The system calls that write: positioned writes, fdatasync, preallocation, directory fsync.

use std::fs::File;
use std::io::{self, IoSlice};
#[cfg(test)]
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use crate::error::Error;
#[cfg(test)]
use crate::fault_injection::{FaultKind, InjectedFaults};
use crate::files;
use crate::options::Options;

/// Parts that one system call writes at most: the smallest limit of the systems we run on.
const MAX_PARTS: usize = 1024;

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

    /// Writes all of `parts` at `at`, one after the other, or fails having written any part of them.
    pub(crate) fn write_at(
        &self,
        file: &File,
        mut parts: &mut [IoSlice<'_>],
        mut at: u64,
    ) -> io::Result<()> {
        #[cfg(test)]
        if let Some(error) = self.faults.take(FaultKind::Write) {
            let bytes: Vec<u8> = parts.iter().flat_map(|part| part.to_vec()).collect();
            file.write_all_at(bytes.get(..bytes.len() / 2).unwrap_or_default(), at)?;
            return Err(error);
        }
        // Takes away what is empty: writing it would look like a full disk.
        IoSlice::advance_slices(&mut parts, 0);
        while !parts.is_empty() {
            let now = parts.get(..MAX_PARTS).unwrap_or(parts);
            let written = rustix::io::retry_on_intr(|| rustix::io::pwritev(file, now, at))?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            at = at.saturating_add(written as u64);
            IoSlice::advance_slices(&mut parts, written);
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_parts_is_written_in_order() {
        let disk = Disk::new(&Options::default());
        let file = tempfile::tempfile().unwrap();
        let numbers: Vec<_> = (0..3000u32).map(u32::to_le_bytes).collect();
        // Every third one is empty.
        let parts = (0..).zip(&numbers);
        let parts = parts.map(|(at, bytes)| bytes.get(..if at % 3 == 0 { 0 } else { 4 }).unwrap());
        let expected: Vec<u8> = parts.clone().flatten().copied().collect();
        let mut parts: Vec<_> = parts.map(IoSlice::new).collect();
        disk.write_at(&file, &mut parts, 5).unwrap();
        let mut found = vec![1; expected.len()];
        file.read_exact_at(&mut found, 5).unwrap();
        assert!(found == expected);
        assert_eq!(file.metadata().unwrap().len(), 5 + expected.len() as u64);
        disk.write_at(&file, &mut [IoSlice::new(&[])], 5).unwrap();
    }
}
