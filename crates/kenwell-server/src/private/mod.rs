//! The private plane: what only the operator should see. Loopback only.

mod ready;
mod server;

pub use server::Private;
