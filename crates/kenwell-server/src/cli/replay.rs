//! `kenwell replay`.

use clap::Args;
use jiff::Timestamp;

use super::config_option::ConfigOption;
use super::destination::choose;
use super::exit::Failure;
use super::output;
use crate::config;
use crate::repetition;
use crate::runtime::rewind;
use crate::serve::open_journal;

#[derive(Debug, Args)]
pub(super) struct Replay {
    #[command(flatten)]
    config: ConfigOption,
    /// Which destination; can be left out when there is only one
    #[arg(long, value_name = "ID")]
    destination: Option<String>,
    /// From when on: a time (2026-11-22T14:00:00Z), or how long ago (2h, 90m, 1d)
    #[arg(long, value_name = "TIME", value_parser = super::replay::from)]
    from: jiff::Timestamp,
}

/// Moves a destination's cursor back while no server runs.
pub(super) async fn replay(arguments: &Replay) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let destination = choose(&config, arguments.destination.as_deref())?;
    let id = &destination.id;
    if !config.data_dir.join("journal").is_dir() {
        return Err(Failure::failed(
            "there is no journal yet: no server has run here",
        ));
    }
    let journal = open_journal(&config).map_err(|error| {
        error.context("a replay without the console needs the server to be stopped")
    })?;
    let known = journal
        .stats()
        .cursors
        .iter()
        .any(|cursor| cursor.name == *id);
    if !known {
        let reason = format!("no server has run with the destination \"{id}\" yet");
        return Err(Failure::failed(reason));
    }
    let records = rewind(&journal, &config, id, arguments.from).await;
    let closed = journal.close().await;
    let records = records.map_err(anyhow::Error::from)?;
    closed.map_err(anyhow::Error::from)?;
    output::line(format!(
        "{records} events will be delivered to \"{id}\" again when the server starts"
    ))?;
    output::line(repetition::of_replay(&config.layout(destination)))
}

/// A time, or how long ago.
pub(super) fn from(text: &str) -> Result<Timestamp, String> {
    if let Some(ago) = config::duration(text) {
        let ago = jiff::SignedDuration::try_from(ago).map_err(|_| "too long ago".to_owned())?;
        return Timestamp::now()
            .checked_sub(ago)
            .map_err(|_| "too long ago".to_owned());
    }
    let wrong = |_| {
        "give a time such as 2026-11-22T14:00:00Z, or how long ago, such as 2h or 1d".to_owned()
    };
    text.parse().map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::from;

    #[test]
    fn a_time_or_how_long_ago() {
        let given = from("2026-11-22T14:00:00Z").unwrap();
        assert_eq!(given.as_second(), 1_795_356_000);
        let ago = jiff::Timestamp::now().duration_since(from("1h 30m").unwrap());
        assert!((5_390..5_500).contains(&ago.as_secs()), "{ago}");
        assert!(from("yesterday").unwrap_err().contains("such as 2h"));
        assert!(from("999999999d").is_err());
    }
}
