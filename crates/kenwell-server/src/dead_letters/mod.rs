//! Events that Redis refused for good: a durable log per destination, to look at and to retry.
//!
//! `directory` has the logs of all destinations. `log` appends to one and `rewrite` replaces it, while other
//! processes do the same. `outstanding` follows it and keeps `index` up to date, which says what each letter
//! may still write: a field that a newer event sets is taken from it, durably, before that event is written.
//! `retry` writes what is left.

mod directory;
mod disk;
mod error;
#[cfg(test)]
mod failures;
mod files;
mod index;
mod letter;
mod letters;
mod line;
mod log;
mod notices;
mod outstanding;
mod pick;
mod retry;
mod rewrite;
mod watch;

pub use directory::DeadLetters;
pub use error::Error;
pub use letter::DeadLetter;
pub use letters::Letters;
pub use outstanding::{OutstandingLetters, SupersedeGuard};
pub use pick::{LetterPage, LetterQuery};
pub use retry::{RetryError, RetryResult};
pub use rewrite::{LetterBatch, Rewrite};
pub use watch::watch;
