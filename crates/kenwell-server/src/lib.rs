//! The server behind the `kenwell` binary: gateway, delivery, configuration and command line.

pub mod applied; // which events a destination has, and waiting for it
pub(crate) mod audit; // who changed what
pub mod cli; // the command line: one module a command
mod clock; // ages by the wall clock, without its jumps
pub mod config; // kenwell.toml: strict, every problem with its line and fix
mod data_dir; // where everything durable lies, for its owner alone
pub mod dead_letters; // what Redis refused for good, durable, to look at and retry
pub mod delivery; // drains the journal into one destination
pub(crate) mod dev; // `kenwell dev`: the server with a Redis of its own
pub mod envelope; // what a journal record holds
pub mod gateway; // the data plane: the HTTP side the SDKs talk to
pub mod history; // the last hour, day and week in steps
pub mod import; // configurations of other systems, turned into ours
pub mod installation; // which Kenwell this is, to others that use the same Redis
pub mod listener; // accepts connections, with TLS or without
pub mod metrics; // what is counted and measured
pub(crate) mod migrate; // what another system and Kenwell have written, compared
mod mutex; // locking without a panic
mod newer_records; // a journal of a newer version is refused
mod object; // JSON objects that are read as objects only
pub(crate) mod origin; // why a field has its value: the event that set it, and what that replaced
pub(crate) mod private; // the JSON API, the console, metrics and readiness, behind the admin key
mod repetition; // what writing older events once more does to newer values
pub mod runtime; // what runs now, and every change of it
pub(crate) mod serve; // puts it all together
mod service_manager; // what systemd is told
pub mod tail; // what becomes of events, shown to whoever looks just now
mod ticks; // the moments in which things are looked at
mod time; // times as text
