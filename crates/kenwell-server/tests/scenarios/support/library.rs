//! The servers that the tests of the library use, too.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "each test file uses its own part of this module"
)]

#[path = "../../../../kenwell/tests/support/certificates.rs"]
pub mod certificates;
#[path = "../../../../kenwell/tests/support/cluster.rs"]
pub mod cluster;
#[path = "../../../../kenwell/tests/support/flavour.rs"]
pub mod flavour;
#[path = "../../../../kenwell/tests/support/ports.rs"]
pub mod ports;
#[path = "../../../../kenwell/tests/support/proxy.rs"]
pub mod proxy;
#[path = "../../../../kenwell/tests/support/sentinels.rs"]
pub mod sentinels;
#[path = "../../../../kenwell/tests/support/server.rs"]
pub mod server;
