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
mod certificates;
mod changes;
mod changes_in_force;
mod changes_under_load;
mod client_limits;
mod commands;
mod config_file_edits;
mod counters;
mod crash;
mod dead_letter_counts;
mod dead_letter_order;
mod delivery;
mod documents;
mod event_order;
mod fast_path;
mod file_permissions;
mod gateway;
mod gateway_hangup;
mod hostile_redis;
mod journal_damage;
mod journal_full;
mod late_bytes;
mod lifecycle;
mod metrics;
mod migrate;
mod password_rotation;
mod prefix_isolation;
mod private;
mod profile_expiry;
mod profile_why;
mod project_settings;
mod redis_cluster;
mod redis_data_loss;
mod redis_failover;
mod redis_faults;
mod retired;
mod sdk_captures;
mod segment_senders;
mod service_manager;
mod small_batches;
mod source_config;
mod support;
mod tls;
mod two_writers;
mod unusual_requests;
mod vectors;
mod wait_applied;
mod walk_of_an_event;
