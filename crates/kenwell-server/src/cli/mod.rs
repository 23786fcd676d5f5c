//! The command line: one module a command, one place that writes to stdout.

mod admin_key;
mod arguments;
mod configuration;
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
mod logging;
mod one_line;
mod output;
mod profile;
mod replay;
mod run;
mod send;
mod serve;
mod signals;
mod tls;
mod traits;
mod waiting;

pub use arguments::Arguments;
pub use run::run;
