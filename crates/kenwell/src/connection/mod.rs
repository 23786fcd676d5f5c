//! Connections to Redis: where it is, how to get in, and sockets that heal themselves.

mod address;
mod cluster;
mod credentials;
mod dial;
mod file;
mod kind;
mod live;
mod login;
mod route;
mod secret;
mod sentinel;
mod settings;
mod slots;
mod tls;
mod topology;
mod url;
mod visit;

pub use route::Connection;
pub use secret::Secret;
pub use settings::{DEFAULT_TIMEOUT, Settings};
pub use url::Url;
pub(crate) use visit::{Entrance, Socket, Visit};
