//! Profiles of users in Redis.
mod error;
mod reply;

pub mod connection;
pub mod profile;

pub use error::{Class, Error};
pub use reply::Reply;
