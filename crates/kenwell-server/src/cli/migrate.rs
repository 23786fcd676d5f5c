//! `kenwell migrate`.

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
