//! The server as a whole: the real binary, a real Redis, requests over TCP.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test is a panic, and a failing one may say what it saw"
)]

mod bad_input;
mod browser;
mod by_hand;
mod captures;
mod certificates;
mod changes;
mod changes_under_load;
mod cluster;
mod counters;
mod crash;
mod damage;
mod delivery;
mod failover;
mod full;
mod gateway;
mod gateway_hangup;
mod heal;
mod hostile;
mod lifecycle;
mod outstanding;
mod overtaken;
mod private;
mod project_settings;
mod requests;
mod retired;
mod rights;
mod rotation;
mod senders;
mod source_config;
mod strangers;
mod support;
mod tls;
mod vectors;
mod walk;
mod walls;
mod weather;
