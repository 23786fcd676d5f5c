//! The rules of a destination in real servers: the order of events, nulls, nested objects.
#![allow(
    clippy::allow_attributes,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic, and its helpers are part of it"
)]

#[path = "../support/mod.rs"]
mod support;

mod behaviour;
mod laws;
mod lifetimes;
mod model;
mod random;
mod refusals;
mod reports;
mod transactions;
