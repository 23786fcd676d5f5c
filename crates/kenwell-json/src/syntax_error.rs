//! Where and why bytes are not JSON.

/// Where and why the bytes are not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not JSON at byte {offset}: {expected} expected")]
pub struct SyntaxError {
    /// Bytes from the start of the input to the offending one.
    pub offset: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl SyntaxError {
    #[cold]
    pub(crate) fn new(offset: usize, expected: &'static str) -> Self {
        Self { offset, expected }
    }
}
