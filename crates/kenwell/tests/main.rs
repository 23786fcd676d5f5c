//! The library against real servers, as one program: alone, each file would be compiled and linked with all that they share.
#![allow(
    clippy::allow_attributes,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic, and its helpers are part of it"
)]

mod support;

mod announced_addresses;
mod blocking;
mod cluster;
mod credential_rotation;
mod doctor;
mod doctor_topologies;
mod documents;
mod everywhere;
mod expiry;
mod flatten_model;
mod late_bytes;
mod marker;
mod pem;
mod profiles;
mod resharding;
mod sentinel;
mod tls;
mod tls_reasons;
mod vectors;
mod writer;
