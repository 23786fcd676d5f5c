//! TLS towards Redis: whom to trust, who we are, and what to do when the other side is not trusted.

mod algorithm;
mod any;
mod authorities;
mod explain;
mod given;
mod identity;
mod judge;
mod look;
mod material;
mod names;
mod pem;
mod refusal;
mod setup;
mod signature;
mod validity;

pub(crate) use explain::Explanation;
pub use explain::tls_reason;
pub use identity::Identity;
pub(crate) use names::listed;
pub(super) use setup::Tls;
pub(crate) use validity::notice;
pub use validity::{TimeNotice, time_notices};
