//! Where connections come in: TCP, and TLS where a certificate is configured.

mod accept;
mod certificate;
mod renewed;
mod socket;

pub use accept::{Arrival, Listener, Stream};
pub use certificate::Identity;
pub(crate) use certificate::{CERTIFICATE, KEY};
pub use socket::Socket;
