//! Test support: system calls that fail when a test says so.

use std::io;
use std::sync::{Arc, Mutex};

/// Which system call is to fail.
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
    pub(crate) fn inject(&self, kind: FaultKind, errno: i32) {
        self.0.lock().unwrap().push((kind, errno));
    }

    /// The error with which this call is to fail, if it is.
    pub(crate) fn take(&self, kind: FaultKind) -> Option<io::Error> {
        let mut faults = self.0.lock().unwrap();
        let at = faults.iter().position(|(injected, _)| *injected == kind)?;
        Some(io::Error::from_raw_os_error(faults.remove(at).1))
    }
}
