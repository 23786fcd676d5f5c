//! Where the server listens.

use std::net::SocketAddr;

/// Where the server listens, with the ports it really got.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The data plane.
    pub gateway: SocketAddr,
    /// Console, API, metrics and readiness.
    pub private: SocketAddr,
    /// Whether the data plane speaks TLS.
    pub tls: bool,
}
