//! Applying dead letters again, or dropping them, while others go on appending.

use std::sync::Arc;

use jiff::Timestamp;
use kenwell::Error as RedisError;
use kenwell::connection::Connection;
use kenwell::profile::{self, Fold, FoldedUpdate, Layout, ProfileUpdate, Writer};

use super::directory::DeadLetters;
use super::error::Error;
use super::index::Rest;
use super::letter::DeadLetter;
use super::outstanding::{OutstandingLetters, SupersedeGuard, lock, retried};
use super::rewrite::LetterBatch;

/// Letters that are applied in one pipeline.
const BATCH: usize = 1_000;

/// What became of the letters of one destination.
#[derive(Debug, Default)]
pub struct RetryResult {
    /// Written to Redis, and gone from the log.
    pub written: u64,
    /// Gone from the log because newer events have set all of their fields.
    pub superseded: u64,
    /// Gone from the log because they write nothing.
    pub ignored: u64,
    /// Refused again, or not tried.
    pub kept: u64,
    /// Why it could not go on, if it could not. All that follow were kept.
    pub stopped: Option<RetryError>,
}

/// Why a retry could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
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

impl OutstandingLetters {
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
    ) -> Result<RetryResult, Error> {
        let mut rewrite = self.log.rewrite()?;
        let mut retried = RetryResult::default();
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
        self.refresh_after_change();
        Ok(retried)
    }

    /// Gives each letter of a batch that was not tried yet its outcome.
    ///
    /// From the look at what is left of the letters to Redis' replies nobody else writes newer values of
    /// these fields: whoever wants to takes them from the letters before.
    async fn try_batch(
        self: &Arc<Self>,
        connection: &Connection,
        batch: &LetterBatch,
        outcomes: &mut [Outcome],
    ) -> Result<(), RetryError> {
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
                Ok(update) => match lock(&self.index).rest(position, letter.offset, &update) {
                    Rest::Nothing => *outcome = Outcome::Superseded,
                    Rest::Fields(rest) => open.push((item, letter.offset, rest)),
                    Rest::Unknown => {
                        return Err(RetryError::Log(Error::Changed {
                            destination: self.log.destination.clone(),
                        }));
                    }
                },
            }
        }
        open.sort_by_key(|(_, offset, _)| *offset);
        let taken = self.supersede(retried(
            open.iter().map(|(_, offset, rest)| (*offset, rest)),
        ))?;
        let mut refused = Vec::new();
        let written = write(connection, &open, outcomes, &mut refused).await;
        if written.is_err() {
            end_what_is_under_way(connection, self.layout()).await;
        }
        self.restore(&SupersedeGuard::of_retry(taken, refused))?;
        written.map_err(RetryError::Redis)
    }
}

impl RetryResult {
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

/// Updates of letters, in the order of the journal, each with the item whose outcome it decides.
type Open = [(usize, u64, ProfileUpdate)];

/// Writes updates. Of users who got nothing written, because it was refused again, `refused` gets the newest
/// event.
async fn write(
    connection: &Connection,
    updates: &Open,
    outcomes: &mut [Outcome],
    refused: &mut Vec<u64>,
) -> Result<(), RedisError> {
    let mut fold = Fold::default();
    for (place, (_, _, update)) in updates.iter().enumerate() {
        fold.push(place, update.clone());
    }
    let folded = fold.finish();
    // A new one each time: it may write again, to try the server, what it wrote before, which nobody else
    // has written since only while nobody else may.
    let mut writer = Writer::new(connection.clone());
    let mut stopped = None;
    let mut decide = |folded: &FoldedUpdate, result: Result<(), RedisError>| {
        let outcome = match result {
            Ok(()) => Outcome::Written,
            Err(error) if error.is_retryable() => {
                stopped = Some(error);
                return false;
            }
            Err(error) => Outcome::Refused(error),
        };
        for (item, ..) in folded
            .items()
            .iter()
            .filter_map(|place| updates.get(*place))
        {
            if let Some(open) = outcomes.get_mut(*item) {
                *open = outcome.clone();
            }
        }
        true
    };
    for (folded, result) in folded.iter().zip(writer.settle(&folded).await) {
        let parts = match &result {
            Err(error) if !error.is_retryable() => folded.unfold(),
            _ => Vec::new(),
        };
        if parts.is_empty() {
            let is_refused = result.is_err();
            if decide(folded, result) && is_refused {
                refused.extend(newest(folded, updates));
            }
            continue;
        }
        // One bad letter must not take good ones along.
        let mut nothing = true;
        for part in parts {
            let result = writer.settle(std::slice::from_ref(&part)).await.pop();
            let result = result.unwrap_or(Ok(()));
            nothing &= result.is_err();
            if !decide(&part, result) {
                nothing = false;
                break;
            }
        }
        if nothing {
            refused.extend(newest(folded, updates));
        }
    }
    stopped.map_or(Ok(()), Err)
}

fn newest(folded: &FoldedUpdate, updates: &Open) -> Option<u64> {
    let place = folded.items().last()?;
    updates.get(*place).map(|(_, offset, _)| *offset)
}

/// Sees to it that nothing of a write whose fate is unknown arrives later, when newer values may be there: a
/// new connection ends the one before.
async fn end_what_is_under_way(connection: &Connection, layout: &Layout) {
    if let Err(error) = profile::expires_in(connection, layout, "").await {
        tracing::debug!(%error, "Redis is away after a write whose fate is unknown");
    }
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
