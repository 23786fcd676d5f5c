//! TLS towards Redis: which servers to trust, which certificate to show, and what a failed handshake means.

mod algorithm;
mod authorities;
mod certificate_explanation;
mod client;
mod explanation;
mod identity;
mod key_inspection;
mod names;
mod pem;
mod pem_texts;
mod private_authorities;
mod signature;
mod validity;
mod verifier;

pub(super) use client::TlsClient;
#[cfg(feature = "doctor")]
pub(crate) use explanation::Explanation;
pub use explanation::tls_reason;
pub use identity::Identity;
#[cfg(feature = "doctor")]
pub(crate) use names::listed_names;
#[cfg(feature = "doctor")]
pub(crate) use validity::notice;
pub use validity::{TimeNotice, certificate_expiry, time_notices};
