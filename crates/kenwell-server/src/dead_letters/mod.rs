//! Events that Redis refused for good: a durable log per destination, to look at and to retry.

mod error;
mod files;
mod letter;
mod letters;
mod log;
mod retry;
mod rewrite;

pub use error::Error;
pub use letter::DeadLetter;
pub use letters::Letters;
pub use log::DeadLetters;
pub use retry::{Retried, Target};
pub use rewrite::Rewrite;
