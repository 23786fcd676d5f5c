//! `kenwell dead-letters list|retry`.

use clap::{Args, Subcommand};
use kenwell_journal::ErrorChain;
use serde_json::json;

use super::config_option::ConfigOption;
use super::destination::{choose_all, connect};
use super::exit::Failure;
use super::help;
use super::output::{self, printable};
use crate::config::{Config, Destination};
use crate::dead_letters::{DeadLetter, DeadLetters, Error, RetryResult};
use crate::installation;
use crate::repetition;

#[derive(Debug, Subcommand)]
pub(super) enum DeadLettersCommand {
    /// Print them, oldest first
    #[command(after_help = help::DEAD_LETTERS_LIST)]
    List(DeadLettersOptions),
    /// Apply them to Redis again; those that are refused again stay
    #[command(after_help = help::DEAD_LETTERS_RETRY)]
    Retry(DeadLettersOptions),
}

#[derive(Debug, Args)]
pub(super) struct DeadLettersOptions {
    #[command(flatten)]
    config: ConfigOption,
    /// Only those of this destination
    #[arg(long, value_name = "ID")]
    destination: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the letters, oldest first, and how many there are.
pub(super) fn list(arguments: &DeadLettersOptions) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let letters = open(&config)?;
    let mut unreadable = 0;
    for destination in choose_all(&config, arguments.destination.as_deref())? {
        let (count, damaged) = match &letters {
            Some(letters) => list_destination(letters, &destination.id, arguments.json)?,
            None => (0, 0),
        };
        unreadable += damaged;
        if !arguments.json {
            let letters = if count == 1 { "letter" } else { "letters" };
            output::line(format!("{}: {count} dead {letters}", destination.id))?;
        }
    }
    match unreadable {
        0 => Ok(()),
        lines => Err(Failure::failed(format!(
            "{lines} lines cannot be read; the log says which. They are kept: mend or delete them in the file"
        ))),
    }
}

/// How many letters there are, and how many lines that are none.
fn list_destination(letters: &DeadLetters, id: &str, json: bool) -> Result<(u64, u64), Failure> {
    let (mut count, mut unreadable) = (0, 0);
    for letter in letters.list(id)? {
        let letter = match letter {
            Ok(letter) => letter,
            Err(error @ Error::Corrupt { .. }) => {
                tracing::error!(error = %ErrorChain(&error), "a line of the dead letters cannot be read");
                unreadable += 1;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        count += 1;
        if json {
            let line = letter.to_json().map_err(anyhow::Error::new)?;
            output::data(line)?;
        } else {
            output::line(as_text(&letter))?;
        }
    }
    Ok((count, unreadable))
}

/// Applies the letters again, in order, and says how many were written and how many stay.
pub(super) async fn retry(arguments: &DeadLettersOptions) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let letters = open(&config)?;
    let mut outcomes = Vec::new();
    for destination in choose_all(&config, arguments.destination.as_deref())? {
        let outcome = match &letters {
            Some(letters) => retry_destination(&config, destination, letters).await?,
            None => RetryResult::default(),
        };
        if arguments.json {
            output::json(&json!({
                "destination": destination.id,
                "written": outcome.written,
                "superseded": outcome.superseded,
                "ignored": outcome.ignored,
                "kept": outcome.kept,
            }))?;
        } else {
            output::line(format!(
                "{}: {} written, {} dropped because newer events have set all of their fields, \
                 {} dropped because they write nothing, {} kept",
                destination.id, outcome.written, outcome.superseded, outcome.ignored, outcome.kept
            ))?;
            if outcome.written > 0 {
                output::line(repetition::of_retry(&config.layout(destination)))?;
            }
        }
        outcomes.push(outcome);
    }
    if let Some(stopped) = outcomes
        .iter_mut()
        .find_map(|outcome| outcome.stopped.take())
    {
        return Err(Failure::Failed(anyhow::Error::new(stopped).context(
            "the retry stopped early; all that was not written is kept",
        )));
    }
    match outcomes.iter().map(|outcome| outcome.kept).sum::<u64>() {
        0 => Ok(()),
        kept => Err(Failure::failed(format!(
            "{kept} dead letters are kept: kenwell dead-letters list says why"
        ))),
    }
}

async fn retry_destination(
    config: &Config,
    destination: &Destination,
    letters: &DeadLetters,
) -> Result<RetryResult, Failure> {
    let outstanding = letters.outstanding(&destination.id, &config.layout(destination));
    let connection = connect(destination)?;
    let connection = installation::for_retry(&connection, &config.data_dir, &destination.id);
    let writer = destination.writer(connection);
    Ok(outstanding.retry(&writer, |_| true).await?)
}

/// The letters, if there can be any: a command that only looks makes no directories.
fn open(config: &Config) -> Result<Option<DeadLetters>, Failure> {
    let directory = config.data_dir.join("dead-letters");
    if !directory.is_dir() {
        return Ok(None);
    }
    let letters = DeadLetters::open(&directory, config.dead_letters.max_bytes)?;
    Ok(Some(letters))
}

fn as_text(letter: &DeadLetter) -> String {
    format!(
        "{}  {}  {}  from {}  {}",
        output::time(letter.at),
        letter.offset,
        printable(letter.key.as_bytes()),
        letter.source,
        printable(letter.reason.as_bytes())
    )
}
