//! What can be an argument of a command.

use std::sync::Arc;

use super::arguments::with_digits;

/// Bytes, text, or a number in decimal.
pub(crate) trait Argument {
    /// Hands over its bytes.
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T;
}

impl Argument for [u8] {
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        take(self)
    }
}

impl<const N: usize> Argument for [u8; N] {
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        take(self)
    }
}

impl Argument for Vec<u8> {
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        take(self)
    }
}

impl Argument for str {
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        take(self.as_bytes())
    }
}

impl Argument for String {
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        take(self.as_bytes())
    }
}

impl Argument for u64 {
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        with_digits(*self, take)
    }
}

impl Argument for u32 {
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        with_digits(u64::from(*self), take)
    }
}

impl Argument for std::borrow::Cow<'_, [u8]> {
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        take(self)
    }
}

impl Argument for usize {
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        with_digits(u64::try_from(*self).unwrap_or(u64::MAX), take)
    }
}

impl Argument for i64 {
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        take(self.to_string().as_bytes())
    }
}

impl Argument for i32 {
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        i64::from(*self).with_bytes(take)
    }
}

impl<A: Argument + ?Sized> Argument for &A {
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        (**self).with_bytes(take)
    }
}

impl<Inner: Argument + ?Sized> Argument for Arc<Inner> {
    fn with_bytes<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        (**self).with_bytes(take)
    }
}
