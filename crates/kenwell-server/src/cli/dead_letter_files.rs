//! Dead letters in the files of the data directory. They can be read and changed while a server runs.

use std::cell::Cell;

use kenwell_journal::ErrorChain;
use serde_json::json;

use super::dead_letter_options::{DeadLettersList, DeadLettersShow, LetterChoice, LettersPlace};
use super::dead_letter_text::{print, print_count, print_discarded};
use super::destination::{choose, choose_all, connect};
use super::exit::Failure;
use super::output;
use super::progress::Progress;
use crate::config::{Config, Destination};
use crate::dead_letters::{DeadLetter, DeadLetters, Error, RetryResult};
use crate::installation;
use crate::private::Letter;
use crate::repetition;

/// A retry shows how far it has come after so many letters.
const SHOWN_EVERY: u64 = 100;

impl LetterChoice {
    fn has(&self, letter: &DeadLetter) -> bool {
        match self {
            Self::Ids(ids) => ids.contains(&letter.id()),
            Self::Reason(reason) => letter.code() == reason,
            Self::All => true,
        }
    }
}

pub(super) fn list(arguments: &DeadLettersList) -> Result<(), Failure> {
    let place = &arguments.place;
    let config = place.config.load()?;
    let letters = open(&config)?;
    let wanted = |letter: &DeadLetter| {
        let reason = arguments.reason.as_deref();
        reason.is_none_or(|reason| letter.code() == reason)
    };
    let mut unreadable = 0;
    for destination in choose_all(&config, place.destination.as_deref())? {
        let mut count = 0;
        if let Some(letters) = &letters {
            unreadable += each(letters, &destination.id, |letter| {
                if wanted(letter) {
                    count += 1;
                    print(&as_json(letter)?, place)?;
                }
                Ok(())
            })?;
        }
        if !place.json {
            print_count(&destination.id, count)?;
        }
    }
    match unreadable {
        0 => Ok(()),
        lines => Err(Failure::failed(format!(
            "{lines} lines cannot be read; the log says which. They are kept: mend or delete them in the file"
        ))),
    }
}

/// The letter, as JSON.
pub(super) fn find(arguments: &DeadLettersShow) -> Result<Option<String>, Failure> {
    let place = &arguments.place;
    let config = place.config.load()?;
    let Some(letters) = open(&config)? else {
        return Ok(None);
    };
    let mut found = None;
    for destination in choose_all(&config, place.destination.as_deref())? {
        each(&letters, &destination.id, |letter| {
            if found.is_none() && letter.id() == arguments.id {
                found = Some(as_json(letter)?);
            }
            Ok(())
        })?;
    }
    Ok(found)
}

fn as_json(letter: &DeadLetter) -> Result<String, Failure> {
    let json = serde_json::to_string(&Letter::of(letter));
    Ok(json.map_err(anyhow::Error::new)?)
}

/// Goes through the letters, and tells how many lines are none.
fn each(
    letters: &DeadLetters,
    id: &str,
    mut look: impl FnMut(&DeadLetter) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mut unreadable = 0;
    for letter in letters.list(id)? {
        match letter {
            Ok(letter) => look(&letter)?,
            Err(error @ Error::Corrupt { .. }) => {
                tracing::error!(error = %ErrorChain(&error), "a line of the dead letters cannot be read");
                unreadable += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(unreadable)
}

pub(super) async fn retry(place: &LettersPlace, choice: &LetterChoice) -> Result<(), Failure> {
    let config = place.config.load()?;
    let letters = open(&config)?;
    let mut outcomes = Vec::new();
    for destination in chosen(&config, place, choice)? {
        let outcome = match &letters {
            Some(letters) => retry_destination(&config, destination, letters, choice).await?,
            None => RetryResult::default(),
        };
        print_outcome(&destination.id, &outcome, place)?;
        if outcome.written > 0 && !place.json {
            output::line(repetition::of_retry(&config.layout(destination)))?;
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
    let done = |one: &RetryResult| one.written + one.ignored + one.superseded;
    match outcomes.iter().map(|outcome| outcome.kept).sum::<u64>() {
        0 => choice.expect(outcomes.iter().map(done).sum()),
        kept => Err(Failure::failed(format!(
            "{kept} dead letters are kept: kenwell dead-letters list says why"
        ))),
    }
}

fn print_outcome(id: &str, outcome: &RetryResult, place: &LettersPlace) -> Result<(), Failure> {
    if place.json {
        return output::json(&json!({
            "destination": id,
            "retried": outcome.written + outcome.ignored,
            "superseded": outcome.superseded,
            "still_failing": outcome.kept,
            "error": outcome.stopped.as_ref().map(ToString::to_string),
        }));
    }
    output::line(format!(
        "{id}: {} written, {} dropped because newer events have set all of their fields, \
         {} dropped because they write nothing, {} kept",
        outcome.written, outcome.superseded, outcome.ignored, outcome.kept
    ))
}

async fn retry_destination(
    config: &Config,
    destination: &Destination,
    letters: &DeadLetters,
    choice: &LetterChoice,
) -> Result<RetryResult, Failure> {
    let outstanding = letters.outstanding(&destination.id, &config.layout(destination));
    outstanding.refresh()?;
    let counts = outstanding.counts().unwrap_or_default();
    let progress = Progress::new("retrying", counts.values().sum());
    let connection = connect(destination)?;
    let connection = installation::for_retry(&connection, &config.data_dir, &destination.id);
    let writer = destination.writer(connection);
    let passed = Cell::new(0_u64);
    let wanted = |letter: &DeadLetter| {
        if passed.get().is_multiple_of(SHOWN_EVERY) {
            progress.show(passed.get());
        }
        passed.set(passed.get() + 1);
        choice.has(letter)
    };
    Ok(outstanding.retry(&writer, wanted).await?)
}

pub(super) fn discard(place: &LettersPlace, choice: &LetterChoice) -> Result<(), Failure> {
    let config = place.config.load()?;
    let letters = open(&config)?;
    let mut found = 0;
    for destination in chosen(&config, place, choice)? {
        let id = &destination.id;
        let discarded = match &letters {
            Some(letters) => letters.discard(id, |letter| choice.has(letter))?,
            None => 0,
        };
        print_discarded(id, discarded, place)?;
        found += discarded;
    }
    choice.expect(found)
}

/// Letters are known by their ids within one destination.
fn chosen<'a>(
    config: &'a Config,
    place: &LettersPlace,
    choice: &LetterChoice,
) -> Result<Vec<&'a Destination>, Failure> {
    match choice {
        LetterChoice::Ids(_) => Ok(vec![choose(config, place.destination.as_deref())?]),
        LetterChoice::Reason(_) | LetterChoice::All => {
            choose_all(config, place.destination.as_deref())
        }
    }
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
