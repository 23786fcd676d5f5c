//! Locking without a panic: a poisoned lock is taken all the same.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; every guarded value here stays consistent between two statements, so poison says nothing new.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
