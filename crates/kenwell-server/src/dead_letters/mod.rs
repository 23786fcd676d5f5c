//! Events that Redis refused for good: a durable log per destination, to look at and to retry.
//!
//! `directory` has the logs of all destinations. `log` appends to one and `rewrite` replaces it, while other
//! processes do the same. `log_follower` reads what is new and keeps `index` up to date, which says what each
//! letter may still write. `outstanding` sees to it that a field that a newer event sets is taken from the letters,
//! durably, before that event is written. `retry` writes what is left.

mod directory;
mod disk;
mod error;
#[cfg(test)]
mod failure_tests;
mod files;
mod index;
mod letter;
mod letter_page;
mod letter_reader;
mod log;
mod log_follower;
mod log_line;
mod newer_write;
mod outstanding;
mod refusal_reports;
mod retry;
mod rewrite;
mod supersede_guard;
mod watch;

pub use directory::DeadLetters;
pub use error::Error;
pub use letter::DeadLetter;
pub use letter_page::{LetterPage, LetterQuery};
pub use letter_reader::LetterReader;
pub use outstanding::OutstandingLetters;
pub use retry::{RetryError, RetryResult};
pub use rewrite::{LetterBatch, Rewrite};
pub use supersede_guard::SupersedeGuard;
pub use watch::watch;
