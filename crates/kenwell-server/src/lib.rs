//! The server behind the `kenwell` binary: gateway, delivery, configuration and command line.

pub mod config; // kenwell.toml: strict, every problem with its line and fix
