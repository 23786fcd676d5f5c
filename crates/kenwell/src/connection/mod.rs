//! Connections to Redis: where it is, how to get in, and sockets that heal themselves.

mod address;
mod asked;
mod bounded;
mod cluster;
mod credentials;
mod dial;
mod file;
mod group;
mod kind;
mod limit;
mod live;
mod login;
mod name;
mod opening;
mod order;
mod parts;
mod patient;
mod pulse;
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
pub(crate) use limit::Limit;
pub(crate) use order::{Effect, Order, Terms, Turn};
pub use route::Connection;
pub use secret::Secret;
pub use settings::{DEFAULT_TIMEOUT, Settings};
pub(crate) use slots::slot_of;
pub use url::Url;
pub(crate) use visit::{Entrance, Socket, Visit};
