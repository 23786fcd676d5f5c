//! Where connections come in: TCP, TLS where a certificate is configured, and the accept loop of both planes.

mod accept;
mod addresses;
mod certificate;
mod certificate_reloader;
mod descriptors;
mod hang_up;
mod places;
mod serve;
mod socket;

pub use accept::Listener;
pub(crate) use accept::{AcceptedConnection, Stream};
pub(crate) use addresses::{Addresses, local as local_address};
pub use certificate::ServerIdentity;
pub(crate) use descriptors::{
    ConnectionLimits, fit as fit_connections, raise as raise_descriptors,
};
pub(crate) use hang_up::HangUpWatch;
pub(crate) use places::{Place, Places};
pub(crate) use serve::{Connection, Plane, Scope, serve};
pub(crate) use socket::Socket;
