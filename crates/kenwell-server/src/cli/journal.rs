//! `kenwell journal stats`.

use clap::{Args, Subcommand};
use kenwell_journal::Stats;
use serde_json::{Value, json};

use super::config_option::ConfigOption;
use super::exit::Failure;
use super::help;
use super::output::{self, size};

#[derive(Debug, Subcommand)]
pub(super) enum JournalCommand {
    /// Print how full it is and how far each destination has got
    #[command(after_help = help::JOURNAL_STATS)]
    Stats(JournalStats),
}

#[derive(Debug, Args)]
pub(super) struct JournalStats {
    #[command(flatten)]
    config: ConfigOption,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints how full the journal is and how far each destination has got.
pub(super) fn stats(arguments: &JournalStats) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let directory = config.data_dir.join("journal");
    let stats = if directory.is_dir() {
        kenwell_journal::inspect(&directory).map_err(|error| Failure::Failed(error.into()))?
    } else {
        Stats::default() // no server has run yet
    };
    if arguments.json {
        return output::json(&as_json(&stats, config.journal.max_bytes));
    }
    output::line(format!("journal in {}", directory.display()))?;
    let records = stats.next_offset.0.saturating_sub(stats.first_offset.0);
    output::line(format!(
        "  records   {records}, numbers {} to {}",
        stats.first_offset.0, stats.next_offset.0
    ))?;
    output::line(format!(
        "  bytes     {} of events in {} segments, {} on disk, of {} allowed",
        stats.bytes,
        stats.segments,
        stats.disk_bytes,
        size(config.journal.max_bytes)
    ))?;
    if stats.cursors.is_empty() {
        return output::line("  no destination has read from it yet");
    }
    for cursor in &stats.cursors {
        output::line(format!(
            "  {:<9} at {}, {} pending",
            cursor.name, cursor.position.0, cursor.pending
        ))?;
    }
    Ok(())
}

fn as_json(stats: &Stats, max_bytes: u64) -> Value {
    let cursors: Vec<Value> = stats
        .cursors
        .iter()
        .map(|cursor| {
            json!({
                "destination": cursor.name,
                "position": cursor.position.0,
                "pending": cursor.pending,
            })
        })
        .collect();
    json!({
        "first_offset": stats.first_offset.0,
        "next_offset": stats.next_offset.0,
        "segments": stats.segments,
        "bytes": stats.bytes,
        "disk_bytes": stats.disk_bytes,
        "max_bytes": max_bytes,
        "cursors": cursors,
    })
}
