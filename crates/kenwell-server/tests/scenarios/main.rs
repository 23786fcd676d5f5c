//! The server as a whole: the real binary, a real Redis, requests over TCP.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test is a panic, and a failing one may say what it saw"
)]

mod bad_input;
mod books;
mod browser;
mod by_hand;
mod captures;
mod changes;
mod changes_under_load;
mod cluster;
mod crash;
mod damage;
mod delivery;
mod failover;
mod full;
mod gateway;
mod gateway_hangup;
mod heal;
mod lifecycle;
mod outstanding;
mod overtaken;
mod private;
mod project_settings;
mod retired;
mod rotation;
mod senders;
mod source_config;
mod support;
mod tls;
mod vectors;
mod walk;
mod weather;
