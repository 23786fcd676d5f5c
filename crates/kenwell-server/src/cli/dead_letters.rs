//! `kenwell dead-letters list|retry`.

use std::time::{SystemTime, UNIX_EPOCH};

use kenwell::profile::{self, Ignored, ProfileUpdate};
use kenwell::{Class, Error};
use serde_json::json;

use super::arguments::DeadLettersWhich;
use super::destination::{choose_all, connect};
use super::exit::Failure;
use super::output::{self, printable};
use super::run::load;
use crate::config::{Config, Destination};
use crate::dead_letters::{DeadLetter, DeadLetters};

/// Letters that are applied in one pipeline.
const BATCH: usize = 1000;

/// Prints the letters, oldest first, and how many there are.
pub(super) fn list(arguments: &DeadLettersWhich) -> Result<(), Failure> {
    let config = load(&arguments.config.file)?;
    let letters = open(&config)?;
    for destination in choose_all(&config, arguments.destination.as_deref())? {
        let count = match &letters {
            Some(letters) => list_destination(letters, &destination.id, arguments.json)?,
            None => 0,
        };
        if !arguments.json {
            let letters = if count == 1 { "letter" } else { "letters" };
            output::line(format!("{}: {count} dead {letters}", destination.id))?;
        }
    }
    Ok(())
}

fn list_destination(letters: &DeadLetters, id: &str, json: bool) -> Result<u64, Failure> {
    let mut count = 0;
    for letter in letters.list(id)? {
        let letter = letter?;
        count += 1;
        if json {
            let line = letter.to_json().map_err(anyhow::Error::new)?;
            output::line(line)?;
        } else {
            output::line(as_text(&letter))?;
        }
    }
    Ok(count)
}

/// Applies the letters again, in order, and says how many were written and how many stay.
pub(super) async fn retry(arguments: &DeadLettersWhich) -> Result<(), Failure> {
    let config = load(&arguments.config.file)?;
    let letters = open(&config)?;
    let mut outcomes = Vec::new();
    for destination in choose_all(&config, arguments.destination.as_deref())? {
        let outcome = match &letters {
            Some(letters) => retry_destination(&config, destination, letters).await?,
            None => Outcome::default(),
        };
        if arguments.json {
            output::json(&json!({
                "destination": destination.id,
                "written": outcome.written,
                "ignored": outcome.ignored,
                "kept": outcome.kept,
            }))?;
        } else {
            output::line(format!(
                "{}: {} written, {} dropped because they write nothing, {} kept",
                destination.id, outcome.written, outcome.ignored, outcome.kept
            ))?;
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

/// What became of a destination's letters.
#[derive(Default)]
struct Outcome {
    written: u64,
    ignored: u64,
    kept: u64,
    /// Why Redis could not go on, if it could not. The rest is kept then.
    stopped: Option<Error>,
}

async fn retry_destination(
    config: &Config,
    destination: &Destination,
    letters: &DeadLetters,
) -> Result<Outcome, Failure> {
    let layout = config.layout(destination);
    let connection = connect(destination)?;
    let mut rewrite = letters.rewrite(&destination.id)?;
    let mut outcome = Outcome::default();
    loop {
        let batch = rewrite.next(BATCH)?;
        if batch.is_empty() {
            break;
        }
        let updates: Vec<Result<ProfileUpdate, Ignored>> = batch
            .iter()
            .map(|letter| profile::update(&letter.event, &layout))
            .collect();
        let open: Vec<&ProfileUpdate> = updates.iter().flatten().collect();
        let mut results = match outcome.stopped {
            None => profile::apply(&connection, &open).await,
            Some(_) => Vec::new(), // all that follow are kept
        }
        .into_iter();
        for (letter, update) in batch.into_iter().zip(&updates) {
            match (update, update.as_ref().ok().and_then(|_| results.next())) {
                (Err(_), _) => outcome.ignored += 1,
                (Ok(_), Some(Ok(()))) => outcome.written += 1,
                (Ok(_), result) => {
                    let error = result.and_then(Result::err);
                    rewrite.keep(&refused_again(letter, error.as_ref()))?;
                    outcome.kept += 1;
                    outcome.stopped = outcome
                        .stopped
                        .or_else(|| error.filter(|error| error.class() != Class::Record));
                }
            }
        }
    }
    rewrite.finish()?;
    Ok(outcome)
}

/// The letter with the new reason, if it was refused for good again.
fn refused_again(letter: DeadLetter, error: Option<&Error>) -> DeadLetter {
    match error {
        Some(error) if error.class() == Class::Record => DeadLetter {
            at: now(),
            reason: error.to_string(),
            ..letter
        },
        _ => letter,
    }
}

fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
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
        iso(letter.at),
        letter.offset,
        printable(letter.key.as_bytes()),
        letter.source,
        printable(letter.reason.as_bytes())
    )
}

/// Milliseconds since 1970 as ISO 8601 in UTC.
fn iso(milliseconds: u64) -> String {
    i64::try_from(milliseconds)
        .ok()
        .and_then(|milliseconds| jiff::Timestamp::from_millisecond(milliseconds).ok())
        .map_or_else(|| milliseconds.to_string(), |time| time.to_string())
}
