//! `kenwell migrate`.

use std::io::{IsTerminal, Write};

use clap::Subcommand;

use super::help;
use super::migrate_jovo::MigrateJovo;
use super::migrate_rudderstack::MigrateRudderstack;

#[derive(Debug, Subcommand)]
pub(super) enum MigrateCommand {
    /// From RudderStack's Redis destination: write beside it, compare, switch
    #[command(after_help = help::MIGRATE_RUDDERSTACK)]
    Rudderstack(MigrateRudderstack),
    /// From Jovo's `RedisDb`: is everything that it has stored understood?
    #[command(after_help = help::MIGRATE_JOVO)]
    Jovo(MigrateJovo),
}

/// Says on a terminal how far a long look has got; elsewhere nothing.
pub(super) fn progress(what: &str) -> impl Fn(u64) {
    let is_seen = std::io::stderr().is_terminal();
    move |count| {
        if is_seen {
            let mut stderr = std::io::stderr().lock();
            drop(write!(stderr, "\r{count} {what} "));
            drop(stderr.flush());
        }
    }
}

/// Ends the line that [`progress`] has written.
pub(super) fn end_progress() {
    if std::io::stderr().is_terminal() {
        drop(write!(std::io::stderr().lock(), "\r\x1b[K"));
    }
}
