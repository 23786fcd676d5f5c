//! Profiles that are JSON documents, against a real RedisJSON.
#![allow(
    unreachable_pub,
    clippy::allow_attributes,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic, and its helpers are part of it"
)]

mod support;

#[path = "documents/doctor.rs"]
mod doctor;
#[path = "documents/model.rs"]
mod model;
#[path = "documents/redis.rs"]
mod redis;
#[path = "documents/store.rs"]
mod store;
#[path = "documents/vectors.rs"]
mod vectors;
