//! Where connections come in: TCP, and TLS where a certificate is configured.

mod accept;
mod certificate;
mod descriptors;
mod places;
mod renewed;
mod socket;

pub use accept::{Arrival, Listener, Stream};
pub use certificate::Identity;

pub use descriptors::{Share, raise as raise_descriptors, share as share_descriptors};
pub use places::{Place, Places};
pub use socket::Socket;
