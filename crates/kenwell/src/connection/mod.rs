//! Connections to Redis: where it is, how to get in, and one live socket that heals itself.

mod address;
mod dial;
mod live;
mod secret;
mod settings;
mod tls;
mod visit;

pub use live::Connection;
pub use secret::Secret;
pub use settings::{DEFAULT_TIMEOUT, Settings};
pub(crate) use visit::{Entrance, Socket, Visit};
