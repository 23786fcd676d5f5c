//! The server behind the `kenwell` binary: gateway, delivery, configuration and command line.

pub mod config; // kenwell.toml: strict, every problem with its line and fix
pub mod dead_letters; // what Redis refused for good, durable, to look at and retry
