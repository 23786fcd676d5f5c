//! Application state in a real Redis.
#![allow(
    clippy::allow_attributes,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic, and its helpers are part of it"
)]

#[path = "../support/mod.rs"]
mod support;

mod acl_permissions;
mod batch;
mod close;
mod concurrency;
mod encryption;
mod entries;
mod error_codes;
mod examples;
mod frozen;
mod history_list;
mod hooks;
mod javascript;
mod jovo;
mod limits;
mod node;
mod order;
mod order_model;
mod presence;
mod runtimes;
mod sentinel;
mod update;
mod values;
mod values_cluster;
mod walk_of_a_save;
