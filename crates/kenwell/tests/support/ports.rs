//! Ports for servers that tests start, also when many tests run at once.

use std::net::{TcpListener, UdpSocket};
use std::sync::{Mutex, PoisonError};

/// Below the range from which systems give clients their ports, so that no connection takes one
/// between our look and the server's start, or while a server is down.
const RANGE: std::ops::Range<u32> = 10_000..32_000;

/// A port that nobody listens on, and that no other test is given before this process ends: whoever
/// holds the UDP port of the same number has it. `tools/ports.js` and `tools/ports.py` do the same.
pub fn free_port() -> u16 {
    /// How far this process has looked, and what holds the ports that it has.
    static TAKEN: Mutex<(u32, Vec<UdpSocket>)> = Mutex::new((0, Vec::new()));
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    for _attempt in RANGE {
        // Tests that start together begin elsewhere.
        let next = taken.0 + std::process::id().wrapping_mul(37) % RANGE.end;
        taken.0 += 1;
        let port = u16::try_from(RANGE.start + next % (RANGE.end - RANGE.start)).unwrap();
        let address = ("127.0.0.1", port);
        if let Ok(held) = UdpSocket::bind(address)
            && TcpListener::bind(address).is_ok()
        {
            taken.1.push(held);
            return port;
        }
    }
    panic!("no port is free");
}
