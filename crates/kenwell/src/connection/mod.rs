//! Connections to Redis: where it is, how to get in, and sockets that heal themselves.

mod address;
mod cluster;
mod credentials;
mod dial;
mod file;
mod group;
mod kind;
mod live;
mod login;
mod name;
mod patient;
mod route;
mod secret;
mod sentinel;
mod settings;
mod slots;
mod tls;
mod topology;
mod url;
mod visit;

pub(crate) use group::{Answers, Group, part_size};
pub use route::Connection;
pub use secret::Secret;
pub use settings::{DEFAULT_TIMEOUT, Settings};
pub(crate) use slots::slot_of;
pub use url::Url;
pub(crate) use visit::{Entrance, Socket, Visit};
