//! Addresses that are listened on.

use std::net::{Ipv4Addr, SocketAddr};

/// Where the server listens, with the ports it really got.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    /// The data plane.
    pub(crate) gateway: SocketAddr,
    /// Console, API, metrics and readiness.
    pub(crate) private: SocketAddr,
    /// Whether the data plane speaks TLS.
    pub(crate) tls: bool,
}

/// The address for a client on this machine, which cannot connect to "all addresses".
pub(crate) fn local(listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), listen.port())
    } else {
        listen
    }
}
