//! `kenwell migrate jovo`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use kenwell::connection::{Connection, Settings};

use super::exit::Failure;
use super::output;
use super::progress::Progress;
use crate::migrate::{JovoEntries, JovoReport};

#[derive(Debug, Args)]
pub(super) struct MigrateJovo {
    /// Look at everything that is stored, and change nothing
    #[arg(long, required = true)]
    check: bool,
    /// The app's connectionString, as redis://[user:password@]host:port[/database]
    #[arg(
        long,
        value_name = "URL",
        env = "KENWELL_JOVO_REDIS",
        hide_env_values = true
    )]
    redis: String,
    /// The app's keyPrefix
    #[arg(long, value_name = "TEXT", default_value = "")]
    prefix: String,
    /// The app's keySeparator
    #[arg(long, value_name = "TEXT", default_value = ":")]
    separator: String,
    /// The ids of the app's entries; several with commas between
    #[arg(
        long,
        value_name = "IDS",
        default_value = "data",
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new()
    )]
    entries: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Says which entries the state store understands.
pub(super) async fn jovo(arguments: &MigrateJovo) -> Result<(), Failure> {
    // The flag is what the command does; it is asked for so that nobody takes it for more.
    debug_assert!(arguments.check);
    let settings = Settings::from_url(&arguments.redis)
        .map_err(|error| Failure::Usage(format!("error: --redis: {error}")))?;
    let entries = JovoEntries {
        connection: Connection::new(settings)?,
        key_prefix: arguments.prefix.clone(),
        key_separator: arguments.separator.clone(),
        entries: arguments.entries.clone(),
    };
    let progress = Progress::counting("entries");
    let report = entries.check(|count| progress.show(count)).await;
    drop(progress);
    let report = report.map_err(|error| Failure::failed(error.to_string()))?;
    if arguments.json {
        output::data(serde_json::to_string(&report).map_err(anyhow::Error::new)?)?;
    } else {
        tell(&report)?;
    }
    if report.entries == 0 {
        return Err(Failure::failed(
            "there are no entries, so nothing is proved\n  \
             fix: give --redis with its database, --prefix, --separator and --entries as the app has them",
        ));
    }
    if report.is_whole() {
        return Ok(());
    }
    let count: u64 = report.not_understood.values().sum();
    Err(Failure::failed(format!(
        "{count} entries are not understood"
    )))
}

fn tell(report: &JovoReport) -> Result<(), Failure> {
    let not_understood: u64 = report.not_understood.values().sum();
    output::line(format!(
        "{} entries, {} understood, {not_understood} not understood",
        report.entries,
        report.identical + report.respelled
    ))?;
    if report.respelled > 0 {
        output::line(format!(
            "  {} of those that are understood are spelled otherwise than JSON.stringify spells: the next save writes the same JSON in its way",
            report.respelled
        ))?;
    }
    for (reason, count) in &report.not_understood {
        output::line(format!("  {count} entries: {reason}"))?;
    }
    for example in &report.examples {
        output::line(format!("    {}: {}", example.key, example.reason))?;
    }
    if report.is_whole() && report.entries > 0 {
        output::line(
            "To switch: npm install @kenwell/redis, and import { RedisDb } from '@kenwell/redis' instead of '@jovotech/db-redis'",
        )?;
    }
    Ok(())
}
