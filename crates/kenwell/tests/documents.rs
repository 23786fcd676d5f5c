//! Profiles that are JSON documents, against a real RedisJSON.
#![allow(
    unreachable_pub,
    clippy::allow_attributes,
    reason = "its helpers are part of it"
)]

mod doctor;
mod model;
mod redis;
mod store;
mod vectors;
