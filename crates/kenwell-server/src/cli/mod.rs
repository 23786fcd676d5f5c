//! The command line: one module a command, one place that writes to stdout.

mod admin_key;
mod backlogs;
mod config;
mod config_option;
mod dead_letters;
mod destination;
mod destinations;
mod dev;
mod doctor;
mod exit;
mod help;
mod identify;
mod import;
mod journal;
mod log_writer;
mod logging;
mod migrate;
mod migrate_jovo;
mod migrate_rudderstack;
mod metrics;
mod output;
mod packaging;
mod profile;
mod profile_why;
mod replay;
mod run;
mod send;
mod serve;
mod signals;
mod tls;
mod traits;

pub use run::{Arguments, run};
