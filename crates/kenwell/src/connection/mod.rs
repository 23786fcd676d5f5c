//! Connections to Redis: where it is, how to get in, and one live socket that heals itself.

mod address;
mod dial;
mod live;
mod secret;
mod settings;
mod tls;
mod url;
mod visit;

pub use live::Connection;
pub use secret::Secret;
pub use settings::{DEFAULT_TIMEOUT, Settings};
pub use url::Url;
pub(crate) use visit::{Entrance, Socket, Visit};
