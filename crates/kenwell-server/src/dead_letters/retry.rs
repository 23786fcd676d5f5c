//! Applying dead letters again, or dropping them, while others go on appending.

use std::sync::Arc;

use jiff::Timestamp;
use kenwell::connection::Connection;
use kenwell::profile::{self, Fold, FoldedUpdate, ProfileUpdate};
use kenwell::{Class, Error as RedisError};

use super::directory::DeadLetters;
use super::error::Error;
use super::letter::DeadLetter;
use super::outstanding::{Outstanding, Overtaking, lock, retried};
use super::rewrite::Batch;

/// Letters that are applied in one pipeline.
const BATCH: usize = 1_000;

/// What became of the letters of one destination.
#[derive(Debug, Default)]
pub struct Retried {
    /// Written to Redis, and gone from the log.
    pub written: u64,
    /// Gone from the log because newer events have set all of their fields.
    pub superseded: u64,
    /// Gone from the log because they write nothing.
    pub ignored: u64,
    /// Refused again, or not tried.
    pub kept: u64,
    /// Why it could not go on, if it could not. All that follow were kept.
    pub stopped: Option<Stopped>,
}

/// Why a retry could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// Redis is away, or wants something of the operator.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] Error),
}

/// What became of one letter.
#[derive(Debug, Clone)]
enum Outcome {
    Unwanted,
    Written,
    Superseded,
    Ignored,
    Refused(RedisError),
    NotTried,
}

impl Outstanding {
    /// Applies those letters again that are `wanted`, a user's in the order of the journal, and of each only
    /// the fields that no newer event has set. What is written leaves the log, what is refused again stays
    /// with the new reason. Dropped before the end, all letters stay; those that were written are written
    /// again by the next retry, unless newer values came since.
    ///
    /// Blocks on files between its waits for Redis: not for a task that others wait behind.
    ///
    /// # Errors
    /// [`Error::Busy`] when somebody else is at it, and [`Error::Io`]; all letters are kept then.
    pub async fn retry(
        self: &Arc<Self>,
        connection: &Connection,
        wanted: impl Fn(&DeadLetter) -> bool,
    ) -> Result<Retried, Error> {
        let mut rewrite = self.log.rewrite()?;
        let mut retried = Retried::default();
        loop {
            let batch = rewrite.next(BATCH)?;
            if batch.is_empty() {
                break;
            }
            let mut outcomes: Vec<Outcome> = batch
                .letters()
                .map(|(_, letter)| {
                    if wanted(letter) {
                        Outcome::NotTried
                    } else {
                        Outcome::Unwanted
                    }
                })
                .collect();
            if retried.stopped.is_none() {
                let tried = self.try_batch(connection, &batch, &mut outcomes).await;
                retried.stopped = tried.err();
            }
            let mut outcomes = outcomes.into_iter();
            rewrite.keep(batch, |letter| {
                retried.enter(letter, outcomes.next().unwrap_or(Outcome::NotTried))
            })?;
        }
        rewrite.finish()?;
        self.look_again();
        Ok(retried)
    }

    /// Gives each letter of a batch that was not tried yet its outcome.
    ///
    /// From the look at what is left of the letters to Redis' replies nobody else writes newer values of
    /// these fields: whoever wants to takes them from the letters before.
    async fn try_batch(
        self: &Arc<Self>,
        connection: &Connection,
        batch: &Batch,
        outcomes: &mut [Outcome],
    ) -> Result<(), Stopped> {
        let _held = self.hold().await?;
        self.refresh()?;
        let mut open: Vec<(usize, u64, ProfileUpdate)> = Vec::new();
        for (item, ((position, letter), outcome)) in batch.letters().zip(&mut *outcomes).enumerate()
        {
            if !matches!(outcome, Outcome::NotTried) {
                continue;
            }
            match profile::update(&letter.event, self.layout()) {
                Err(_) => *outcome = Outcome::Ignored,
                Ok(update) => match lock(&self.index).rest(position, &update) {
                    None => *outcome = Outcome::Superseded,
                    Some(rest) => open.push((item, letter.offset, rest)),
                },
            }
        }
        open.sort_by_key(|(_, offset, _)| *offset);
        let taken = self.supersede(retried(
            open.iter().map(|(_, offset, rest)| (*offset, rest)),
        ))?;
        let mut refused = Vec::new();
        let written = write(connection, &open, outcomes, &mut refused).await;
        self.restore(&Overtaking::by_letters(taken), &refused)?;
        written.map_err(Stopped::Redis)
    }
}

