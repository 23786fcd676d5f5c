//! What several test files need.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "each test file uses its own part of this module"
)]

pub mod certificates;
pub mod cluster;
pub mod flavour;
pub mod link;
pub mod load;
pub mod log;
pub mod model;
pub mod ports;
pub mod proxy;
pub mod recorded;
pub mod sentinels;
pub mod server;
pub mod stunnel;
