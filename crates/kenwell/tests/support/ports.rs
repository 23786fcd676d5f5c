//! Ports for servers that tests start, also when many tests run at once.

use std::fs::{self, File};
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

/// Below the range from which systems give clients their ports, so that no connection takes one
/// between our look and the server's start, or while a server is down.
const RANGE: std::ops::Range<u32> = 10_000..30_000;

/// A port that nobody listens on, and that no other test is given before this process ends.
pub fn free_port() -> u16 {
    /// How far this process has looked, and the locks of the ports that it has.
    static TAKEN: Mutex<(u32, Vec<File>)> = Mutex::new((0, Vec::new()));
    let folder = std::env::temp_dir().join("kenwell-test-ports");
    fs::create_dir_all(&folder).unwrap();
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    for _attempt in RANGE {
        // Tests that start together begin elsewhere.
        let next = taken.0 + std::process::id().wrapping_mul(37) % RANGE.end;
        taken.0 += 1;
        let port = u16::try_from(RANGE.start + next % (RANGE.end - RANGE.start)).unwrap();
        let lock = File::create(folder.join(port.to_string())).unwrap();
        if lock.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            taken.1.push(lock);
            return port;
        }
    }
    panic!("no port is free");
}