impl Retried {
    /// Counts a letter, and says what is left of it.
    fn enter(&mut self, letter: DeadLetter, outcome: Outcome) -> Option<DeadLetter> {
        match outcome {
            Outcome::Unwanted => return Some(letter),
            Outcome::Written => self.written += 1,
            Outcome::Superseded => self.superseded += 1,
            Outcome::Ignored => self.ignored += 1,
            Outcome::NotTried => {
                self.kept += 1;
                return Some(letter);
            }
            Outcome::Refused(error) => {
                self.kept += 1;
                return Some(DeadLetter {
                    at: u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default(),
                    reason: error.to_string(),
                    ..letter
                });
            }
        }
        None
    }
}

/// Writes updates, given in the order of the journal, each with the item whose outcome it decides. Of users
/// who got nothing written, because it was refused again, `refused` gets the newest event.
async fn write(
    connection: &Connection,
    updates: &[(usize, u64, ProfileUpdate)],
    outcomes: &mut [Outcome],
    refused: &mut Vec<u64>,
) -> Result<(), RedisError> {
    let mut fold = Fold::default();
    for (place, (_, _, update)) in updates.iter().enumerate() {
        fold.push(place, update.clone());
    }
    let folded = fold.finish();
    let results = profile::apply(connection, &folded).await;
    for (folded, result) in folded.iter().zip(results) {
        let mut nothing = true;
        for place in folded.items() {
            let Some((item, offset, update)) = updates.get(*place) else {
                continue;
            };
            let result = match &result {
                Err(error) if is_suspicious(error, folded) => {
                    profile::apply_alone(connection, update).await
                }
                result => result.clone(),
            };
            let outcome = match result {
                Ok(()) => Outcome::Written,
                Err(error) if error.class() == Class::Record => Outcome::Refused(error),
                Err(error) => return Err(error),
            };
            nothing &= matches!(outcome, Outcome::Refused(_));
            if let Some(open) = outcomes.get_mut(*item) {
                *open = outcome;
            }
            if nothing && Some(place) == folded.items().last() {
                refused.push(*offset);
            }
        }
    }
    Ok(())
}

/// Whether its letters are to be tried one by one: one of them may take the others along, or costs the
/// connection, which takes along all that is sent together with it.
fn is_suspicious(error: &RedisError, folded: &FoldedUpdate) -> bool {
    let several = folded.items().len() > 1 && error.class() == Class::Record;
    several || matches!(error, RedisError::Lost { .. })
}

impl DeadLetters {
    /// Drops those letters that are not wanted any more, and tells how many. Blocks on files.
    ///
    /// # Errors
    /// [`Error::Busy`] when somebody else is at it, and [`Error::Io`]; all letters are kept then.
    pub fn discard(
        &self,
        destination: &str,
        unwanted: impl Fn(&DeadLetter) -> bool,
    ) -> Result<u64, Error> {
        let mut rewrite = self.rewrite(destination)?;
        let mut discarded = 0;
        loop {
            let batch = rewrite.next(BATCH)?;
            if batch.is_empty() {
                break;
            }
            rewrite.keep(batch, |letter| {
                let drop = unwanted(&letter);
                discarded += u64::from(drop);
                (!drop).then_some(letter)
            })?;
        }
        rewrite.finish()?;
        Ok(discarded)
    }
}
