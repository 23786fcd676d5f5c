//! Ports that are free.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// The address itself when it is free, else the same with port 0 (any free port).
pub(super) fn preferred_or_free(preferred: SocketAddr, listener: &str) -> SocketAddr {
    if TcpListener::bind(preferred).is_ok() {
        return preferred;
    }
    tracing::warn!(
        listener,
        "{preferred} is taken; a free port is used instead"
    );
    SocketAddr::new(preferred.ip(), 0)
}

/// Whether this port of 127.0.0.1 is free.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port of 127.0.0.1 that was free a moment ago.
pub(super) fn free() -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_left_alone() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = listener.local_addr().unwrap();
        assert!(!is_free(taken.port()));
        let instead = preferred_or_free(taken, "gateway");
        assert_eq!((instead.ip(), instead.port()), (taken.ip(), 0));
    }
}
