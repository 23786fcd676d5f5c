//! Application state: what a program remembers about a user between two requests.

mod error;
mod place;

pub mod encryption;
pub mod hashing;
pub mod values;

pub use error::Error;
pub use place::Place;
