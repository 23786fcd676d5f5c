//! Locking without a panic: a poisoned lock is taken all the same.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic: every guarded value in this crate is consistent between two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
