//! TLS towards Redis: whom to trust, who we are, and what to do when the other side is not trusted.

mod any;
mod authorities;
mod explain;
mod given;
mod identity;
mod material;
mod names;
mod pem;
mod setup;
mod signature;

pub(super) use explain::{alert, handshake};
pub(super) use setup::Tls;
